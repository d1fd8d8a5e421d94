/** What every splitter makes of an input with a fault in it: format by fault. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { bytesOf } from "../../src/bytes/text.ts";
import { createSplitter } from "../../src/split/create.ts";
import { FrameInput } from "../../src/split/frame_input.ts";
import { type FrameFinder, ResyncSplitter } from "../../src/split/resync.ts";
import type { SplitFrame, Splitter } from "../../src/split/splitter.ts";
import { type Item, STREAM_KINDS, type StreamKind } from "./resync_streams.ts";
import { concat, cutAt, jpeg, jpegSegment, ramp, split, type SplitResult } from "./samples.ts";
import { cases } from "../thorough.ts";

const MAX_FRAME_BYTES = 4096;
/** How many inputs with faults at random each format is tried with. */
const MUTANTS = cases(10_000);

interface Outcome extends SplitResult {
  readonly damaged: number;
}

function outcomeOf(splitter: Splitter, chunks: readonly Uint8Array[]): Outcome {
  return { ...split(splitter, chunks), damaged: splitter.damaged ?? 0 };
}

function create(format: StreamKind["format"] | "auto", maxFrameBytes = MAX_FRAME_BYTES): Splitter {
  return createSplitter({ format, maxFrameBytes, resyncs: true });
}

/** The outcome for an input, which is the same whole, byte by byte and in pieces of seven bytes. */
function outcome(kind: StreamKind, input: Uint8Array, maxFrameBytes?: number): Outcome {
  const whole = outcomeOf(create(kind.format, maxFrameBytes), [input]);
  for (const step of [1, 7]) {
    const cuts = Array.from({ length: Math.floor(input.length / step) }, (_, at) => at * step);
    const pieces = outcomeOf(create(kind.format, maxFrameBytes), cutAt(input, cuts));
    assertEquals(dataOf(pieces), dataOf(whole), `${kind.name} in pieces of ${step}`);
    const faults = [pieces, whole].map(({ damaged, error }) => [damaged, error?.fault.offset]);
    assertEquals(faults[0], faults[1]);
  }
  return whole;
}

function dataOf({ frames }: SplitResult): string[] {
  return frames.map(({ data }) => textOf(data));
}

/** Bytes as a text that is compared and shown quickly. */
function textOf(bytes: Uint8Array): string {
  return bytes.toHex();
}

function assertFrames(found: Outcome, expected: readonly Item[], damaged: number, what = ""): void {
  assertEquals(found.error, undefined, what);
  assertEquals(dataOf(found), expected.map(({ data }) => textOf(data)), what);
  assertEquals(found.damaged, damaged, what);
}

function noise(count: number): Uint8Array<ArrayBuffer> {
  let state = 0x2545f491;
  return Uint8Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

const JUNK: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["a zero", new Uint8Array(1)],
  ["13 zeros", new Uint8Array(13)],
  ["1000 zeros", new Uint8Array(1000)],
  ["bytes ff", new Uint8Array(33).fill(0xff)],
  ["line breaks", bytesOf("\r\n\r\n")],
  ["text", bytesOf("warning: frame 7 is late\n")],
  ["noise", noise(3000)],
  ["a second end of image", Uint8Array.of(0xff, 0xd9)],
  ["a film", concat(bytesOf("MotionPhoto_Data\0\0\0\x18ftypmp42"), noise(500))],
  ["starts of frames", concat(Uint8Array.of(0xff, 0xd8, 0xff), bytesOf("\x89PNG\r\n--x\nFRAM"))],
];

