// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Assembly } from "../../src/bytes/assembly.ts";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { ProtocolError } from "../../src/errors.ts";
import {
  decodeFrameMessage,
  encodeFrameMessage,
  type FrameHeader,
  HEADER_BYTES,
} from "../../src/wire/frame_message.ts";
import { HEADER } from "./messages.ts";

const headers: fc.Arbitrary<FrameHeader> = fc.record({
  key: fc.boolean(),
  configuration: fc.boolean(),
  discontinuity: fc.boolean(),
  catchUp: fc.boolean(),
  leading: fc.boolean(),
  held: fc.boolean(),
  epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
  sequence: fc.maxSafeInteger().map((value) => Math.max(1, Math.abs(value))),
  ptsUs: fc.option(fc.maxSafeInteger()),
  captureUs: fc.maxSafeNat(),
});

/** Bytes with `room` free bytes before them in their buffer. */
function roomy(data: Uint8Array, room: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(room + data.length);
  buffer.set(data, room);
  return buffer.subarray(room);
}

Deno.test("decodeFrameMessage reads what encodeFrameMessage writes", () => {
  fc.assert(
    fc.property(
      headers,
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.integer({ min: 0, max: 80 }),
      (header, bytes, room) => {
        const data = roomy(bytes, room);
        const decoded = decodeFrameMessage(encodeFrameMessage(header, data));
        assertEquals(decoded.header, header);
        assertEquals(decoded.data, roomy(bytes, 0));
        // What goes out again with another header is the same.
        const again = { ...header, catchUp: false, epoch: 7, sequence: 99 };
        const message = encodeFrameMessage(again, decoded.data);
        assertEquals(decodeFrameMessage(message), { header: again, data: roomy(bytes, 0) });
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

Deno.test("encodeFrameMessage uses the room before the bytes where there is enough", () => {
  const data = roomy(Uint8Array.of(1, 2, 3), HEADER_BYTES);
  assertStrictEquals(encodeFrameMessage(HEADER, data).buffer, data.buffer);
  const tight = roomy(Uint8Array.of(1, 2, 3), HEADER_BYTES - 1);
  assertNotEquals(encodeFrameMessage(HEADER, tight).buffer === tight.buffer, true);
});

Deno.test("encodeFrameMessage fills the headroom of a frame that was assembled, to its last byte", () => {
  const assembly = new Assembly({ initialBytes: 8 });
  for (const count of [8, 1]) {
    assembly.append(new Uint8Array(9));
    const data = assembly.take(count);
    const message = encodeFrameMessage({ ...HEADER, captureUs: 0x1234 }, data);
    assertStrictEquals(message.buffer, data.buffer);
    assertEquals(message.byteOffset + HEADROOM_BYTES, data.byteOffset);
    assertEquals(
      message.subarray(HEADROOM_BYTES - 2, HEADROOM_BYTES),
      roomy(Uint8Array.of(0x12, 0x34), 0),
    );
  }
});

Deno.test("encodeFrameMessage leaves the shared bytes alone for a viewer that joins", () => {
  const data = roomy(Uint8Array.of(1, 2, 3), HEADER_BYTES);
  const forAll = encodeFrameMessage(HEADER, data);
  const before = forAll.slice();
  const forOne = encodeFrameMessage({ ...HEADER, catchUp: true }, data);
  assertEquals(forAll, before);
  assertEquals(decodeFrameMessage(forOne).header.catchUp, true);
});

Deno.test("decodeFrameMessage skips what a longer header holds", () => {
  const message = new Uint8Array(45);
  message.set(encodeFrameMessage(HEADER, new Uint8Array(1)));
  new DataView(message.buffer).setUint16(2, 44);
  message[44] = 9;
  assertEquals(decodeFrameMessage(message), { header: HEADER, data: Uint8Array.of(9) });
});

const INVALID: [name: string, closeCode: number, change: (view: DataView) => void][] = [
  ["a wrong version", 4001, (view) => view.setUint8(0, 2)],
  ["version 0", 4001, (view) => view.setUint8(0, 0)],
  ["an unknown flag", 1002, (view) => view.setUint8(1, 64)],
  ["the highest flag", 1002, (view) => view.setUint8(1, 0x81)],
  ["a header that is too short", 1002, (view) => view.setUint16(2, 31)],
  ["a header as long as the message", 1002, (view) => view.setUint16(2, 36)],
  ["a header longer than the message", 1002, (view) => view.setUint16(2, 0xffff)],
  ["sequence 0", 1002, (view) => view.setBigUint64(8, 0n)],
  ["a negative sequence", 1002, (view) => view.setBigInt64(8, -1n)],
  ["a sequence of 2^53", 1002, (view) => view.setBigInt64(8, 2n ** 53n)],
  ["a sequence of 2^63", 1002, (view) => view.setBigUint64(8, 2n ** 63n)],
  ["a presentation time of 2^53", 1002, (view) => view.setBigInt64(16, 2n ** 53n)],
  ["a presentation time of -2^53", 1002, (view) => view.setBigInt64(16, -(2n ** 53n))],
  ["a presentation time of 1 - 2^63", 1002, (view) => view.setBigInt64(16, 1n - 2n ** 63n)],
  ["a capture time of 2^53", 1002, (view) => view.setBigInt64(24, 2n ** 53n)],
  ["a negative capture time", 1002, (view) => view.setBigInt64(24, -1n)],
];

for (const [name, closeCode, change] of INVALID) {
  Deno.test(`decodeFrameMessage refuses ${name} with ${closeCode}`, () => {
    const message = encodeFrameMessage(HEADER, new Uint8Array(4));
    decodeFrameMessage(message);
    change(new DataView(message.buffer));
    const error = assertThrows(() => decodeFrameMessage(message), ProtocolError);
    assertEquals(error.closeCode, closeCode);
  });
}

Deno.test("decodeFrameMessage refuses every message without a byte behind its header", () => {
  const message = encodeFrameMessage(HEADER, new Uint8Array(1));
  for (let length = 0; length <= HEADER_BYTES; length++) {
    const error = assertThrows(
      () => decodeFrameMessage(message.subarray(0, length)),
      ProtocolError,
    );
    assertEquals(error.closeCode, 1002);
  }
});

Deno.test("decodeFrameMessage gives a frame or a ProtocolError for any bytes", () => {
  const start = fc.oneof(
    fc.constant<number[]>([]),
    fc.constant([1]),
    fc.tuple(fc.constant(1), fc.nat(15), fc.constant(0), fc.nat(40)).map((bytes) => [...bytes]),
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 60 }), (start, rest) => {
      const message = Uint8Array.from([...start, ...rest]);
      try {
        const { header, data } = decodeFrameMessage(message);
        assertEquals(decodeFrameMessage(encodeFrameMessage(header, data.slice())).header, header);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { seed: 1, numRuns: 5000 },
  );
});
