// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { StreamConfig } from "../../src/core/frame.ts";
import { HevcSplitter } from "../../src/split/hevc.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import {
  HEVC_DELIMITER,
  hevcHeader,
  hevcPps,
  type HevcProfile,
  hevcSlice,
  hevcSps,
  type HevcSpsOptions,
  hevcVps,
  unit,
} from "./nal_samples.ts";
import { concat, split } from "./samples.ts";

const SETS = [hevcVps(), hevcSps(), hevcPps()];
const CRA = hevcSlice({ type: 21 });

function framesOf(...units: Uint8Array[]): readonly SplitFrame[] {
  const { frames, error } = split(new HevcSplitter({ maxFrameBytes: 1e6 }), [concat(...units)]);
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

function configOf(options: HevcSpsOptions, vps = hevcVps()): StreamConfig {
  return framesOf(vps, hevcSps(options), hevcPps(), CRA)[0]!.config;
}

function sizeOf(options: HevcSpsOptions): (number | null)[] {
  const { width, height } = configOf(options);
  return [width, height];
}

Deno.test("HevcSplitter makes key frames of all pictures of random access", () => {
  for (let type = 0; type < 24; type++) {
    if (type > 9 && type < 16) continue;
    const kinds = kindsOf(...SETS, hevcSlice({ type: 19 }), hevcSlice({ type }));
    const isLeading = type === 8 || type === 9;
    assertEquals(kinds, `K${type >= 16 ? "K" : isLeading ? "l" : "."}`, `type ${type}`);
  }
  // A picture whose first slice is lost is no key frame.
  assertEquals(kindsOf(...SETS, hevcSlice({ type: 19, isFirst: false }), CRA), ".K");
});

Deno.test("HevcSplitter begins a picture with every first slice segment, or other type of slice", () => {
  const more = (type: number) => hevcSlice({ type, isFirst: false });
  assertEquals(kindsOf(...SETS, CRA, more(21), hevcSlice({ type: 9 }), more(9), more(9)), "Kl");
  assertEquals(kindsOf(...SETS, CRA, more(9), more(1)), "Kl.");
});

Deno.test("HevcSplitter begins a frame at reserved and unspecified types of that place", () => {
  for (let type = 41; type < 64; type++) {
    const opens = type <= 44 || (type >= 48 && type <= 55);
    const other = unit(hevcHeader(type), Uint8Array.of(0x80));
    const frames = [concat(...SETS, CRA, ...opens ? [] : [other]), hevcSlice()];
    const input = concat(...SETS, CRA, other, hevcSlice());
    if (opens) frames[1] = concat(other, hevcSlice());
    assertEquals(framesOf(input).map(({ data }) => data), frames, `type ${type}`);
  }
});

Deno.test("HevcSplitter passes over the NAL units of other layers", () => {
  const layer = 1;
  const others = [32, 33, 34, 35, 39].map((type) =>
    unit(hevcHeader(type, { layer }), Uint8Array.of(0x11, 0x80))
  );
  const frames = [concat(...SETS, CRA, ...others, hevcSlice({ type: 21, layer })), hevcSlice()];
  assertEquals(framesOf(...frames).map(({ data }) => data), frames);
  // An SPS of another layer has ids of its own.
  const wide = hevcSps({ size: [320, 64] });
  const other = concat(wide.subarray(0, 5), Uint8Array.of((layer << 3) | 1), wide.subarray(6));
  assertEquals(kindsOf(...SETS, CRA, other, CRA), "KK");
});

Deno.test("HevcSplitter puts in only the parameter sets that a key frame refers to", () => {
  const [vps0, sps0, pps0] = SETS as [Uint8Array, Uint8Array, Uint8Array];
  const other = [hevcVps({ id: 3 }), hevcSps({ id: 2, vps: 3 }), hevcPps({ id: 63, sps: 2 })];
  const key = hevcSlice({ type: 20, pps: 63 });
  const cases: [Uint8Array[], Uint8Array[]][] = [
    [[CRA], [vps0, sps0, pps0, CRA]],
    [[key], [...other, key]],
    [[HEVC_DELIMITER, CRA], [HEVC_DELIMITER, vps0, sps0, pps0, CRA]],
    // A set stands behind the one that it refers to, so that comes again with it.
    [[vps0, CRA], [vps0, sps0, pps0, vps0, CRA]],
    [[sps0, pps0, CRA], [vps0, sps0, pps0, CRA]],
    [[pps0, CRA], [vps0, sps0, pps0, CRA]],
    [[vps0, sps0, pps0, CRA], [vps0, sps0, pps0, CRA]],
  ];
  for (const [units, expected] of cases) {
    const frames = framesOf(concat(...SETS, ...other, CRA), ...units);
    assertEquals(frames[1]!.data, concat(...expected));
  }
  assertEquals(kindsOf(hevcSps(), hevcPps(), CRA), ".");
});

Deno.test("HevcSplitter forgets parameter sets of which others come, and what refers to them", () => {
  const timed = hevcVps({ timing: [1, 25] });
  const wide = hevcSps({ size: [320, 64] });
  assertEquals(kindsOf(...SETS, CRA, ...SETS, CRA, hevcVps(), CRA), "KKK");
  assertEquals(kindsOf(...SETS, CRA, wide, CRA, hevcPps(), CRA), "K.K");
  assertEquals(kindsOf(...SETS, CRA, timed, CRA, hevcPps(), CRA), "K..");
  assertEquals(kindsOf(...SETS, CRA, timed, wide, hevcPps(), CRA), "KK");
  const frames = framesOf(...SETS, CRA, wide, hevcPps(), CRA, CRA);
  assertEquals(frames[2]!.data, concat(hevcVps(), wide, hevcPps(), CRA));
  assertEquals(frames.map(({ config }) => config.width), [160, 320, 320]);
  assertStrictEquals(frames[1]!.config, frames[2]!.config);
});

Deno.test("HevcSplitter describes the stream as WebCodecs names it", () => {
  assertEquals(configOf({ timing: [1001, 30_000] }), {
    format: "hevc",
    codec: "hev1.1.6.L93.B0",
    width: 160,
    height: 128,
    pixelFormat: null,
    frameRate: 30_000 / 1001,
    header: null,
    displayWidth: 213,
    displayHeight: 128,
  });
  const profiles: [HevcProfile, string][] = [
    [{ idc: 2, compatibility: 0x20000000, level: 120 }, "hev1.2.4.L120.B0"],
    [{ space: 1, isHighTier: true, level: 153 }, "hev1.A1.6.H153.B0"],
    [{ space: 3, idc: 31, compatibility: 1 }, "hev1.C31.80000000.L93.B0"],
    [{ constraints: [0x90, 0, 0x0c, 0, 0xab, 0] }, "hev1.1.6.L93.90.0.C.0.AB"],
    [{ constraints: [0, 0, 0, 0, 0, 0] }, "hev1.1.6.L93"],
    [{ constraints: [1, 2, 3, 4, 5, 6] }, "hev1.1.6.L93.1.2.3.4.5.6"],
  ];
  for (const [profile, codec] of profiles) assertEquals(configOf({ profile }).codec, codec);
});

Deno.test("HevcSplitter crops in units of the chroma format", () => {
  const crop = [1, 2, 3, 4];
  assertEquals(sizeOf({ size: [1920, 1088], crop: [0, 0, 0, 4] }), [1920, 1080]);
  assertEquals(sizeOf({ chroma: 0, crop }), [160 - 3, 128 - 7]);
  assertEquals(sizeOf({ chroma: 1, crop }), [160 - 6, 128 - 14]);
  assertEquals(sizeOf({ chroma: 2, crop }), [160 - 6, 128 - 7]);
  assertEquals(sizeOf({ chroma: 3, crop }), [160 - 3, 128 - 7]);
  assertEquals(sizeOf({ chroma: 3, hasSeparatePlanes: true, crop }), [160 - 3, 128 - 7]);
});

Deno.test("HevcSplitter finds the frame rate behind all else that an SPS or a VPS holds", () => {
  for (const subLayers of [1, 2, 7]) {
    for (const isElaborate of [false, true]) {
      const sps = { subLayers, isElaborate, timing: [1, 50] as const };
      assertEquals(configOf(sps).frameRate, 50, JSON.stringify(sps));
      assertEquals(configOf({ ...sps, chroma: 3 }).width, 160);
    }
    const vps = hevcVps({ subLayers, layerSets: 5, layers: 3, timing: [1, 24] });
    assertEquals(configOf({ isElaborate: true }, vps).frameRate, 24);
    assertEquals(configOf({ timing: [1, 60] }, vps).frameRate, 60);
  }
  assertEquals(configOf({}).frameRate, null);
  assertEquals(configOf({ timing: [0, 60] }).frameRate, null);
  assertEquals(configOf({ timing: [1, 1001] }).frameRate, null);
});

Deno.test("HevcSplitter believes no size or field that cannot be", () => {
  assertEquals(sizeOf({ size: [16_384, 16_384] }), [16_384, 16_384]);
  const impossible: HevcSpsOptions[] = [
    { size: [16_385, 8] },
    { size: [0, 8] },
    { size: [8, 2 ** 31] },
    { crop: [40, 40, 0, 0] },
    { chroma: 4 },
  ];
  for (const options of impossible) {
    const { codec, width, height } = configOf(options);
    assertEquals([codec, width, height], ["hev1.1.6.L93.B0", null, null]);
  }
  const { width, frameRate } = configOf({ referenceSets: 65, timing: [1, 50] });
  assertEquals([width, frameRate], [160, null]);
});

Deno.test("HevcSplitter takes a key frame with an SPS that is cut short, without what it says", () => {
  const whole = hevcSps({ timing: [1, 50], isElaborate: true });
  let sizes = 0;
  for (let length = 5; length < whole.length; length++) {
    const frame = framesOf(hevcVps(), whole.subarray(0, length), hevcPps(), CRA)[0]!;
    const { codec, width, height, frameRate } = frame.config;
    assertEquals(codec, frame.kind === "key" ? "hev1.1.6.L93.B0" : null);
    assert(width === null || width === 160 && height === 128);
    assert(frameRate === null || frameRate === 50 && length > whole.length - 3);
    if (width !== null) sizes++;
  }
  assert(sizes > 20);
  const ids = [hevcVps({ id: 15 }), hevcSps({ id: 15, vps: 15 }), hevcPps({ id: 63, sps: 15 })];
  assertEquals(kindsOf(...ids, hevcSlice({ type: 19, pps: 63 })), "K");
  assertEquals(kindsOf(hevcVps(), hevcSps({ id: 16 }), hevcPps({ sps: 16 }), CRA), ".");
  assertEquals(
    kindsOf(hevcVps(), hevcSps(), hevcPps({ id: 64 }), hevcSlice({ type: 19, pps: 64 })),
    ".",
  );
});
