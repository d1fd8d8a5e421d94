// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { DamageError } from "../../src/media/damage.ts";
import { writeDecoderRecord } from "../../src/media/decoder_record.ts";
import { createPacketReader } from "../../src/media/packet_reader.ts";
import { H264_DELIMITER, h264Pps, h264Slice, h264Sps, idr } from "../split/nal_samples.ts";
import { concat } from "../split/samples.ts";

const CONFIG = bareConfig("h264", { codec: "avc1.42c01e" });
const SETS = [h264Sps(), h264Pps()];
const RECORD = writeDecoderRecord("h264", SETS.map((set) => set.subarray(4)))!;

/** The NAL units behind lengths of so many bytes instead of start codes. */
function sample(units: readonly Uint8Array[], lengthBytes = 4): Uint8Array {
  return concat(...units.flatMap((unit) => {
    const length = [...new Uint8Array(3), unit.length - 4].slice(-lengthBytes);
    return [Uint8Array.from(length), unit.subarray(4)];
  }));
}

Deno.test("PacketReader puts start codes for lengths, and parameter sets into key frames", () => {
  const reader = createPacketReader({ config: CONFIG, record: RECORD });
  const key = reader.read({ data: sample([idr()]), ptsUs: 5 });
  assertEquals(key.data, concat(...SETS, idr()));
  assertEquals([key.kind, key.configuration, key.ptsUs], ["key", true, 5]);
  const delta = reader.read({ data: sample([h264Slice()]), ptsUs: -7 });
  assertEquals(delta.data, h264Slice());
  assertEquals([delta.kind, delta.configuration, delta.ptsUs], ["delta", false, -7]);
});

Deno.test("PacketReader puts parameter sets behind a delimiter, and none where all are there", () => {
  const reader = createPacketReader({ config: CONFIG, record: RECORD });
  const read = (...units: Uint8Array[]) => reader.read({ data: sample(units), ptsUs: 0 }).data;
  assertEquals(read(H264_DELIMITER, idr()), concat(H264_DELIMITER, ...SETS, idr()));
  // A set stands behind the one that it refers to.
  assertEquals(read(SETS[0]!, idr()), concat(...SETS, SETS[0]!, idr()));
  assertEquals(read(...SETS, idr()), concat(...SETS, idr()));
});

Deno.test("PacketReader reads lengths of one to four bytes", () => {
  for (const lengthBytes of [1, 2, 4]) {
    const record = RECORD.slice();
    record[4] = 0xfc | (lengthBytes - 1);
    const reader = createPacketReader({ config: CONFIG, record });
    const data = sample([...SETS, idr()], lengthBytes);
    assertEquals(reader.read({ data, ptsUs: 0 }).data, concat(...SETS, idr()));
  }
});

Deno.test("PacketReader leaves a byte stream as it is, and remembers its parameter sets", () => {
  const reader = createPacketReader({ config: CONFIG, record: undefined });
  const first = concat(H264_DELIMITER, ...SETS, idr());
  assertEquals(reader.read({ data: first, ptsUs: 0 }).data, first);
  assertEquals(reader.read({ data: idr(), ptsUs: 1 }).data, concat(...SETS, idr()));
});

Deno.test("PacketReader throws for a packet of nothing, whatever its format", () => {
  for (const format of ["vp8", "vp9", "av1", "mjpeg"] as const) {
    const reader = createPacketReader({ config: bareConfig(format), record: undefined });
    assertThrows(() => reader.read({ data: new Uint8Array(0), ptsUs: 0 }), DamageError);
  }
});

Deno.test("PacketReader throws for lengths that do not fit, a packet of nothing, a broken record", () => {
  const reader = createPacketReader({ config: CONFIG, record: RECORD });
  for (const data of [Uint8Array.of(0, 0, 0, 9, 0x65), Uint8Array.of(0, 0, 1), new Uint8Array(0)]) {
    assertThrows(() => reader.read({ data, ptsUs: 0 }), DamageError);
  }
  const record = RECORD.subarray(0, 12);
  assertThrows(() => createPacketReader({ config: CONFIG, record }), DamageError);
});

Deno.test("PacketReader puts a temporal delimiter in front of AV1, and passes VP8 and VP9 on", () => {
  const unit = Uint8Array.of(0x32, 0x01, 0x30);
  const av1 = createPacketReader({ config: bareConfig("av1"), record: undefined });
  const withDelimiter = concat(Uint8Array.of(0x12, 0), unit);
  for (const data of [unit, withDelimiter]) {
    assertEquals(av1.read({ data, ptsUs: 0 }).data, withDelimiter);
  }
  const vp8 = createPacketReader({ config: bareConfig("vp8"), record: undefined });
  const key = Uint8Array.of(0x10, 0, 0, 0x9d, 1, 0x2a, 16, 0, 16, 0);
  assertEquals(vp8.read({ data: key, ptsUs: 0 }).kind, "key");
  assertEquals(vp8.read({ data: Uint8Array.of(0x11, 0, 0), ptsUs: 0 }).kind, "delta");
});
