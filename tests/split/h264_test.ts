// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { StreamConfig } from "../../src/core/frame.ts";
import { MAX_PREFIX_BYTES } from "../../src/split/annex_b.ts";
import { H264Splitter } from "../../src/split/h264.ts";
import { MAX_SEI_BYTES } from "../../src/split/h264_sei.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import {
  BitWriter,
  CODE_4,
  H264_DELIMITER,
  h264Pps,
  h264Sei,
  h264Slice,
  type H264SliceOptions,
  h264Sps,
  type H264SpsOptions,
  idr,
  recoveryPoint,
  unit,
} from "./nal_samples.ts";
import { bytesUntilError, concat, cutAt, ramp, split } from "./samples.ts";

const I = 7;

function framesOf(...units: Uint8Array[]): readonly SplitFrame[] {
  const { frames, error } = split(new H264Splitter({ maxFrameBytes: 1e6 }), [concat(...units)]);
  if (error !== undefined) throw error;
  return frames;
}

/** K for a key frame, l for a leading one, a dot for any other. */
function kindsOf(...units: Uint8Array[]): string {
  return framesOf(...units).map(({ kind, leading }) => {
    assert(leading === undefined || leading === true && kind === "delta");
    return kind === "key" ? "K" : leading === true ? "l" : ".";
  }).join("");
}

function configOf(options: H264SpsOptions): StreamConfig {
  return framesOf(h264Sps(options), h264Pps(), idr())[0]!.config;
}

function sizeOf(options: H264SpsOptions): (number | null)[] {
  const { width, height } = configOf(options);
  return [width, height];
}

/** A recovery point of I slices. */
function recovery(options: H264SliceOptions = {}): Uint8Array {
  return concat(recoveryPoint(), h264Slice({ sliceType: I, ...options }));
}

Deno.test("H264Splitter makes key frames of IDR pictures and of recovery points that are whole", () => {
  const head = [h264Sps(), h264Pps()];
  assertEquals(kindsOf(...head, idr(), h264Slice(), idr()), "K.K");
  const second = (sliceType: number) => h264Slice({ first: 9, sliceType });
  const recoveries: [string, Uint8Array[]][] = [
    ["K", [recoveryPoint(), h264Slice({ sliceType: I }), second(2)]],
    ["K", [recoveryPoint(), h264Slice({ sliceType: 4 }), second(9)]],
    [".", [recoveryPoint(), h264Slice({ sliceType: I }), second(0)]],
    [".", [recoveryPoint(), h264Slice({ sliceType: 6 })]],
    [".", [recoveryPoint(1), h264Slice({ sliceType: I })]],
    [".", [h264Sei([5, ramp(40)]), h264Slice({ sliceType: I })]],
    [".", [h264Slice({ sliceType: I })]],
  ];
  for (const [kinds, units] of recoveries) {
    assertEquals(kindsOf(...head, idr(), ...units), `K${kinds}`);
  }
});

Deno.test("H264Splitter finds a recovery point among other messages, within a limit", () => {
  const point = new BitWriter().ue(0).u(1, 1, 0).u(2, 0).bytes();
  const head = [h264Sps(), h264Pps(), idr()];
  const slice = h264Slice({ sliceType: I });
  const among = (count: number) => h264Sei([300, ramp(3)], [5, ramp(count)], [6, point]);
  assertEquals(kindsOf(...head, among(700), slice), "KK");
  assertEquals(kindsOf(...head, h264Sei([5, ramp(9)]), recoveryPoint(), slice), "KK");
  assertEquals(kindsOf(...head, among(MAX_SEI_BYTES + 400), slice), "K.");
  // A payload that ends in front of its number, and sizes that lie.
  for (const payload of [[6, 0], [6], [6, 200, 0x80], [255, 255, 255], [6, 255]]) {
    assertEquals(kindsOf(...head, unit([6], Uint8Array.from(payload)), slice).length, 2);
  }
});

Deno.test("H264Splitter begins a picture with every first macroblock, or other kind of slice", () => {
  const head = [h264Sps(), h264Pps()];
  const later = (options: H264SliceOptions) => h264Slice({ first: 20, ...options });
  assertEquals(kindsOf(...head, idr(), idr({ first: 20 }), later({}), later({})), "K.");
  assertEquals(kindsOf(...head, idr(), later({ reference: 0 }), later({ reference: 1 })), "K..");
  assertEquals(kindsOf(...head, idr(), later({}), later({ type: 2 })), "K.");
  // A picture whose first slice is lost is no key frame.
  assertEquals(kindsOf(...head, idr({ first: 20 }), idr()), ".K");
});