for (const kind of STREAM_KINDS) {
  const { start, otherStart, isByteStream = false, unseenBytes = 0 } = kind;
  const items = [0, 1, 2, 3].map((index) => kind.item(index));
  const input = (...parts: readonly (Item | Uint8Array)[]) =>
    concat(...parts.map((each) => each instanceof Uint8Array ? each : each.bytes));
  const [first, second, third, fourth] = items as [Item, Item, Item, Item];

  Deno.test(`createSplitter goes on behind junk between frames: ${kind.name}`, () => {
    for (const [name, junk] of JUNK) {
      const found = outcome(kind, input(start, first, second, junk, third, fourth));
      if (isByteStream) {
        // What stands behind a NAL unit is part of it as far as anybody can tell.
        assertEquals(found.frames.length, 4, name);
        assertEquals(textOf(found.frames[1]!.data), textOf(input(second, junk)), name);
        continue;
      }
      const isText = kind.format === "mpjpeg" && name === "line breaks";
      // An IVF header of zeros is a picture that was left out, each 12 bytes.
      const damaged = isText ? 0 : found.damaged;
      assertFrames(found, items, damaged, name);
      assert(isText || damaged >= 1, name);
      if (kind.format !== "ivf" && !isText) assertEquals(damaged, 1, name);
    }
  });

  Deno.test(`createSplitter counts junk behind every frame and the last: ${kind.name}`, () => {
    if (isByteStream) return;
    const junk = bytesOf("junk!");
    const found = outcome(kind, input(start, ...items.flatMap((item) => [item, junk])));
    assertFrames(found, items, 4);
  });

  Deno.test(`createSplitter leaves out a frame that the next cuts off: ${kind.name}`, () => {
    for (let cut = 1; cut < second.bytes.length; cut++) {
      const spoiled = input(start, first, second.bytes.subarray(0, cut), third, fourth);
      const found = outcome(kind, spoiled);
      const data = dataOf(found);
      assertEquals(found.error, undefined);
      assert(data[0]!.startsWith(textOf(first.data)));
      assertEquals(data.at(-1), textOf(fourth.data), `cut at ${cut}`);
      // The line break behind a part is no part of its image.
      const isSeen = cut < second.bytes.length - unseenBytes && !isByteStream;
      if (!isSeen || data.includes(textOf(second.data))) continue;
      const isBroken = data.some((each) => items.every(({ data }) => textOf(data) !== each));
      const isInHeaders = kind.format === "mpjpeg" &&
        cut < second.bytes.length - second.data.length;
      // The second's dashes may have become a part of the third's.
      assert(!isBroken, `cut at ${cut} is not seen`);
      if (isInHeaders) assertFrames(found, [first, third, fourth], found.damaged);
      else assertFrames(found, [first, third, fourth], 1, `cut at ${cut}`);
    }
  });

  Deno.test(`createSplitter goes on when the writer begins again: ${kind.name}`, () => {
    const whole = input(start, ...items);
    assertFrames(outcome(kind, concat(whole, whole)), [...items, ...items], 0);
    // It may have been stopped in front of its first frame, too.
    assertFrames(outcome(kind, concat(start, start, whole)), items, 0);
    if (isByteStream) return;
    const half = second.bytes.subarray(0, second.bytes.length - 20);
    const found = outcome(kind, concat(input(start, first, half), whole));
    assertFrames(found, [first, ...items], 1);
  });

  Deno.test(`createSplitter goes on with another size: ${kind.name}`, () => {
    const others = [0, 1].map((index) => kind.item(index, true));
    const found = outcome(kind, input(start, first, second, otherStart, ...others));
    assertFrames(found, [first, second, ...others], 0);
    const widths = found.frames.map(({ config }) => config.width);
    assertEquals(widths[0], widths[1]);
    if (kind.name === "y4m") assert(widths[2] !== widths[1] && widths[2] === widths[3]);
    const times = found.frames.map(({ ptsUs }) => ptsUs).filter((time) => time !== null);
    assertEquals(times, times.toSorted((a, b) => a - b));
  });

  Deno.test(`createSplitter leaves out a frame over the limit: ${kind.name}`, () => {
    if (kind.format === "y4m") return;
    const limit = Math.max(...items.map(({ data }) => data.length));
    const long = kind.name.startsWith("ivf")
      ? large(kind.item(1), limit + 1)
      : largeOf(kind, limit + 1);
    const found = outcome(kind, input(start, first, long, third, fourth), limit);
    assertFrames(found, [first, third, fourth], 1);
  });

  Deno.test(`createSplitter counts the end of an input that is cut off: ${kind.name}`, () => {
    if (isByteStream) return;
    const cut = third.bytes.subarray(0, third.bytes.length - 5);
    assertFrames(outcome(kind, input(start, first, second, cut)), [first, second], 1);
  });

  Deno.test(`createSplitter refuses what holds no frame with the first fault: ${kind.name}`, () => {
    const junk = bytesOf("this is no video, whatever its name may say\n".repeat(9));
    const strict = split(createSplitter({ format: kind.format, maxFrameBytes: 4096 }), [junk]);
    const { message } = outcome(kind, junk).error!;
    const bound = /within the first \d+ bytes/;
    assertEquals(message.replace(bound, ""), strict.error!.message.replace(bound, ""));
    assert(strict.error !== undefined);
  });

  Deno.test(`createSplitter finds the format behind the rest of a frame: ${kind.name}`, () => {
    if (start.length > 0) return;
    const rest = second.bytes.subarray(second.bytes.length - 30);
    const stream = input(rest, ...items);
    for (const chunks of [[stream], cutAt(stream, [...stream.keys()])]) {
      const splitter = create("auto");
      const found = outcomeOf(splitter, chunks);
      assertFrames(found, items, 1);
      assertEquals([splitter.fault?.offset, splitter.fault?.frame], [0, 1]);
    }
  });

  Deno.test(`createSplitter makes of ${MUTANTS} mutants only what is left: ${kind.name}`, () => {
    const whole = input(start, ...items, ...[4, 5, 6, 7].map((index) => kind.item(index)));
    const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0xff, 0, 0xd8, 0x2d, 0x0a));
    const edit = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      insert: fc.array(byte, { maxLength: 20 }),
      remove: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 60 })),
    });
    const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
    const offsets = fc.array(fc.nat({ max: whole.length }), { maxLength: 5 });
    let found = 0;
    fc.assert(
      fc.property(edits, offsets, (edits, offsets) => {
        let spoiled: Uint8Array = whole;
        for (const { at, insert, remove } of edits) {
          const tail = spoiled.subarray(Math.min(spoiled.length, at + remove));
          spoiled = concat(spoiled.subarray(0, at), Uint8Array.from(insert), tail);
        }
        const one = outcomeOf(create(kind.format, 250), [spoiled]);
        const cuts = offsets.filter((offset) => offset <= spoiled.length);
        const other = outcomeOf(create(kind.format, 250), cutAt(spoiled, cuts));
        assertEquals(dataOf(other), dataOf(one));
        assertEquals(other.damaged, one.damaged);
        for (const { data } of one.frames) assert(data.length <= 250);
        assert(one.error === undefined || one.frames.length === 0, one.error?.message);
        found += one.frames.length;
      }),
      { seed: 61, numRuns: MUTANTS },
    );
    assert(found > MUTANTS * 4, `${found} frames of ${MUTANTS * 8}`);
  });
}

