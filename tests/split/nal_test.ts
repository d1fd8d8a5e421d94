// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  findStartCode,
  H264_NAL,
  h264NalType,
  HEVC_NAL,
  hevcNalType,
  isH264ParameterSet,
  isHevcParameterSet,
  MAX_NAL_UNITS,
  nalUnits,
  unescapedNal,
} from "../../src/split/nal.ts";
import { escaped, hevcHeader } from "./nal_samples.ts";
import { concat } from "./samples.ts";

function units(...bytes: number[]): number[][] {
  const all = Uint8Array.from(bytes);
  return nalUnits(all).map(({ start, end }) => [...all.subarray(start, end)]);
}

Deno.test("nalUnits finds NAL units behind start codes of three and of four bytes", () => {
  assertEquals(units(0, 0, 1, 0x67, 5, 0, 0, 0, 1, 0x68, 0, 0, 1, 0x65, 9), [
    [0x67, 5],
    [0x68],
    [0x65, 9],
  ]);
});

Deno.test("nalUnits leaves out zeros behind a NAL unit, bytes before the first, and empty ones", () => {
  assertEquals(units(7, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 0, 0, 1, 0x68, 2, 0, 0), [[0x67, 1], [
    0x68,
    2,
  ]]);
  assertEquals(units(0, 0, 1, 0, 0, 1, 0x68, 0, 0, 1), [[0x68]]);
  assertEquals([units(), units(0, 0), units(0, 0, 1), units(1, 2, 3)], [[], [], [], []]);
});

Deno.test("findStartCode finds the first one that begins at an offset or later", () => {
  const few = fc.array(fc.nat({ max: 2 }), { maxLength: 24 });
  fc.assert(
    fc.property(few, fc.nat({ max: 8 }), (values, from) => {
      const text = values.join("");
      assertEquals(findStartCode(Uint8Array.from(values), from), text.indexOf("001", from));
    }),
    { seed: 41, numRuns: 2000 },
  );
});

Deno.test("unescapedNal takes out what was put in so that no start code appears", () => {
  const few = fc.uint8Array({ max: 4, maxLength: 40 });
  fc.assert(
    fc.property(few, (payload) => {
      const nal = escaped(payload);
      assertEquals(findStartCode(nal, 0), -1);
      const bytes = concat(Uint8Array.of(9, 9), nal, Uint8Array.of(9));
      assertEquals(unescapedNal(bytes, { start: 2, end: 2 + nal.length }, 99), payload);
    }),
    { seed: 42, numRuns: 1000 },
  );
  const whole = Uint8Array.of(0x67, 0, 0, 3, 1, 5, 6, 7);
  assertEquals([...unescapedNal(whole, { start: 0, end: 8 }, 5)], [0x67, 0, 0, 1]);
});

Deno.test("h264NalType and hevcNalType read the type from a header", () => {
  assertEquals([0x67, 0x27, 0x68, 0x65, 0x01, 0x09].map(h264NalType), [7, 7, 8, 5, 1, 9]);
  const types = [0, 9, 21, 32, 33, 34, 35, 40, 63];
  assertEquals(types.map((type) => hevcNalType(hevcHeader(type, { layer: 40 })[0]!)), types);
});

Deno.test("isH264ParameterSet and isHevcParameterSet know SPS and PPS, and VPS", () => {
  const all = [...Array(64).keys()];
  assertEquals(all.filter(isH264ParameterSet), [H264_NAL.sps, H264_NAL.pps]);
  assertEquals(all.filter(isHevcParameterSet), [HEVC_NAL.vps, HEVC_NAL.sps, HEVC_NAL.pps]);
});

Deno.test("nalUnits leaves all that is too many in the last one", () => {
  const bytes = new Uint8Array(4 * (MAX_NAL_UNITS + 5));
  for (let at = 0; at < bytes.length; at += 4) bytes.set([0, 0, 1, 9], at);
  const units = nalUnits(bytes);
  assertEquals(units.length, MAX_NAL_UNITS);
  assertEquals(units.at(-2), { start: 4 * (MAX_NAL_UNITS - 2) + 3, end: 4 * (MAX_NAL_UNITS - 1) });
  assertEquals(units.at(-1)!.end, bytes.length);
});
