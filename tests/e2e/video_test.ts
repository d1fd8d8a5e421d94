/** Video from ffmpeg through three processes, and back to ffmpeg. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { relayed } from "./relayed.ts";
import { Viewer } from "./viewer.ts";
import {
  cutVideo,
  makeVideo,
  nalUnits,
  see,
  videoFile,
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
        const input = await makeVideo({ format, gop: 40, frames: 100, hasHidden });
        await relayed(relay, { input, watch: ["-o", "x.ivf"], cwd: folder.path });
        const dump = await Deno.readFile(`${folder.path}/x.ivf`);
        const [source, seen] = [await see(format, input), await see(format, dump)];
        assertEquals(source.framemd5.length, 100);
        assertEquals(seen.framemd5, source.framemd5);
        assertEquals(seen.complaints, "");
        const frames = cutVideo(format, dump);
        assertEquals(frames.length, cutVideo(format, input).length);
        // Hidden frames of VP8 come by themselves, those of VP9 at the head of a superframe.
        const superframes = frames.filter((frame) => (frame.at(-1)! & 0xe0) === 0xc0);
        if (format === "vp8") assertEquals(frames.length > 100, hasHidden);
        if (format === "vp9") assertEquals(superframes.length > 0, hasHidden);
      },
    );
  }
}

// A gap in front of a key frame of H.264 that is no IDR picture leaves decoders without the order of
// pictures for a moment, whoever made it: H.264 has no way to say that there is one.
for (const [format, isOpen] of [["h264", false], ["hevc", true], ["vp9", false]] as const) {
  Deno.test(
    needs(NO_FFMPEG, `stream publish --on-full drop drops nothing that ${format} needs afterwards`),
    async () => {
      await using relay = await startRelay(["--fps", "30"]);
      const video = await makeVideo({ format, gop: 20, frames: 120, isOpen });
      const source = await see(format, video);
      await using viewer = await Viewer.join(relay.url());
      await using publish = start(["publish", relay.url(), "--on-full", "drop", "--log", "json"], {
        stdin: video,
      });
      const { code, stderr } = await publish.outcome;
      assertEquals(code, 0, stderr);
      await viewer.until(({ ends }) => ends === 1);
      const { frames, dropped } = JSON.parse(stderr.trim().split("\n").at(-1)!);
      assertEquals(frames + dropped, 120);
      assert(dropped > 0, "the relay took all at once");
      const { received, dropped: counted } = await relay.until("live", () => true);
      assertEquals(received.frames, frames);
      // It sees gaps between frames, not what was dropped before the first.
      assert(counted.publisher <= dropped);
      // Leading pictures behind the gap.
      assertEquals(counted.awaiting_key_frame + viewer.frames.length, frames);
      const seen = await see(format, videoFile(format, viewer.frames.map(({ data }) => data)));
      assertEquals(seen.complaints, "");
      assertEquals(seen.pictures.length, viewer.frames.length);
      const order = seen.pictures.map((picture) => source.pictures.indexOf(picture));
      assert(order.every((at, index) => at > (order[index - 1] ?? -1)), String(order));
    },
  );
}
