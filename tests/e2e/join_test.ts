/** Viewers that come in the middle of a long GOP. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { Viewer } from "./viewer.ts";
import { cutVideo, makeVideo, see, videoFile } from "./videos.ts";

/** Ten seconds. */
const GOP = 300;
const FRAMES = 390;
/** Frames that are there when the viewer comes. */
const BEFORE = 360;

for (
  const [format, isOpen] of [
    ["h264", false],
    ["h264", true],
    ["hevc", false],
    ["hevc", true],
    ["vp8", false],
    ["vp9", false],
    ["av1", false],
  ] as const
) {
  const what = `${format}${isOpen ? ", open" : ""}`;
  Deno.test(
    needs(NO_FFMPEG, `a viewer in the middle of a silent GOP of 10 s gets it at once (${what})`),
    async () => {
      await using relay = await startRelay(["--fps", "source"]);
      const video = await makeVideo({ format, gop: GOP, frames: FRAMES, isOpen });
      const frames = cutVideo(format, video);
      assertEquals(frames.length, FRAMES);
      const source = await see(format, video);
      await using publish = start(["publish", relay.url()], { stdin: "piped" });
      await publish.write(concat(...frames.slice(0, BEFORE)));
      await relay.until(
        "live",
        ({ received, queue }) => received.frames === BEFORE && queue.frames === 0,
      );

      // From here on the publisher is silent: whatever comes, comes because the viewer has come.
      await using viewer = await Viewer.join(relay.url());
      await viewer.until(({ frames }) => frames.length >= BEFORE - GOP);
      const caughtUp = viewer.frames.length;
      assertEquals(caughtUp, BEFORE - GOP);
      assert(viewer.frames.every(({ header }) => header.catchUp));
      assert(viewer.frames.every(({ header }, index) => header.key === (index === 0)));
      const first = await see(format, videoFile(format, viewer.frames.map(({ data }) => data)));
      assertEquals(first.complaints, "");
      assertEquals(first.pictures.length, caughtUp);
      assertEquals(first.pictures[0], source.pictures[GOP]);

      await publish.write(concat(...frames.slice(BEFORE)));
      await publish.endInput();
      await viewer.until(({ ends }) => ends === 1);
      assertEquals(viewer.frames.length, FRAMES - GOP);
      const all = await see(format, videoFile(format, viewer.frames.map(({ data }) => data)));
      assertEquals(all.complaints, "");
      assertEquals(all.pictures, source.pictures.slice(GOP));
      const { code, stderr } = await publish.outcome;
      assertEquals(code, 0, stderr);
    },
  );
}
