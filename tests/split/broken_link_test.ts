// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { bareConfig, type Frame } from "../../src/core/frame.ts";
import type { StreamFormat } from "../../src/core/stream_format.ts";
import { asBrokenLink } from "../../src/split/broken_link.ts";
import { h264Slice, HEVC_DELIMITER, hevcPps, hevcSlice, hevcSps, hevcVps } from "./nal_samples.ts";
import { concat } from "./samples.ts";

const SETS = [HEVC_DELIMITER, hevcVps(), hevcSps(), hevcPps()];

function frameOf(format: StreamFormat, data: Uint8Array<ArrayBuffer>): Frame {
  return {
    ...{ data, kind: "key", config: bareConfig(format), sequence: 1, epoch: 1, ptsUs: null },
    ...{ discontinuity: false, captureUs: 0, receivedMs: 0, captureAgeMs: 0 },
  };
}

Deno.test("asBrokenLink makes every slice of a CRA picture one of a BLA picture, and nothing else", () => {
  const unit = (type: number) =>
    concat(...SETS, hevcSlice({ type }), hevcSlice({ type, isFirst: false }));
  const before = unit(21);
  const frame = frameOf("hevc", before);
  const { data, ...rest } = asBrokenLink(frame);
  assertEquals(data, unit(17));
  assertEquals({ ...rest, data: before }, frame);
  // The frame itself is other viewers' too.
  assertEquals(before, unit(21));
  assertEquals(data.byteOffset, HEADROOM_BYTES);
});

for (
  const [what, frame] of [
    ["an IDR picture", frameOf("hevc", concat(...SETS, hevcSlice({ type: 19 })))],
    ["a BLA picture", frameOf("hevc", concat(...SETS, hevcSlice({ type: 16 })))],
    ["a delta frame", { ...frameOf("hevc", hevcSlice({ type: 21 })), kind: "delta" }],
    ["H.264", frameOf("h264", concat(h264Slice(), hevcSlice({ type: 21 })))],
    ["a JPEG", frameOf("mjpeg", hevcSlice({ type: 21 }))],
  ] as const
) {
  Deno.test(`asBrokenLink leaves ${what} as it is`, () => {
    assertStrictEquals(asBrokenLink(frame), frame);
  });
}

Deno.test("asBrokenLink takes no memory for the start codes of a hostile frame", () => {
  const units = 2_000_000;
  const data = new Uint8Array(4 * units);
  for (let at = 0; at < data.length; at += 4) data.set([0, 0, 1, 2], at);
  const frame = frameOf("hevc", data);
  const before = Deno.memoryUsage().heapUsed;
  assertStrictEquals(asBrokenLink(frame), frame);
  // An object for each would be 50 MB and more, which no collection takes away so soon.
  const used = Deno.memoryUsage().heapUsed - before;
  assert(used < 10_000_000, `${used} bytes`);
});