Deno.test("H264Splitter gives NAL units of types 14 to 18 to the slice behind them", () => {
  const head = concat(h264Sps(), h264Pps(), idr());
  const later = h264Slice({ first: 20 });
  const first = h264Slice();
  for (const type of [14, 15, 16, 17, 18]) {
    const prefix = unit([0x60 | type], Uint8Array.of(0x40, 0x80));
    const inputs = [
      [head, concat(prefix, first, prefix, later), concat(prefix, prefix, first)],
      [head, concat(H264_DELIMITER, prefix, first), concat(prefix, first)],
    ];
    for (const frames of inputs) {
      assertEquals(framesOf(...frames).map(({ data }) => data), frames);
    }
    const splitter = new H264Splitter({ maxFrameBytes: 1e6 });
    const { frames } = split(splitter, [concat(head, first, prefix)]);
    assertEquals(frames.map(({ data }) => data), [head, first]);
    assertEquals(splitter.damaged, 1);
  }
});

Deno.test("H264Splitter ends a picture at too many NAL units that go with the next slice", () => {
  const head = concat(h264Sps(), h264Pps(), idr());
  const prefix = unit([0x6e], new Uint8Array(MAX_PREFIX_BYTES - 5).fill(0x55));
  const later = idr({ first: 20 });
  const cases = [
    [concat(head, prefix, later)],
    [head, concat(prefix, Uint8Array.of(0x55), later)],
    [head, concat(prefix, unit([0x6f], ramp(9)), later)],
  ];
  for (const frames of cases) {
    const input = concat(...frames);
    const cuts = [head.length + 5, head.length + prefix.length, input.length - later.length + 4];
    for (const chunks of [[input], cutAt(input, cuts)]) {
      const found = split(new H264Splitter({ maxFrameBytes: 1e6 }), chunks);
      assertEquals(found.frames.map(({ data }) => data.length), frames.map(({ length }) => length));
    }
  }
  const endless: [Uint8Array, Uint8Array][] = [
    [head, unit([0x6e], ramp(90))],
    [concat(head, CODE_4, Uint8Array.of(0x6e)), new Uint8Array(90).fill(0x55)],
  ];
  for (const [start, filler] of endless) {
    const splitter = new H264Splitter({ maxFrameBytes: 70_000 });
    assert(bytesUntilError(splitter, start, filler) < 70_000 + start.length + 200);
  }
});

Deno.test("H264Splitter reads nothing of NAL units with the forbidden bit", () => {
  const sps = h264Sps({ blocks: [20, 4] });
  const forbidden = concat(sps.subarray(0, 4), Uint8Array.of(0xe7), sps.subarray(5));
  const frames = framesOf(h264Sps(), h264Pps(), idr(), forbidden, H264_DELIMITER, idr());
  assertEquals(frames.map(({ kind, config }) => [kind, config.width]), [["key", 160], [
    "key",
    160,
  ]]);
});

Deno.test("H264Splitter makes frames of fields", () => {
  const sps = h264Sps({ isFramesOnly: false, blocks: [10, 4] });
  const top = idr({ field: "top" });
  const bottom = h264Slice({ field: "bottom", order: 1 });
  const frames = framesOf(sps, h264Pps(), top, bottom);
  assertEquals(frames.map(({ kind }) => kind), ["key", "delta"]);
  assertEquals([frames[0]!.config.width, frames[0]!.config.height], [160, 128]);
});

Deno.test("H264Splitter puts in only the parameter sets that a key frame refers to", () => {
  const sets = [
    h264Sps(),
    h264Sps({ id: 1 }),
    h264Pps(),
    h264Pps({ id: 7, sps: 1 }),
    h264Pps({ id: 9 }),
  ];
  const [sps0, sps1, pps0, pps7, pps9] = sets as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const cases: [Uint8Array[], Uint8Array[]][] = [
    [[idr()], [sps0, pps0, idr()]],
    [[idr({ pps: 7 })], [sps1, pps7, idr({ pps: 7 })]],
    [[idr(), idr({ first: 9, pps: 9 })], [sps0, pps0, pps9, idr(), idr({ first: 9, pps: 9 })]],
    // A PPS stands behind its SPS, so that comes again with it.
    [[sps0, idr()], [sps0, pps0, sps0, idr()]],
    [[pps0, idr()], [sps0, pps0, idr()]],
    [[sps0, pps0, idr()], [sps0, pps0, idr()]],
    [[sps1, pps7, idr()], [sps0, pps0, sps1, pps7, idr()]],
    [[H264_DELIMITER, pps0, idr()], [H264_DELIMITER, sps0, pps0, idr()]],
    [[recovery()], [sps0, pps0, recovery()]],
  ];
  for (const [units, expected] of cases) {
    const frames = framesOf(concat(...sets, idr()), ...units);
    assertEquals(frames[1]!.data, concat(...expected));
  }
});

