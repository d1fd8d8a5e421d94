// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { DamageReport } from "../../src/files/damage_report.ts";
import { SplitSource } from "../../src/files/frame_source.ts";
import { LoopedSource } from "../../src/files/looped_source.ts";
import { type FrameTimes, Pace, PacedSource } from "../../src/files/paced_source.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { InputError, StreamError } from "../../src/errors.ts";
import { createSplitter } from "../../src/split/create.ts";
import { H264Splitter } from "../../src/split/h264.ts";
import { h264Pps, h264Slice, h264Sps, idr } from "../split/nal_samples.ts";
import { concat, jpeg } from "../split/samples.ts";
import { frame, ListSource } from "./sources.ts";

/** An input that a test writes to; `reads` counts how often it was asked for bytes. */
function input() {
  let reads = 0;
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (given) => void (controller = given),
    pull: () => void reads++,
  }, { highWaterMark: 0 });
  return {
    stream,
    reads: () => reads,
    write: (bytes: Uint8Array<ArrayBuffer>) => controller.enqueue(bytes),
    end: () => controller.close(),
  };
}

const KEY = concat(h264Sps(), h264Pps(), idr());

Deno.test("SplitSource gives the last picture of a pipe that falls silent, and goes on", async () => {
  const pipe = input();
  const splitter = new H264Splitter({ maxFrameBytes: 1000 });
  const source = new SplitSource(pipe.stream, splitter, "pipe");
  const first = source.next();
  pipe.write(KEY);
  assertEquals((await first)?.data, KEY, "nothing has ended it but silence");
  const second = source.next();
  pipe.write(h264Slice());
  assertEquals((await second)?.data, h264Slice());
  const third = source.next();
  pipe.end();
  assertEquals(await third, undefined);
  assertEquals(pipe.reads(), 3, "one read at a time");
});

Deno.test("SplitSource tells how much of its input was left out", async () => {
  const pipe = input();
  const source = new SplitSource(pipe.stream, new H264Splitter({ maxFrameBytes: 1000 }), "pipe");
  const first = source.next();
  pipe.write(concat(Uint8Array.of(9, 9), KEY));
  pipe.end();
  assertEquals((await first)?.data, KEY);
  assertEquals(source.damaged, 1);
  assertEquals(await source.next(), undefined);
});

const JUNK = Uint8Array.of(9, 9);

Deno.test("SplitSource tells every run of bytes that is left out, and why", async () => {
  const pipe = input();
  const told: (readonly [offset: number, runs: number])[] = [];
  const source = new SplitSource(
    pipe.stream,
    createSplitter({ format: "mjpeg", maxFrameBytes: 1000, resyncs: true }),
    "pipe",
    { isStrict: false, onDamage: ({ offset }, runs) => told.push([offset, runs]) },
  );
  const image = jpeg();
  const first = source.next();
  pipe.write(concat(image, JUNK, image, JUNK, image));
  pipe.end();
  assertEquals((await first)?.data, image);
  assertEquals(told, []);
  assertEquals((await source.next())?.data, image);
  assertEquals((await source.next())?.data, image);
  assertEquals(await source.next(), undefined);
  assertEquals(told, [[image.length, 1], [2 * image.length + 2, 1]]);
  assertEquals(source.damaged, 2);
});

for (const isRepeated of [false, true]) {
  Deno.test(`SplitSource whose input ends within a frame ${isRepeated ? "and begins again tells that" : "ends with an error"}`, async () => {
    const pipe = input();
    const splitter = createSplitter({ format: "mjpeg", maxFrameBytes: 1000, resyncs: true });
    const told: string[] = [];
    const source = new SplitSource(pipe.stream, splitter, "pipe", {
      isStrict: false,
      isRepeated,
      onDamage: ({ found }) => told.push(found),
    });
    pipe.write(concat(jpeg(), jpeg().subarray(0, -1)));
    pipe.end();
    assertEquals((await source.next())?.data, jpeg());
    const end = source.next();
    if (isRepeated) assertEquals(await end, undefined);
    else await assertRejects(() => end, InputError, "Cannot read frame 2 at byte ");
    const found = `the end of the input after ${jpeg().length - 1} bytes`;
    assertEquals(told, isRepeated ? [found] : []);
    assertEquals(source.damaged, 1);
  });
}

Deno.test("SplitSource that is strict ends where a byte stream has junk in front", async () => {
  const pipe = input();
  const source = new SplitSource(pipe.stream, new H264Splitter({ maxFrameBytes: 1000 }), "pipe", {
    isStrict: true,
    onDamage: () => {},
  });
  const first = source.next();
  pipe.write(concat(JUNK, KEY));
  pipe.end();
  await assertRejects(() => first, InputError, "frame 1 at byte 0: expected a start code");
});

Deno.test("DamageReport warns once a second, with all that was left out until then", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = { info() {}, error() {}, progress() {}, warn: (text: string) => lines.push(text) };
  const report = new DamageReport({ log, clock: { nowMs: () => nowMs, wallUs: () => 0 } });
  const fault = { frame: 3, offset: 70, expected: "a picture", found: "00 01", advice: "look" };
  report.add(fault, 1);
  nowMs = 999;
  report.add({ ...fault, offset: 80 }, 2);
  assertEquals(lines.length, 1);
  nowMs = 1000;
  report.add({ ...fault, offset: 90, isTooLarge: true }, 1);
  assertEquals(lines, [
    "left out data that is not a whole frame at byte 70: expected a picture, found 00 01; 1 damaged so far",
    "left out a frame at byte 90: expected a picture, found 00 01; look; 4 damaged so far",
  ]);
});