/** An IVF frame with so many bytes. */
function large({ bytes, data }: Item, length: number): Uint8Array {
  const long = concat(bytes, ramp(length - data.length, 0x80).map((byte) => byte | 0x80));
  new DataView(long.buffer).setUint32(0, length, true);
  return long;
}

/** A frame that is a little too large because its content is. */
function largeOf(kind: StreamKind, length: number): Uint8Array {
  const { bytes, data } = kind.item(1);
  const fill = new Uint8Array(Math.max(60, length - data.length)).fill(0x91);
  if (kind.format === "png") {
    const chunk = concat(Uint8Array.of(0, 0, 0, fill.length), bytesOf("teSt"), fill, ramp(4));
    return concat(data.subarray(0, 33), chunk, data.subarray(33));
  }
  if (kind.format === "mjpeg") return concat(data.subarray(0, -2), fill, data.subarray(-2));
  if (kind.format !== "mpjpeg") return concat(bytes, fill);
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, bytes.length - data.length - 2));
  const size = data.length + fill.length;
  return concat(
    bytesOf(head.replace(/Length: \d+/, `Length: ${size}`)),
    data.subarray(0, -2),
    fill,
    data.subarray(-2),
    bytesOf("\r\n"),
  );
}

const MJPEG = STREAM_KINDS[0]!;

