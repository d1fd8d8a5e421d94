// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { sniffFrame, sniffKind } from "../../src/split/sniff.ts";
import {
  H264_DELIMITER,
  h264Pps,
  h264Sei,
  h264Slice,
  h264Sps,
  HEVC_DELIMITER,
  HEVC_PREFIX_SEI,
  hevcPps,
  hevcSlice,
  hevcSps,
  hevcVps,
  idr,
  recoveryPoint,
  short,
} from "./nal_samples.ts";
import { concat, jpeg, png, ramp } from "./samples.ts";

const H264_SETS = concat(h264Sps(), h264Pps());
const HEVC_SETS = concat(hevcVps(), hevcSps(), hevcPps());
const H264_KEY = concat(H264_SETS, idr());
const HEVC_KEY = concat(HEVC_SETS, hevcSlice({ type: 21 }));

Deno.test("sniffFrame and sniffKind tell an access unit that carries its parameter sets", () => {
  const units: [Uint8Array, string, string][] = [
    [H264_KEY, "avc1.42C01E", "key"],
    [concat(short(H264_DELIMITER), h264Sei([5, ramp(700)]), H264_KEY), "avc1.42C01E", "key"],
    [concat(H264_SETS, recoveryPoint(), h264Slice({ sliceType: 7 })), "avc1.42C01E", "key"],
    [concat(H264_SETS, h264Slice()), "avc1.42C01E", "delta"],
    [concat(H264_SETS, idr({ first: 9 })), "avc1.42C01E", "delta"],
    [HEVC_KEY, "hev1.1.6.L93.B0", "key"],
    [concat(HEVC_DELIMITER, HEVC_PREFIX_SEI, HEVC_KEY), "hev1.1.6.L93.B0", "key"],
    [concat(HEVC_SETS, hevcSlice({ type: 1 })), "hev1.1.6.L93.B0", "delta"],
  ];
  for (const previous of [undefined, bareConfig("raw"), sniffFrame(jpeg())]) {
    for (const [bytes, codec, kind] of units) {
      const config = sniffFrame(bytes, previous);
      assertEquals([config.codec, config.width, config.height], [codec, 160, 128]);
      assertEquals(config.format, codec.startsWith("avc1") ? "h264" : "hevc");
      assertEquals(sniffKind(bytes, config), kind);
      assertStrictEquals(sniffFrame(bytes, config), config);
    }
  }
});

Deno.test("sniffFrame keeps the configuration for what follows, and sniffKind calls it delta", () => {
  const streams = [
    [H264_KEY, h264Slice(), h264Slice({ reference: 0 }), short(idr()), h264Sei([1, ramp(3)])],
    [HEVC_KEY, hevcSlice(), hevcSlice({ type: 8 }), hevcSlice({ type: 3 }), HEVC_PREFIX_SEI],
  ];
  for (const [key, ...others] of streams) {
    const config = sniffFrame(key!);
    const slice = others[0]!;
    for (const other of others) {
      const message = other === others.at(-1) ? concat(other, slice) : other;
      assertStrictEquals(sniffFrame(message, config), config);
      assertEquals(sniffKind(message, config), "delta");
    }
    const isH264 = config.format === "h264";
    const [wide, pps] = isH264
      ? [h264Sps({ blocks: [20, 8] }), h264Pps()]
      : [concat(hevcVps(), hevcSps({ size: [320, 128] })), hevcPps()];
    const next = sniffFrame(concat(wide, pps, isH264 ? idr() : hevcSlice({ type: 19 })), config);
    assertEquals(next.width, 320);
  }
});

Deno.test("sniffFrame takes the first frame for an access unit, but no raw picture behind another", () => {
  for (const [bytes, format] of [[h264Slice(), "h264"], [hevcSlice(), "hevc"]] as const) {
    assertEquals(sniffFrame(bytes), bareConfig(format));
    assertEquals(sniffFrame(bytes, bareConfig("raw")), bareConfig("raw"));
    assertEquals(sniffKind(bytes, bareConfig("raw")), "key");
  }
  // A header that could be of both is of what came before.
  const both = short(h264Sei([1, ramp(3)]));
  assertEquals(sniffFrame(concat(both, h264Slice())).format, "h264");
  const notHevc = sniffFrame(concat(both, h264Slice()), sniffFrame(HEVC_KEY));
  assertEquals(notHevc.format, "hevc");
});

Deno.test("sniffFrame calls what is no access unit what it is", () => {
  const previous = sniffFrame(H264_KEY);
  const others = [
    [ramp(9), "raw"],
    [H264_SETS, "raw"],
    [concat(Uint8Array.of(0), H264_KEY), "raw"],
    [Uint8Array.of(0, 0, 1), "raw"],
    [Uint8Array.of(0, 0, 1, 0x65), "raw"],
    [Uint8Array.of(0, 0, 1, 0xe7, 0x64, 0, 0, 0, 1, 0xe5, 0x80), "raw"],
    [new Uint8Array(0), "raw"],
    [jpeg(), "mjpeg"],
    [png(), "png"],
  ] as const;
  for (const [bytes, format] of others) {
    assertEquals(sniffFrame(bytes, previous).format, format);
    assertEquals(sniffKind(bytes, sniffFrame(bytes, previous)), "key");
  }
  assertEquals(sniffKind(ramp(9), previous), "delta");
});

Deno.test("sniffFrame reads no further than the first slice, and a limit", () => {
  const frames: [Uint8Array, number][] = [
    [concat(H264_KEY, new Uint8Array(200_000).fill(7)), 2000],
    [concat(h264Sps(), h264Sei([5, new Uint8Array(200_000).fill(7)]), idr()), 40_000],
  ];
  for (const [frame, limit] of frames) {
    let reads = 0;
    const bytes = new Proxy(frame, {
      get(target, key): unknown {
        if (typeof key === "string" && /^\d+$/.test(key)) reads++;
        const value = Reflect.get(target, key, target);
        if (key !== "subarray") return value;
        return (from = 0, to = target.length) => new Proxy(target.subarray(from, to), this);
      },
    });
    sniffFrame(bytes);
    assert(reads < limit, `${reads} reads`);
  }
});