Deno.test("H264Splitter forgets an SPS of which another comes, and the PPS that refer to it", () => {
  const head = [h264Sps(), h264Sps({ id: 1 }), h264Pps(), h264Pps({ id: 1, sps: 1 }), idr()];
  const other = h264Sps({ blocks: [20, 4] });
  assertEquals(kindsOf(...head, h264Sps(), idr(), idr({ pps: 1 })), "KKK");
  assertEquals(kindsOf(...head, other, idr(), idr({ pps: 1 })), "K.K");
  const frames = framesOf(...head, other, h264Pps({ filler: 3 }), idr(), h264Slice(), idr());
  assertEquals(frames.at(-1)!.data, concat(other, h264Pps({ filler: 3 }), idr()));
  assertEquals(frames.map(({ config }) => config.width), [160, 320, 320, 320]);
  assertStrictEquals(frames[1]!.config, frames[3]!.config);
  // A PPS of which another comes is replaced; its SPS stays.
  const replaced = framesOf(...head, h264Pps({ filler: 5 }), h264Slice(), idr());
  assertEquals(replaced.at(-1)!.data, concat(h264Sps(), h264Pps({ filler: 5 }), idr()));
});

Deno.test("H264Splitter marks pictures that a recovery point precedes in decoding only", () => {
  const head = [h264Sps(), h264Pps(), idr()];
  const b = (order: number, frameNum: number, reference = 0) =>
    h264Slice({ sliceType: 1, reference, order, frameNum });
  const p = (order: number, frameNum: number) => h264Slice({ order, frameNum });
  const key = recovery({ order: 20, frameNum: 5 });
  assertEquals(
    kindsOf(...head, key, b(16, 6, 1), b(14, 7), b(18, 7), p(28, 7), b(24, 8)),
    "KKlll..",
  );
  // What follows a reference picture behind the recovery point is not leading any more.
  assertEquals(kindsOf(...head, key, p(28, 6), b(16, 7)), "KK..");
  assertEquals(kindsOf(...head, key, b(24, 6), b(16, 6)), "KK.l");
  assertEquals(kindsOf(...head, b(16, 1), idr(), b(2, 1)), "K.K.");
  assertEquals(kindsOf(...head, key, idr(), b(2, 1)), "KKK.");
  assertEquals(kindsOf(...head, key, idr({ first: 9 }), b(2, 1)), "KK..");
  assertEquals(
    kindsOf(...head, key, b(16, 6), recovery({ order: 40, frameNum: 6 }), b(36, 7)),
    "KKlKl",
  );
});

Deno.test("H264Splitter tells leading pictures where the order of output wraps", () => {
  const head = [h264Sps(), h264Pps(), idr()];
  const b = (order: number, reference = 0) =>
    h264Slice({ sliceType: 1, reference, order, frameNum: 6 });
  // The order has 6 bits, so that 62 is 4 before 2.
  const key = (order: number) => recovery({ order, frameNum: 5 });
  assertEquals(kindsOf(...head, key(2), b(62, 1), b(60), b(0), b(4)), "KKlll.");
  assertEquals(kindsOf(...head, key(62), b(58), b(60), b(2)), "KKll.");
  assertEquals(kindsOf(...head, key(0), b(40, 1), b(20, 1), b(60)), "KKlll");
  assertEquals(kindsOf(...head, key(63), b(31)), "KK.");
  assertEquals(kindsOf(...head, key(0), b(32)), "KK.");
  assertEquals(kindsOf(...head, key(0), b(33)), "KKl");
  // Only pictures for reference are what the next is counted from.
  assertEquals(kindsOf(...head, key(10), b(50), b(20)), "KKl.");
  assertEquals(kindsOf(...head, key(10), b(10)), "KK.");
});

