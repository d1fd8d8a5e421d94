/** Viewers that come in the middle of a long GOP. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { Client } from "../server/fixture.ts";
import { concat } from "../split/samples.ts";
import { Viewer } from "./viewer.ts";
import { cutVideo, makeVideo, see, videoFile, withSetsOnce } from "./videos.ts";

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

for (const format of ["h264", "hevc"] as const) {
  Deno.test(
    needs(NO_FFMPEG, `A bare viewer of ${format} gets what decodes from its first message on`),
    async () => {
      await using relay = await startRelay(["--fps", "source"]);
      const video = await makeVideo({ format, gop: 40, frames: 120, isOpen: true });
      const frames = cutVideo(format, withSetsOnce(format, video));
      const source = await see(format, video);
      await using publish = start(["publish", relay.url()], { stdin: "piped" });
      await publish.write(concat(...frames.slice(0, 60)));
      await relay.until("live", ({ received }) => received.frames === 60);
      await using viewer = await Client.open(`${relay.url()}?role=watch`);
      // A bare viewer is not told when it has been let in: the connection may be open before.
      await relay.until("live", ({ viewers }) => viewers === 1);
      await publish.write(concat(...frames.slice(60)));
      await publish.endInput();
      const messages = [];
      while (messages.length < 120 - 40) messages.push(await viewer.frame());
      const seen = await see(format, concat(...messages));
      assertEquals(seen.complaints, "");
      assertEquals(seen.pictures, source.pictures.slice(40));
    },
  );
}

Deno.test(
  needs(NO_FFMPEG, "A stream that ends while a viewer is catching up loses nothing for it"),
  async () => {
    await using relay = await startRelay(["--fps", "source"]);
    const video = await makeVideo({ format: "h264", gop: 100, frames: 200 });
    const source = await see("h264", video);
    const frames = cutVideo("h264", video);
    await using publish = start(["publish", relay.url()], { stdin: "piped" });
    await publish.write(concat(...frames.slice(0, 180)));
    await relay.until("live", ({ received }) => received.frames === 180);
    await using viewer = await Viewer.join(relay.url(), { isStalled: true });
    await viewer.until(({ frames }) => frames.length > 0);
    assert(viewer.frames.length < 80, `${viewer.frames.length} frames came unconfirmed`);
    await publish.write(concat(...frames.slice(180)));
    await publish.endInput();
    assertEquals((await publish.outcome).code, 0);
    viewer.resume();
    await viewer.until(({ ends }) => ends === 1);
    const seen = await see("h264", concat(...viewer.frames.map(({ data }) => data)));
    assertEquals(seen.complaints, "");
    assertEquals(seen.pictures, source.pictures.slice(100));
  },
);

Deno.test(
  needs(NO_FFMPEG, "A viewer that skips open GOPs of hevc sees the others as they are, in order"),
  async () => {
    await using relay = await startRelay(["--fps", "source"]);
    const video = await makeVideo({ format: "hevc", gop: 60, frames: 480, isOpen: true });
    const source = await see("hevc", video);
    const frames = cutVideo("hevc", video);
    const url = relay.url();
    await using witness = await Viewer.join(url);
    await using viewer = await Viewer.join(url, { maxDelayMs: 1, isStalled: true });
    await using publish = start(["publish", url], { stdin: "piped" });
    await publish.write(concat(...frames.slice(0, 290)));
    await witness.until(({ frames }) => frames.length >= 280);
    // What it has skipped is more than the order count of H.265 can tell: 128 in either direction.
    viewer.resume();
    await publish.write(concat(...frames.slice(290)));
    await publish.endInput();
    await viewer.until(({ ends }) => ends === 1);
    await witness.until(({ ends }) => ends === 1);
    const sequences = viewer.frames.map(({ header }) => header.sequence);
    const gaps = sequences.map((sequence, index) => sequence - (sequences[index - 1] ?? 0));
    assert(Math.max(...gaps) > 128, `${Math.max(...gaps)}`);
    const seen = await see("hevc", concat(...viewer.frames.map(({ data }) => data)));
    assertEquals(seen.complaints, "");
    assertEquals(seen.pictures.length, viewer.frames.length);
    const order = seen.pictures.map((picture) => source.pictures.indexOf(picture));
    assert(order.every((at, index) => at > (order[index - 1] ?? -1)), String(order));
    assertEquals(concat(...witness.frames.map(({ data }) => data)), video);
  },
);
