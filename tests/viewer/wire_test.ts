/** The player's own reading of the protocol, held to the vectors that all implementations read. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { decodeClientMessage } from "../../src/wire/control_message.ts";
import {
  Acknowledgement,
  decodeControl,
  decodeFrame,
  encodeAck,
  encodeHello,
  encodeTime,
  WireError,
} from "../../src/viewer/wire.js";
import vectors from "../../src/wire/vectors.json" with { type: "json" };

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

for (const { name, hex, header, data } of vectors.frames.valid) {
  Deno.test(`wire.js reads a frame message: ${name}`, () => {
    const read = decodeFrame(bytesOfHex(hex));
    assertEquals(read.header as unknown, header);
    assertEquals(read.data, bytesOfHex(data));
  });
}

for (const { name, hex, closeCode } of vectors.frames.invalid) {
  Deno.test(`wire.js refuses a frame message: ${name}`, () => {
    const error = assertThrows(() => decodeFrame(bytesOfHex(hex)), WireError);
    assertEquals(error.closeCode, closeCode);
  });
}

for (const { name, text, message } of vectors.control.server.valid) {
  Deno.test(`wire.js reads a message: ${name}`, () => {
    assertEquals(decodeControl(text) as unknown, message);
  });
}

for (const { name, text, closeCode, ...vector } of vectors.control.server.invalid) {
  Deno.test(`wire.js refuses a message: ${name}`, () => {
    const padTo = "padTo" in vector ? Number(vector.padTo) : 0;
    const error = assertThrows(() => decodeControl(text.padEnd(padTo, " ")), WireError);
    assertEquals(error.closeCode, closeCode);
  });
}

for (const { name, maxDelayMs, steps } of vectors.acknowledgements) {
  Deno.test(`wire.js acknowledges ${name}`, () => {
    const acknowledgement = new Acknowledgement(maxDelayMs);
    for (const { atMs, frame, ack, deadlineMs = Infinity } of steps) {
      const text = frame === undefined
        ? acknowledgement.due(atMs)
        : acknowledgement.received(frame, atMs);
      const sent = text === undefined ? undefined : decodeClientMessage(text);
      const wanted = ack === undefined ? undefined : { type: "ack", ...ack };
      assertEquals([atMs, sent as unknown, acknowledgement.deadlineMs], [atMs, wanted, deadlineMs]);
    }
  });
}

Deno.test("wire.js writes messages that the relay reads", () => {
  const hello = decodeClientMessage(encodeHello({ fps: null, maxDelayMs: 500 }));
  assertEquals(hello, { type: "hello", version: 1, role: "watch", fps: null, maxDelayMs: 500 });
  assertEquals(decodeClientMessage(encodeAck(7)), { type: "ack", sequence: 7, heldMs: 0 });
  assertEquals(decodeClientMessage(encodeAck(7, 9e9)), { type: "ack", sequence: 7, heldMs: 1000 });
  assertEquals(decodeClientMessage(encodeTime(12.7)), {
    type: "time",
    clientUs: 13,
    roundTripUs: null,
  });
});
