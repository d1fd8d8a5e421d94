// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { hex } from "../../src/bytes/text.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { readDecoderRecord, writeDecoderRecord } from "../../src/media/decoder_record.ts";
import type { NalFormat } from "../../src/media/nal_samples.ts";
import { trackOf } from "../../src/media/track.ts";
import {
  h264Pps,
  h264Sps,
  HEVC_PREFIX_SEI,
  hevcPps,
  hevcSps,
  hevcVps,
} from "../split/nal_samples.ts";

const SETS: Readonly<Record<NalFormat, readonly Uint8Array[]>> = {
  h264: [h264Sps(), h264Pps(), h264Pps({ id: 1 })].map((unit) => unit.subarray(4)),
  hevc: [hevcVps(), hevcSps(), hevcPps()].map((unit) => unit.subarray(4)),
};

for (const format of ["h264", "hevc"] as const) {
  Deno.test(`readDecoderRecord reads what writeDecoderRecord wrote of ${format}`, () => {
    const record = writeDecoderRecord(format, SETS[format])!;
    assertEquals(readDecoderRecord(format, record), {
      lengthBytes: 4,
      parameterSets: SETS[format],
    });
  });

  Deno.test(`readDecoderRecord takes no part of a record of ${format} for all of it`, () => {
    const record = writeDecoderRecord(format, SETS[format])!;
    for (let end = 0; end < record.length; end++) {
      assertEquals(readDecoderRecord(format, record.subarray(0, end)), undefined);
    }
    const version2 = record.slice();
    version2[0] = 2;
    assertEquals(readDecoderRecord(format, version2), undefined);
  });

  Deno.test(`writeDecoderRecord makes none of ${format} without a sequence parameter set`, () => {
    assertEquals(writeDecoderRecord(format, []), undefined);
    assertEquals(writeDecoderRecord(format, SETS[format].slice(-1)), undefined);
    const cutOff = SETS[format].map((set) => set.subarray(0, 3));
    assertEquals(writeDecoderRecord(format, cutOff), undefined);
  });
}

Deno.test("writeDecoderRecord repeats profile and level of H.264, and chroma where profiles have it", () => {
  const of = (sps: Uint8Array) => writeDecoderRecord("h264", [sps.subarray(4), SETS.h264[1]!])!;
  assertEquals(hex(of(h264Sps()), 6), "01 42 c0 1e ff e1");
  const high = of(h264Sps({ profile: [100, 0, 40], chroma: 1 }));
  assertEquals(hex(high, 4), "01 64 00 28");
  assertEquals(hex(high.subarray(-4)), "fd f8 f8 00");
});

Deno.test("writeDecoderRecord repeats profile, tier, level, chroma and layers of H.265", () => {
  const record = writeDecoderRecord("hevc", SETS.hevc)!;
  const sps = SETS.hevc[1]!;
  assertEquals(
    record.subarray(1, 13),
    sps.filter((byte, at) => !(byte === 3 && sps[at - 1] === 0 && sps[at - 2] === 0)).subarray(
      3,
      15,
    ),
  );
  assertEquals([record[16]! & 3, record[17]! & 7, record[18]! & 7], [1, 0, 0]);
  assertEquals(record[22], 3, "three lists of parameter sets");
});

Deno.test("readDecoderRecord leaves out SEI messages, which belong to no frame", () => {
  const sei = HEVC_PREFIX_SEI.subarray(4);
  const record = writeDecoderRecord("hevc", SETS.hevc)!;
  const withSei = Uint8Array.from([...record, 0x80 | 39, 0, 1, 0, sei.length, ...sei]);
  withSei[22] = 4;
  assertEquals(readDecoderRecord("hevc", withSei)!.parameterSets, SETS.hevc);
});

Deno.test("writeDecoderRecord takes as many and as large sets as are kept, and no more", () => {
  const [sps] = SETS.h264;
  const pps = (length: number) => new Uint8Array(length).fill(0x68);
  const most = Array.from({ length: 255 }, () => pps(4096));
  const record = writeDecoderRecord("h264", [sps!, ...most])!;
  assertEquals(record.length, 6 + 2 + sps!.length + 1 + 255 * (2 + 4096));
  assertEquals(writeDecoderRecord("h264", [sps!, ...most, pps(1)]), undefined);
  assertEquals(writeDecoderRecord("h264", [sps!, pps(4097)]), undefined);
  assertEquals(writeDecoderRecord("hevc", [...SETS.hevc, new Uint8Array(4097)]), undefined);
});

Deno.test("trackOf soon gives up on a hostile key frame of nothing but parameter sets", () => {
  const units = 200_000;
  const keyFrame = new Uint8Array(8 * units);
  const view = new DataView(keyFrame.buffer);
  for (let unit = 0; unit < units; unit++) {
    view.setUint32(8 * unit, 0x0000_0168);
    view.setUint32(8 * unit + 4, 0x8080_8080 + unit);
  }
  // Each compared with each would take minutes.
  assertEquals(trackOf(bareConfig("h264"), keyFrame), undefined);
});