Deno.test("ResyncSplitter does not take a thumbnail of a broken image for a frame", () => {
  const before = jpegSegment(0xe1, concat(bytesOf("Exif\0\0"), jpeg()));
  const image = jpeg({ before, scan: ramp(200, 1).map((byte) => byte & 0x7f) });
  const broken = image.subarray(0, image.length - 50);
  assertFrames(outcome(MJPEG, concat(broken, image)), [{ bytes: image, data: image }], 1);
});

Deno.test("createSplitter takes four bytes in front of an image for junk where they are no length", () => {
  for (const junk of [bytesOf("\r\n\r\n"), new Uint8Array(4), new Uint8Array(4).fill(0xff)]) {
    const found = outcomeOf(create("auto"), [junk, jpeg(), jpeg()]);
    const image = { bytes: jpeg(), data: jpeg() };
    assertFrames(found, [image, image], 1);
  }
});

Deno.test("ResyncSplitter tells where, what was expected and what was found", () => {
  const splitter = create("mjpeg");
  const image = jpeg();
  split(splitter, [concat(image, bytesOf("junk"), image, bytesOf("more"), image)]);
  const { offset, frame, expected, found } = splitter.fault!;
  assertEquals([offset, frame], [2 * image.length + 4, 3]);
  assertMatch(expected, /a JPEG image \(ff d8\)/);
  assertEquals(found.startsWith("6d 6f 72 65"), true);
  assertEquals(splitter.damaged, 2);
});

/** A format of one byte, 0x80 or more, that counts how many bytes were searched for it. */
class CountingFinder implements FrameFinder {
  readonly input = new FrameInput({ maxFrameBytes: 16, resyncs: true });
  readonly passed = 0;
  searched = 0;

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    const { input } = this;
    if (input.length === 0) return input.finished ? undefined : input.lack("a frame");
    if (input.bytes[0]! < 0x80) input.fail({ at: 0, expected: "a frame", found: "another byte" });
    const config = { format: "raw" } as unknown as SplitFrame["config"];
    return { data: input.take(1), kind: "key", ptsUs: null, config };
  }

  findStart(from: number): number {
    const { bytes } = this.input;
    for (let at = from; at < bytes.length; at++) {
      this.searched++;
      if (bytes[at]! >= 0x80) return at;
    }
    return bytes.length;
  }

  restart(): void {}
}

Deno.test("ResyncSplitter searches every byte of 64 MiB of junk once", () => {
  for (const [chunkBytes, total] of [[1, 2 ** 21], [65_536, 2 ** 26]] as const) {
    const finder = new CountingFinder();
    const splitter = new ResyncSplitter(finder);
    splitter.push(Uint8Array.of(0x80));
    splitter.next();
    const chunk = new Uint8Array(chunkBytes);
    for (let pushed = 0; pushed < total; pushed += chunkBytes) {
      splitter.push(chunk);
      assertEquals(splitter.next(), undefined);
      assert(finder.input.length <= chunkBytes, "junk is kept");
    }
    splitter.push(Uint8Array.of(0x81));
    assertEquals(splitter.next()?.data, Uint8Array.of(0x81));
    assertEquals(splitter.damaged, 1);
    assert(finder.searched <= total + 2, `${finder.searched} bytes searched of ${total}`);
  }
});

Deno.test("ResyncSplitter gives up where no first frame is found within its bound", () => {
  const splitter = create("mjpeg");
  const chunk = new Uint8Array(65_536);
  let pushed = 0;
  const { error } = split(
    splitter,
    function* () {
      for (; pushed < 2 ** 24; pushed += chunk.length) yield chunk;
    }(),
  );
  assertMatch(error?.message ?? "", /^Cannot read frame 1 at byte 0: expected a JPEG image/);
  assert(pushed <= 4 * 2 ** 20 + 2 * chunk.length, `${pushed} bytes`);
});