Deno.test("H264Splitter tells leading pictures by all that slice headers hold", () => {
  const streams: [H264SpsOptions, boolean, H264SliceOptions][] = [
    [{ profile: [244, 0, 30], chroma: 3, hasSeparatePlanes: true }, false, {
      hasSeparatePlanes: true,
    }],
    [
      {
        profile: [100, 0, 30],
        chroma: 1,
        scalingLists: [[1, 2, 3, -14], Array(16).fill(3), ...Array(6)],
      },
      false,
      {},
    ],
    [{ frameNumBits: 16, orderBits: 16 }, false, { frameNumBits: 16, orderBits: 16 }],
    [{ isFramesOnly: false }, false, { field: "none" }],
    [{}, true, { bottomDelta: 1 }],
    [{}, true, { bottomDelta: -1 }],
  ];
  for (const [sps, hasBottomOrder, slice] of streams) {
    const key = recovery({ order: 20, frameNum: 5, ...slice });
    const b = (order: number) =>
      h264Slice({ sliceType: 1, reference: 0, order, frameNum: 6, ...slice });
    const head = [h264Sps(sps), h264Pps({ hasBottomOrder }), idr(slice)];
    assertEquals(kindsOf(...head, key, b(18), b(22)), "KKl.", JSON.stringify(sps));
  }
  // The earlier field is what counts.
  const head = [h264Sps(), h264Pps({ hasBottomOrder: true }), idr({ bottomDelta: 0 })];
  const key = recovery({ order: 20, frameNum: 5, bottomDelta: -4 });
  const b = (order: number, bottomDelta: number) =>
    h264Slice({ sliceType: 1, reference: 0, order, frameNum: 6, bottomDelta });
  assertEquals(kindsOf(...head, key, b(18, 0), b(18, -3), b(14, 9)), "KK.ll");
  // What stands there counts only where the PPS says that it does.
  const plain = [h264Sps(), h264Pps(), idr()];
  assertEquals(kindsOf(...plain, key, b(18, -1)), "KKl");
});

Deno.test("H264Splitter keeps the two fields of a recovery point together", () => {
  const pps = h264Pps({ hasBottomOrder: true });
  const head = [h264Sps({ isFramesOnly: false }), pps, idr({ field: "none" })];
  const field = (parity: "top" | "bottom", options: H264SliceOptions) =>
    h264Slice({ field: parity, ...options });
  const key = [
    // A field has no other; what would be its order is the beginning of something else.
    concat(
      recoveryPoint(),
      field("top", { sliceType: I, order: 20, frameNum: 5, bottomDelta: -9 }),
    ),
    field("bottom", { order: 21, frameNum: 5 }),
  ];
  const b = [
    field("top", { sliceType: 1, reference: 0, order: 16, frameNum: 6 }),
    field("bottom", { sliceType: 1, reference: 0, order: 17, frameNum: 6 }),
  ];
  const p = [field("top", { order: 28, frameNum: 6 }), field("bottom", { order: 29, frameNum: 6 })];
  assertEquals(kindsOf(...head, ...key, ...b, ...p), "KK.ll..");
});

Deno.test("H264Splitter marks nothing where the order of output is that of decoding", () => {
  for (const orderType of [1, 2]) {
    const head = [h264Sps({ orderType }), h264Pps(), idr()];
    const b = h264Slice({ sliceType: 1, reference: 0, order: 1, frameNum: 6 });
    assertEquals(kindsOf(...head, recovery({ order: 20, frameNum: 5 }), b, b), "KK..");
  }
});

Deno.test("H264Splitter goes on marking where a recovery point came in two parts", () => {
  const splitter = new H264Splitter({ maxFrameBytes: 1e6 });
  const key = concat(recoveryPoint(), h264Slice({ sliceType: I, order: 20, frameNum: 5 }));
  splitter.push(concat(h264Sps(), h264Pps(), key));
  splitter.idle();
  assertEquals(splitter.next()?.kind, "key");
  const more = h264Slice({ sliceType: I, order: 20, frameNum: 5, first: 40 });
  const b = h264Slice({ sliceType: 1, reference: 0, order: 16, frameNum: 6 });
  const { frames } = split(splitter, [concat(more, b)]);
  assertEquals(frames.map(({ leading }) => leading), [undefined, true]);
});

Deno.test("H264Splitter describes the stream as WebCodecs names it", () => {
  const config = configOf({ profile: [100, 0, 31], chroma: 1, timing: [1001, 60_000] });
  assertEquals(config, {
    format: "h264",
    codec: "avc1.64001F",
    width: 160,
    height: 128,
    pixelFormat: null,
    frameRate: 60_000 / 2002,
    header: null,
    displayWidth: 213,
    displayHeight: 128,
  });
  assertEquals(configOf({ profile: [66, 0xc0, 10] }).codec, "avc1.42C00A");
});

