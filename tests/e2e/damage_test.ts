/** Damaged video: whoever publishes it is told, and nobody else notices. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { run, type RunningRelay, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { seeded } from "./random.ts";
import { Viewer } from "./viewer.ts";
import { cutVideo, isByteStream, makeVideo, nalUnits, see, type VideoFormat } from "./videos.ts";

const FORMATS = ["h264", "hevc", "vp8", "vp9", "av1"] as const;

/** Damages a video of that format. */
type Damage = (format: VideoFormat, video: Uint8Array) => Promise<Uint8Array> | Uint8Array;

const DAMAGES: readonly (readonly [string, readonly VideoFormat[], Damage])[] = [
  ["bits flipped", FORMATS, (_, video) => flipped(video, 1)],
  ["many bits flipped", FORMATS, (_, video) => flipped(video, 50)],
  ["pieces cut out", FORMATS, (_, video) => cutOut(video)],
  ["another video's parameter sets", ["h264", "hevc"], lying],
  ["the end cut off", ["vp8", "vp9", "av1"], (_, video) => video.subarray(0, -5)],
];

function flipped(video: Uint8Array, perFrame: number): Uint8Array {
  const random = seeded(perFrame);
  const damaged = video.slice();
  for (let flips = 0; flips < 60 * perFrame; flips++) {
    damaged[Math.floor(random() * damaged.length)]! ^= 1 << Math.floor(random() * 8);
  }
  // What the input is must still be seen.
  damaged.set(video.subarray(0, 64));
  return damaged;
}

/** Without a piece of every tenth part, from anywhere to anywhere. */
function cutOut(video: Uint8Array): Uint8Array {
  const random = seeded(1);
  const part = Math.floor(video.length / 10);
  const kept = Array.from({ length: 10 }, (_, index) => {
    const left = 64 + Math.floor(random() * (part - 64));
    return video.subarray(index * part, index * part + left);
  });
  return concat(...kept);
}

/** With parameter sets that tell another size than that of the pictures. */
async function lying(format: VideoFormat, video: Uint8Array): Promise<Uint8Array> {
  if (!isByteStream(format)) throw new TypeError(`${format} has no parameter sets`);
  const other = await makeVideo({ format, size: "1280x720", frames: 1, gop: 1 });
  const sets = nalUnits(format, other).filter(({ isParameterSet }) => isParameterSet)
    .map(({ code, end }) => other.subarray(code, end));
  const rest = nalUnits(format, video).filter(({ isParameterSet }) => !isParameterSet)
    .map(({ code, end }) => video.subarray(code, end));
  return concat(...sets, ...rest);
}

async function metric(relay: RunningRelay, name: string): Promise<number> {
  const text = await (await fetch(`${relay.http}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)![1]);
}

Deno.test(
  needs(NO_FFMPEG, "Damaged video never ends a publisher without a reason, nor disturbs others"),
  async (t) => {
    await using relay = await startRelay(["--fps", "source"]);
    const good = await makeVideo({ format: "h264", frames: 60, gop: 60 });
    const goodFrames = cutVideo("h264", good);
    await using witness = await Viewer.join(relay.url("good"));
    await using publish = start(["publish", relay.url("good")], { stdin: "piped" });
    await publish.write(goodFrames[0]!);
    const before = await metric(relay, "process_resident_memory_bytes");
    for (const format of FORMATS) {
      const video = await makeVideo({ format, frames: 120, gop: 30, isOpen: true });
      for (const [what, formats, damage] of DAMAGES) {
        if (!formats.includes(format)) continue;
        await t.step(`${format}, ${what}`, async () => {
          const input = await damage(format, video);
          await using viewer = await Viewer.join(relay.url("bad"));
          const { code, stderr } = await run(["publish", relay.url("bad")], { stdin: input });
          assertTold(code, stderr);
          // What could be read has come, and the stream has ended as any other.
          await viewer.until(({ ends }) => ends === 1);
          assert(viewer.frames[0]!.header.key);
          const bytes = viewer.frames.reduce((sum, { data }) => sum + data.length, 0);
          assert(bytes < input.length * 1.2, `${bytes} of ${input.length}`);
        });
      }
    }
    for (const frame of goodFrames.slice(1)) await publish.write(frame);
    await publish.endInput();
    await witness.until(({ ends }) => ends === 1);
    assertEquals(concat(...witness.frames.map(({ data }) => data)), good);
    const grown = await metric(relay, "process_resident_memory_bytes") - before;
    assert(grown < 150e6, `the relay has grown by ${grown} bytes`);
    await witness.leave();
    assertEquals(await (await fetch(`${relay.http}/api/streams`)).json(), []);
    assertEquals(await metric(relay, "stream_cached_bytes"), 0);
    assertEquals(await metric(relay, "stream_under_way_bytes"), 0);
  },
);

/** A publisher of damaged input ends well, or with one sentence that says where and what. */
function assertTold(code: number, stderr: string): void {
  assert(code === 0 || code === 5, `${code}: ${stderr}`);
  assertEquals(/^ +at |uncaught|TypeError|RangeError/im.exec(stderr), null, stderr);
  const faults = stderr.split("\n").filter((line) => line.includes("Cannot"));
  assertEquals(faults.length, code === 5 ? 1 : 0, stderr);
  for (const fault of faults) {
    assertMatch(fault, /Cannot read frame \d+ at byte \d+: expected .+, found .+; /);
  }
}

for (const format of ["h264", "hevc"] as const) {
  Deno.test(
    needs(
      NO_FFMPEG,
      `A stream of ${format} that begins within a GOP begins for its viewers at the key frame`,
    ),
    async () => {
      await using relay = await startRelay(["--fps", "source"]);
      const frames = cutVideo(format, await makeVideo({ format, frames: 80, gop: 40 }));
      const source = await see(format, concat(...frames.slice(40)));
      await using viewer = await Viewer.join(relay.url());
      // A delta picture of H.265 is no signature of a file.
      await using publish = start(["publish", relay.url(), "--format", format], { stdin: "piped" });
      await publish.write(concat(...frames.slice(1, 40)));
      const waiting = await relay.until("live", ({ received }) => received.frames === 39);
      assertEquals(waiting.dropped.awaiting_key_frame, 39);
      assertEquals(waiting.sent.frames, 0);
      await publish.write(concat(...frames.slice(40)));
      await publish.endInput();
      await viewer.until(({ ends }) => ends === 1);
      const seen = await see(format, concat(...viewer.frames.map(({ data }) => data)));
      assertEquals(seen, source);
      assertEquals([viewer.frames.length, seen.pictures.length, seen.complaints], [40, 40, ""]);
    },
  );

  Deno.test(
    needs(
      NO_FFMPEG,
      `stream publish --strict ends with 5 where a NAL unit of ${format} never ends`,
    ),
    async () => {
      await using relay = await startRelay(["--fps", "source"]);
      const frames = cutVideo(format, await makeVideo({ format, frames: 2, gop: 2 }));
      await using viewer = await Viewer.join(relay.url());
      const endless = new Uint8Array(200_000).fill(0x55);
      const { code, stderr } = await run(
        ["publish", relay.url(), "--strict", "--max-frame", "64KiB"],
        { stdin: concat(...frames, endless) },
      );
      assertEquals(code, 5, stderr);
      assertTold(code, stderr);
      assertMatch(stderr, /Cannot read frame 2 at byte \d+: expected at most 65536 bytes/);
      await viewer.until(({ ends }) => ends === 1);
      assertEquals(viewer.frames.map(({ data }) => data), [frames[0]]);
    },
  );
}
