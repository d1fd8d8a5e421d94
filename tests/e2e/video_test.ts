/** Video from ffmpeg through three processes, and back to ffmpeg. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { startRelay } from "../program.ts";
import { relayed } from "./relayed.ts";
import {
  cutVideo,
  ivfFile,
  makeVideo,
  nalUnits,
  see,
  type VideoOptions,
  withSetsOnce,
} from "./videos.ts";

const TEN_SECONDS = { gop: 300, frames: 330 } as const;

for (
  const [what, options, isOnce] of [
    ["of 10 s GOPs in three slices", { ...TEN_SECONDS, slices: 3 }, false],
    ["of open GOPs", { gop: 40, frames: 120, isOpen: true }, false],
    ["with its parameter sets only once", { gop: 40, frames: 120 }, true],
  ] as const
) {
  for (const format of ["h264", "hevc"] as const) {
    Deno.test(
      needs(NO_FFMPEG, `ffmpeg's ${format} ${what} decodes to the same pictures`),
      async () => {
        await using folder = await makeFolder();
        await using relay = await startRelay(["--fps", isOnce ? "200" : "source"]);
        const made = await makeVideo({ format, ...options } satisfies VideoOptions);
        const input = isOnce ? withSetsOnce(format, made) : made;
        await relayed(relay, { input, watch: ["-o", `x.${format}`], cwd: folder.path });
        const dump = await Deno.readFile(`${folder.path}/x.${format}`);
        const [source, seen] = [await see(format, input), await see(format, dump)];
        assertEquals(source.framemd5.length, options.frames);
        assertEquals(seen.framemd5, source.framemd5);
        assertEquals(seen.complaints, "");
        // What was put in front of key frames is what stood there before.
        assertEquals(dump, made);
        if ("slices" in options) {
          const slices = nalUnits(format, dump).filter(({ isSlice }) => isSlice);
          assertEquals(slices.length, 3 * options.frames);
        }
      },
    );
  }
}

for (const format of ["vp8", "vp9", "av1"] as const) {
  for (const hasHidden of [false, true]) {
    const what = hasHidden ? `${format} with hidden frames` : format;
    Deno.test(
      needs(NO_FFMPEG, `ffmpeg's ${what} in IVF decodes to the same pictures`),
      async () => {
        await using folder = await makeFolder();
        await using relay = await startRelay(["--fps", "source"]);
        const input = await makeVideo({ format, gop: 40, frames: 120, hasHidden });
        await relayed(relay, { input, cwd: folder.path });
        const names = await folder.names("frames");
        assertEquals(names.length, cutVideo(format, input).length);
        assert(names.every((name) => name.endsWith(`.${format}`)));
        const dump = ivfFile(format, await folder.files("frames"));
        const [source, seen] = [await see(format, input), await see(format, dump)];
        assertEquals(source.pictures.length, 120);
        assertEquals(seen.pictures, source.pictures);
        assertEquals(seen.complaints, "");
      },
    );
  }
}