Deno.test("H264Splitter crops in units of the chroma format and of fields", () => {
  const crop = [1, 2, 3, 4];
  const high = (chroma: number): H264SpsOptions => ({ profile: [244, 0, 30], chroma, crop });
  assertEquals(sizeOf({ crop: [0, 0, 0, 4], blocks: [120, 68] }), [1920, 1080]);
  assertEquals(sizeOf({ crop }), [160 - 6, 128 - 14]);
  assertEquals(sizeOf(high(0)), [160 - 3, 128 - 7]);
  assertEquals(sizeOf(high(1)), [160 - 6, 128 - 14]);
  assertEquals(sizeOf(high(2)), [160 - 6, 128 - 7]);
  assertEquals(sizeOf(high(3)), [160 - 3, 128 - 7]);
  assertEquals(sizeOf({ ...high(3), hasSeparatePlanes: true }), [160 - 3, 128 - 7]);
  assertEquals(sizeOf({ crop, isFramesOnly: false }), [160 - 6, 256 - 28]);
});

Deno.test("H264Splitter believes no size, rate or field that cannot be", () => {
  assertEquals(sizeOf({ blocks: [1024, 1024] }), [16_384, 16_384]);
  const impossible: H264SpsOptions[] = [
    { blocks: [1025, 8] },
    { blocks: [10, 1025] },
    { blocks: [2 ** 31, 2 ** 31] },
    { crop: [40, 40, 0, 0] },
    { crop: [0, 0, 2 ** 31, 2 ** 31] },
    { profile: [100, 0, 30], chroma: 4 },
    { frameNumBits: 17 },
    { orderBits: 17 },
  ];
  for (const options of impossible) {
    const { codec, width, height } = configOf(options);
    assert(codec?.startsWith("avc1."), JSON.stringify(options));
    assertEquals([width, height], [null, null], JSON.stringify(options));
  }
  const rates: [number, number, number | null][] = [[1, 50, 25], [0, 50, null], [1, 0, null], [
    1,
    2001,
    null,
  ]];
  for (const [unitsInTick, timeScale, frameRate] of rates) {
    const config = configOf({ timing: [unitsInTick, timeScale] });
    assertEquals([config.frameRate, config.width], [frameRate, 160]);
  }
});

Deno.test("H264Splitter takes a key frame with an SPS that is cut short, without what it says", () => {
  const whole = h264Sps({ timing: [1, 50], profile: [100, 0, 31], chroma: 1 });
  for (let length = 9; length < whole.length; length++) {
    const [frame] = framesOf(whole.subarray(0, length), h264Pps(), idr());
    assertEquals(frame!.kind, "key");
    assertEquals(frame!.config.codec, "avc1.64001F");
    const { width, height, frameRate } = frame!.config;
    assert(width === null || width === 160 && height === 128);
    assertEquals(frameRate, null);
  }
  // Without its id it is none.
  for (const length of [5, 6, 7, 8]) {
    assertEquals(kindsOf(whole.subarray(0, length), h264Pps(), idr()), ".");
  }
  assertEquals(kindsOf(h264Sps({ id: 31 }), h264Pps({ id: 255, sps: 31 }), idr({ pps: 255 })), "K");
  assertEquals(kindsOf(h264Sps({ id: 32 }), h264Pps({ sps: 32 }), idr()), ".");
  assertEquals(kindsOf(h264Sps(), h264Pps({ id: 256 }), idr({ pps: 256 })), ".");
});

Deno.test("H264Splitter takes the configuration of the key frame's own SPS", () => {
  const sets = [
    h264Sps(),
    h264Sps({ id: 1, blocks: [20, 4] }),
    h264Pps(),
    h264Pps({ id: 1, sps: 1 }),
  ];
  const frames = framesOf(...sets, idr(), idr({ pps: 1 }), h264Slice(), h264Slice({ pps: 1 }));
  assertEquals(frames.map(({ config }) => config.width), [160, 320, 320, 320]);
  // A stream that has been joined behind its key frame is described as soon as it can be.
  const joined = framesOf(h264Slice(), h264Sps(), h264Pps(), h264Slice(), idr());
  assertEquals(joined.map(({ config }) => config.width), [null, 160, 160]);
});
