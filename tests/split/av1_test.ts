// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Av1Reader, MAX_SEQUENCE_HEADER_BYTES } from "../../src/split/av1.ts";
import {
  type Field,
  frameObu,
  INTER_FRAME_OBU,
  KEY_FRAME_OBU,
  NO_TIMING,
  obu,
  sequence,
  sequenceObu,
  type SequenceOptions,
  stillSequence,
  TEMPORAL_DELIMITER,
  TOOLS,
} from "./ivf_samples.ts";
import { concat, ramp } from "./samples.ts";

const UNIT = concat(TEMPORAL_DELIMITER, sequenceObu(), KEY_FRAME_OBU);
const PADDING = obu(15, ramp(3));

function read(...obus: Uint8Array[]): string | undefined {
  const keyFrame = new Av1Reader().read(concat(...obus));
  assertEquals(keyFrame?.missing, undefined);
  return keyFrame && `${keyFrame.codec} ${keyFrame.width}x${keyFrame.height}`;
}

function readSequence(options: SequenceOptions): string | undefined {
  return read(TEMPORAL_DELIMITER, sequenceObu(options), KEY_FRAME_OBU);
}

Deno.test("Av1Reader reads profile, level, tier, bits and size of a key frame", () => {
  assertEquals(readSequence({}), "av01.0.05M.08 16x8");
  assertEquals(readSequence({ width: 65_536, height: 1 }), "av01.0.05M.08 65536x1");
  assertEquals(readSequence({ level: 7 }), "av01.0.07M.08 16x8");
  assertEquals(readSequence({ level: 8 }), "av01.0.08M.08 16x8");
  assertEquals(readSequence({ level: 13, tier: 1 }), "av01.0.13H.08 16x8");
  // The bit behind high_bitdepth is mono_chrome here.
  assertEquals(readSequence({ depth: [3, 2] }), "av01.0.05M.10 16x8");
  assertEquals(readSequence({ profile: 1, depth: [1, 1] }), "av01.1.05M.10 16x8");
  assertEquals(readSequence({ profile: 2, depth: [0, 1] }), "av01.2.05M.08 16x8");
  assertEquals(readSequence({ profile: 2, depth: [2, 2] }), "av01.2.05M.10 16x8");
  assertEquals(readSequence({ profile: 2, depth: [3, 2] }), "av01.2.05M.12 16x8");
});

Deno.test("Av1Reader reads past timing, operating points and tools to the bits of a sample", () => {
  const expected = "av01.0.05M.10 640x359";
  const common = { width: 640, height: 359, depth: [1, 1] } as const;
  // Both ticks, then equal_picture_interval with its uvlc number 5.
  const timing: Field[] = [[1, 1], [1, 32], [30, 32], [1, 1], [0b00110, 5]];
  const model: Field[] = [[1, 1], [9, 5], [7, 32], [3, 5], [4, 5]];
  const delays: Field[] = [[1, 1], [1023, 10], [1023, 10], [1, 1]];
  const variants: SequenceOptions[] = [
    { points: 3 },
    { points: 32 },
    { timing: [...timing, [0, 1], [0, 1]] },
    { timing: [[1, 1], [1, 32], [30, 32], [0, 1], [0, 1], [0, 1]] },
    { timing: [...timing, ...model, [0, 1]], pointEnd: delays, points: 2 },
    { timing: [...timing, ...model, [0, 1]], pointEnd: [[0, 1]], points: 2 },
    { timing: [...timing, ...model, [1, 1]], pointEnd: [...delays, [1, 1], [9, 4]], points: 4 },
    { timing: [[0, 1], [1, 1]], pointEnd: [[1, 1], [9, 4]], points: 2 },
    { timing: [[0, 1], [1, 1]], pointEnd: [[0, 1]], points: 2 },
    // Frame numbers; no order hints; no screen content tools; integer vectors as told.
    { tools: [[1, 1], [0b1111111, 7], ...TOOLS.slice(1)] },
    { tools: [[0, 1], [7, 3], [15, 4], [0, 1], [1, 1], [1, 1]] },
    { tools: [[0, 1], [7, 3], [15, 4], [0, 1], [0, 1], [0, 1]] },
    { tools: [[0, 1], [7, 3], [15, 4], [0, 1], [0, 1], [1, 1], [0, 1], [1, 1]] },
    { tools: [[0, 1], [7, 3], [15, 4], [1, 1], [3, 2], [0, 1], [0, 1], [7, 3]] },
  ];
  for (const options of variants) {
    assertEquals(readSequence({ ...common, ...options }), expected, JSON.stringify(options));
  }
  assertEquals(readSequence({ ...common, timing: NO_TIMING, tools: TOOLS }), expected);
});

Deno.test("Av1Reader takes every frame under a reduced still picture header for a key frame", () => {
  const header = obu(1, stillSequence(320, 200));
  assertEquals(read(TEMPORAL_DELIMITER, header, frameObu(0b1111)), "av01.0.05M.08 320x200");
});

Deno.test("Av1Reader takes a frame header with tiles behind it as it takes a frame", () => {
  const expected = "av01.0.05M.08 16x8";
  assertEquals(read(sequenceObu(), frameObu(0b0001, 3), obu(4, ramp(9))), expected);
  assertEquals(read(sequenceObu(), frameObu(0b0011, 3), obu(4, ramp(9))), undefined);
});