Deno.test("SplitSource leaves no timer behind when it is stopped", async () => {
  const pipe = input();
  const source = new SplitSource(pipe.stream, new H264Splitter({ maxFrameBytes: 1000 }), "pipe");
  const next = source.next();
  source.stop();
  assertEquals(await next, undefined);
});

/** When each of the frames is due that are asked for at the times before them. */
function dueTimes(frames: readonly (readonly [nowMs: number, frame: FrameTimes])[]): number[] {
  const pace = new Pace();
  return frames.map(([nowMs, frame]) => pace.next(frame, nowMs));
}

const delta = (ptsUs: number, durationUs = 40_000) =>
  ({ kind: "delta", ptsUs, durationUs }) as const;
const key = (ptsUs: number, durationUs = 40_000) => ({ kind: "key", ptsUs, durationUs }) as const;

Deno.test("Pace lets frames leave evenly that are shown in another order", () => {
  const due = dueTimes([
    [1000, key(0)],
    [1000, delta(120_000)],
    [1040, delta(40_000)],
    [1080, delta(80_000)],
    [1120, key(160_000)],
  ]);
  assertEquals(due, [1000, 1040, 1080, 1120, 1160]);
});

Deno.test("Pace begins at once, whatever the first time is, and keeps gaps", () => {
  const due = dueTimes([
    [0, key(-80_000)],
    [0, delta(-40_000)],
    [40, key(5_000_000)],
    [40, delta(5_040_000)],
  ]);
  assertEquals(due, [0, 40, 5080, 5120]);
});

Deno.test("Pace goes by the times where no durations are known, and never back", () => {
  const frames = [key(0, 0), delta(30_000, 0), delta(10_000, 0), key(90_000, 0)];
  assertEquals(dueTimes(frames.map((frame) => [0, frame])), [0, 30, 30, 90]);
});

Deno.test("Pace makes up for a second, not for more", () => {
  const frames = [0, 1, 2, 3].map((at) => key(at * 40_000));
  const due = dueTimes([[0, frames[0]!], [1040, frames[1]!], [9000, frames[2]!], [
    9000,
    frames[3]!,
  ]]);
  assertEquals(due, [0, 40, 9000, 9040]);
});

Deno.test("PacedSource gives each frame when it is due", async () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs++, wallUs: () => 0 };
  const frames = [0, 5000, 10_000].map((ptsUs) => frame({ ptsUs, durationUs: 5000 }));
  const source = new PacedSource(new ListSource(frames), clock);
  const given = [];
  for (let next = await source.next(); next !== undefined; next = await source.next()) {
    given.push([next, nowMs > given.length * 5]);
  }
  assertEquals(given, frames.map((frame) => [frame, true]));
  assertEquals(source.damaged, 1);
});

Deno.test("PacedSource waits no longer when it is stopped", async () => {
  const clock = { nowMs: () => 0, wallUs: () => 0 };
  const list = new ListSource([frame({ ptsUs: 0 }), frame({ ptsUs: 3_600_000_000 })]);
  const source = new PacedSource(list, clock);
  await source.next();
  const next = source.next();
  source.stop();
  assertEquals(await next, undefined);
  assertEquals(list.isStopped, true);
});

Deno.test("LoopedSource repeats frames, and their times go on", async () => {
  const config = () => bareConfig("vp8", { width: 16 });
  const round = () =>
    new ListSource([
      frame({ ptsUs: 100, durationUs: 10, config: config() }),
      frame({ ptsUs: 120, durationUs: 10, kind: "delta" }),
      frame({ ptsUs: 110, durationUs: 10, kind: "delta" }),
    ]);
  let rounds = 0;
  const source = new LoopedSource(round(), () => Promise.resolve((rounds++, round())), "x");
  const frames = [];
  for (let count = 0; count < 8; count++) frames.push((await source.next())!);
  assertEquals(frames.map(({ ptsUs }) => ptsUs), [100, 120, 110, 130, 150, 140, 160, 180]);
  assertEquals(rounds, 2);
  assertEquals(source.damaged, 3);
  source.stop();
  assertEquals(await source.next(), undefined);
});

Deno.test("LoopedSource keeps the configuration where another round has the same", async () => {
  const round = () => new ListSource([frame({ config: bareConfig("vp8", { width: 16 }) })]);
  const source = new LoopedSource(round(), () => Promise.resolve(round()), "x");
  const [one, other] = [await source.next(), await source.next()];
  assertEquals(one!.config === other!.config, true);
  assertEquals([one!.ptsUs, other!.ptsUs], [null, null]);
  source.stop();
});

Deno.test("LoopedSource takes the frame rate or the last step where no duration is known", async () => {
  for (const [frameRate, next] of [[50, 60_000], [null, 80_000]] as const) {
    const config = bareConfig("y4m", { frameRate });
    const round = () => new ListSource([0, 40_000].map((ptsUs) => frame({ ptsUs, config })));
    const source = new LoopedSource(round(), () => Promise.resolve(round()), "x");
    await source.next();
    await source.next();
    assertEquals((await source.next())!.ptsUs, next);
    source.stop();
  }
});

Deno.test("LoopedSource does not go round for ever without a frame", async () => {
  const none = () => new ListSource([]);
  const source = new LoopedSource(none(), () => Promise.resolve(none()), "x.mjpeg");
  await assertRejects(
    () => source.next(),
    StreamError,
    "Cannot repeat x.mjpeg: it contains no frames; give a file with frames",
  );
});
