/** The pure parts of `deno task bench live`, and its proxy. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DelayLine } from "../../bench/live/delay_line.ts";
import { startDelayProxy } from "../../bench/live/delay_proxy.ts";
import { delaysOf, Ledger, recoveryMs } from "../../bench/live/ledger.ts";
import {
  blankOf,
  noiseFrames,
  type NumberedFormat,
  NumberedFrames,
} from "../../bench/live/numbered_frames.ts";
import { NumberedReader } from "../../bench/live/numbered_reader.ts";
import { piped } from "../../bench/live/process.ts";
import { schedule, type ScheduleOptions } from "../../bench/live/schedule.ts";
import { createSplitter, type SelfDelimitingFormat } from "../../src/split/create.ts";
import { H264_DELIMITER, h264Pps, h264Slice, h264Sps, idr } from "../split/nal_samples.ts";
import { concat, cutAt, equal, jpeg, ramp, split } from "../split/samples.ts";

function due(count: number, options: ScheduleOptions): number[] {
  const times = schedule(options);
  return Array.from({ length: count }, () => times.next().value);
}

function numbered(format: NumberedFormat, ...frames: Uint8Array[]): NumberedFrames {
  return new NumberedFrames(format, frames.map((frame) => blankOf(format, frame)));
}

const SETS: Readonly<Record<string, NumberedFrames>> = {
  mjpeg: numbered("mjpeg", jpeg(), jpeg({ width: 320 })),
  h264: numbered(
    "h264",
    concat(H264_DELIMITER, h264Sps(), h264Pps(), idr()),
    concat(H264_DELIMITER, h264Slice({ frameNum: 1 })),
  ),
  lp32: noiseFrames(50, 3),
};

function run(frames: NumberedFrames, ...numbers: number[]): Uint8Array<ArrayBuffer> {
  return concat(...numbers.map((number) => frames.frame(number)));
}

function read(frames: NumberedFrames, chunks: readonly Uint8Array[]): number[] {
  const reader = new NumberedReader(frames);
  const numbers: number[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let number; (number = reader.next()) !== undefined;) numbers.push(number);
  }
  return numbers;
}

async function* chunksOf(connection: Deno.Conn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(10_000);
  for (let length; (length = await connection.read(buffer)) !== null;) {
    yield buffer.slice(0, length);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

Deno.test("schedule gives even times without jitter", () => {
  assertEquals(due(4, { fps: 50 }), [0, 20, 40, 60]);
});

Deno.test("schedule stays within its jitter, uses it both ways, and is the same again", () => {
  const times = due(500, { fps: 30, jitterMs: 10, seed: 3 });
  const off = times.map((time, number) => time - number * 1000 / 30);
  assert(Math.min(...off) >= -10 && Math.max(...off) <= 10);
  assert(Math.min(...off) < -9 && Math.max(...off) > 9);
  assertEquals(times, due(500, { fps: 30, jitterMs: 10, seed: 3 }));
  assert(times[1] !== due(2, { fps: 30, jitterMs: 10, seed: 4 })[1]);
});

Deno.test("schedule never goes back, also where the jitter is longer than a frame", () => {
  const times = due(200, { fps: 100, jitterMs: 30 });
  assertEquals(times, times.toSorted((a, b) => a - b));
});

for (const [format, frames] of Object.entries(SETS)) {
  Deno.test(`NumberedFrames of ${format} are what the splitter takes for whole frames`, () => {
    const splitter = createSplitter({
      format: format as SelfDelimitingFormat,
      maxFrameBytes: 1e6,
    });
    const { frames: found, error } = split(splitter, [run(frames, 0, 1, 2)]);
    assertEquals([found.length, error], [3, undefined]);
    const prefixBytes = format === "lp32" ? 4 : 0;
    for (const [number, { data }] of found.entries()) {
      assert(equal(data, frames.frame(number).subarray(prefixBytes)));
    }
  });

  Deno.test(`NumberedReader finds frames of ${format} however they are cut`, () => {
    const bytes = run(frames, 0, 1, 4, 87_654_321);
    const cuts = [
      [],
      [3],
      [frames.headBytes],
      [frames.lengthOf(0) - 1],
      [...bytes.keys()].slice(1),
    ];
    for (const offsets of cuts) {
      assertEquals(read(frames, cutAt(bytes, offsets)), [0, 1, 4, 87_654_321]);
    }
  });

  Deno.test(`NumberedReader of ${format} refuses bytes that were not written`, () => {
    const changed = run(frames, 5);
    changed[changed.length - 1]! ^= 1;
    assertThrows(() => read(frames, [changed]), Error, "frame 5");
    const shifted = concat(Uint8Array.of(1), run(frames, 5));
    assertThrows(() => read(frames, [shifted]), Error, "Cannot");
  });
}

Deno.test("NumberedReader finds a frame by its last byte, without the next", () => {
  const frames = SETS.h264!;
  const bytes = run(frames, 1);
  assertEquals(read(frames, [bytes.subarray(0, -1)]), []);
  assertEquals(read(frames, [bytes]), [1]);
});

Deno.test("NumberedReader reads on beyond what it can hold at once", () => {
  const frames = SETS.lp32!;
  const numbers = Array.from({ length: 6000 }, (_, number) => number);
  const bytes = run(frames, ...numbers);
  const cuts = numbers.map((number) => number * 1001).filter((at) => at > 0 && at < bytes.length);
  assertEquals(read(frames, cutAt(bytes, cuts)), numbers);
  assertEquals(read(frames, [bytes.subarray(0, 20), bytes.subarray(20)]), numbers);
});

Deno.test("blankOf refuses an access unit without a delimiter", () => {
  assertThrows(() => blankOf("h264", concat(h264Sps(), h264Pps(), idr())), Error, "no delimiter");
});

Deno.test("Ledger counts delays from the writing or from when a frame was due, and what is lost", () => {
  const ledger = new Ledger();
  for (const number of [0, 1, 2]) ledger.write(number, number * 10, number * 10 + 1);
  ledger.read(0, 4);
  ledger.read(2, 25);
  assertEquals(delaysOf(ledger.arrived()), [3, 4]);
  assertEquals(delaysOf(ledger.arrived(), "dueMs"), [4, 5]);
  assertEquals([ledger.written, ledger.lost, ledger.isInOrder], [3, 1, true]);
});

Deno.test("Ledger counts from the frame behind where only that shows the end", () => {
  const ledger = new Ledger();
  for (const number of [0, 1, 2]) ledger.write(number, number * 10, number * 10 + 1);
  for (const number of [0, 1, 2]) ledger.read(number, number * 10 + 14);
  assertEquals(delaysOf(ledger.arrivedBehindNext()), [3, 3]);
  assertEquals(delaysOf(ledger.arrivedBehindNext(), "dueMs"), [4, 4]);
});

Deno.test("Ledger knows frames that come again, behind a later one, or from nowhere", () => {
  for (const numbers of [[0, 0], [1, 0], [7]]) {
    const ledger = new Ledger();
    for (const number of [0, 1]) ledger.write(number, 0, 0);
    for (const number of numbers) ledger.read(number, 1);
    assertEquals(ledger.isInOrder, false);
  }
});

Deno.test("recoveryMs is the time to the first frame from which on delays stay below the limit", () => {
  const delays = [5, 5, 200, 20, 200, 32, 5, 5, 5, 5];
  const arrived = delays.map((delayMs, number) => ({
    number,
    dueMs: number * 100,
    writtenMs: number * 100,
    readMs: number * 100 + delayMs,
  }));
  const options = { limitMs: 33, since: "writtenMs" as const, holdMs: 250 };
  assertEquals(recoveryMs(arrived, { ...options, fromMs: 200 }), 332);
  // What was read before counts for nothing, and neither does a frame of just the limit.
  assertEquals(recoveryMs(arrived, { ...options, fromMs: 550 }), 55);
  assertEquals(recoveryMs(arrived, { ...options, fromMs: 200, limitMs: 32 }), 405);
  assertEquals(recoveryMs(arrived, { ...options, fromMs: 200, holdMs: 400 }), undefined);
});

Deno.test("DelayLine gives everything in order, each once its time has come", () => {
  const line = new DelayLine({ delayMs: 100, maxBytes: 10 });
  line.push(Uint8Array.of(1), 0);
  line.push(Uint8Array.of(2), 5);
  assertEquals([line.deadlineMs(), line.pop(99)], [100, undefined]);
  assertEquals(line.pop(200), Uint8Array.of(1));
  assertEquals([line.deadlineMs(), line.pop(104.9)], [105, undefined]);
  assertEquals([line.pop(105), line.pop(105)], [Uint8Array.of(2), undefined]);
  assertEquals([line.deadlineMs(), line.bytes], [undefined, 0]);
});

Deno.test("DelayLine has room up to its limit", () => {
  const line = new DelayLine({ delayMs: 1, maxBytes: 10 });
  line.push(new Uint8Array(9), 0);
  assert(line.hasRoom);
  line.push(new Uint8Array(1), 0);
  assert(!line.hasRoom);
  line.pop(1);
  assert(line.hasRoom);
});

Deno.test("the delay proxy brings all bytes in order to the other end and back, and both ends, late", async () => {
  const delayMs = 30;
  using echo = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echoing = (async () => {
    using connection = await echo.accept();
    for await (const chunk of chunksOf(connection)) await writeAll(connection, chunk);
    await connection.closeWrite();
  })();
  await using proxy = startDelayProxy({ to: echo.addr as Deno.NetAddr, delayMs });
  const sent = ramp(300_000);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  const startMs = performance.now();
  const writing = writeAll(connection, sent).then(() => connection.closeWrite());
  const chunks: Uint8Array[] = [];
  let firstMs = Infinity;
  for await (const chunk of chunksOf(connection)) {
    firstMs = Math.min(firstMs, performance.now() - startMs);
    chunks.push(chunk);
  }
  await Promise.all([writing, echoing]);
  assert(equal(concat(...chunks), sent));
  assert(firstMs >= 2 * delayMs, `there and back in ${firstMs} ms`);
});

Deno.test("piped hands every argument on as it is", async () => {
  const [command, ...args] = piped(["printf", "%s|", "a b", "$HOME", "*"], [
    "sh",
    "-c",
    "cat; echo $0",
  ]);
  const { stdout } = await new Deno.Command(command!, { args }).output();
  assertEquals(new TextDecoder().decode(stdout), "a b|$HOME|*|sh\n");
});