Deno.test("Av1Reader goes by the first frame that is neither hidden nor an older one", () => {
  // show_existing_frame, frame_type and show_frame.
  const starts = [...Array(16).keys()];
  const keys = starts.filter((start) => read(sequenceObu(), frameObu(start)) !== undefined);
  assertEquals(keys, [0b0001]);
  assertEquals(read(sequenceObu(), INTER_FRAME_OBU, KEY_FRAME_OBU), undefined);
  assert(read(sequenceObu(), KEY_FRAME_OBU, INTER_FRAME_OBU) !== undefined);
});

Deno.test("Av1Reader passes extensions, metadata, padding and unknown OBUs over", () => {
  const between = [obu(5, ramp(4)), PADDING, obu(9, ramp(5)), obu(0, ramp(1))];
  const isExtended = true;
  const extended = [
    obu(1, sequence(), { isExtended, sizeBytes: 8 }),
    obu(6, ramp(200, 0x10), { isExtended, sizeBytes: 2 }),
  ];
  assertEquals(
    read(TEMPORAL_DELIMITER, ...between, ...extended, PADDING),
    "av01.0.05M.08 16x8",
  );
});

Deno.test("Av1Reader takes an OBU without its size for what is left of the unit", () => {
  const frame = Uint8Array.of(6 << 3, 0x10, 1, 2);
  assertEquals(read(sequenceObu(), frame), "av01.0.05M.08 16x8");
  // The sequence header would swallow the frame if it were put in front of it later.
  const reader = new Av1Reader();
  reader.read(concat(TEMPORAL_DELIMITER, Uint8Array.of(1 << 3), sequence()));
  assertEquals(reader.read(KEY_FRAME_OBU), undefined);
});

Deno.test("Av1Reader names the sequence header that a key frame misses, and where", () => {
  const reader = new Av1Reader();
  const bare = concat(TEMPORAL_DELIMITER, PADDING, KEY_FRAME_OBU);
  assertEquals(reader.read(bare), undefined);
  assert(reader.read(UNIT) !== undefined);
  const missing = { at: TEMPORAL_DELIMITER.length, bytes: sequenceObu() };
  assertEquals(reader.read(bare)?.missing, missing);
  const later = sequenceObu({ width: 32 });
  assertEquals(reader.read(concat(TEMPORAL_DELIMITER, later, INTER_FRAME_OBU)), undefined);
  assertEquals(reader.read(bare)?.missing?.bytes, later);
  assertEquals(reader.read(KEY_FRAME_OBU)?.missing?.at, 0);
  assertEquals(reader.read(concat(PADDING, bare))?.missing?.at, 0);
  assertEquals(reader.read(KEY_FRAME_OBU)?.width, 32);
});

Deno.test("Av1Reader remembers a sequence header after its temporal unit is gone", () => {
  const reader = new Av1Reader();
  const unit = UNIT.slice();
  reader.read(unit);
  unit.fill(0xee);
  assertEquals(reader.read(KEY_FRAME_OBU)?.missing?.bytes, sequenceObu());
});

Deno.test("Av1Reader takes no headers that are broken, and keeps what it had", () => {
  const forbidden = concat(Uint8Array.of(0x80 | (15 << 3) | 2, 0), UNIT);
  const nineBytes = concat(TEMPORAL_DELIMITER, obu(1, sequence(), { sizeBytes: 9 }), KEY_FRAME_OBU);
  const tooLong = Uint8Array.of((15 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
  const spoiled = [
    forbidden,
    nineBytes,
    concat(tooLong, UNIT),
    concat(Uint8Array.of((15 << 3) | 2, 0x80)),
    concat(obu(1, sequence({ profile: 3 })), KEY_FRAME_OBU),
    concat(obu(1, sequence().subarray(0, 10)), KEY_FRAME_OBU),
    concat(sequenceObu(), Uint8Array.of((6 << 3) | 2, 0)),
    concat(sequenceObu(), Uint8Array.of((6 << 3) | 2, 0), TEMPORAL_DELIMITER),
    concat(sequenceObu(), Uint8Array.of((6 << 3) | 2, 5, 0x10)),
    concat(sequenceObu(), Uint8Array.of((6 << 3) | 6)),
    concat(sequenceObu(), Uint8Array.of((6 << 3) | 4)),
    concat(obu(1, stillSequence(320, 200)), Uint8Array.of((6 << 3) | 4)),
    concat(UNIT.subarray(0, 2), sequenceObu()),
    TEMPORAL_DELIMITER,
    new Uint8Array(0),
  ];
  for (const [index, unit] of spoiled.entries()) {
    const reader = new Av1Reader();
    reader.read(UNIT);
    assertEquals(reader.read(unit), undefined, `${index}`);
    assertEquals(reader.read(KEY_FRAME_OBU)?.missing?.bytes, sequenceObu(), `${index}`);
  }
});

Deno.test("Av1Reader takes no sequence header over the limit", () => {
  const headerOf = (bytes: number): Uint8Array => {
    const filler = new Uint8Array(bytes - 3 - sequence().length);
    return obu(1, concat(sequence(), filler), { sizeBytes: 2 });
  };
  const atLimit = headerOf(MAX_SEQUENCE_HEADER_BYTES);
  assertEquals(atLimit.length, MAX_SEQUENCE_HEADER_BYTES);
  assert(read(atLimit, KEY_FRAME_OBU) !== undefined);
  assertEquals(read(headerOf(MAX_SEQUENCE_HEADER_BYTES + 1), KEY_FRAME_OBU), undefined);
});
