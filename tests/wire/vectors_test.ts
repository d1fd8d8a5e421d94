/** The test vectors, which every implementation of the protocol can read. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import { Acknowledgement } from "../../src/wire/acknowledgement.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeControl,
  MAX_CONTROL_LENGTH,
  type ServerMessage,
} from "../../src/wire/control_message.ts";
import {
  decodeFrameMessage,
  encodeFrameMessage,
  type FrameHeader,
} from "../../src/wire/frame_message.ts";
import vectors from "../../src/wire/vectors.json" with { type: "json" };

interface TextVector {
  readonly name: string;
  readonly text: string;
  readonly padTo?: number;
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

function hexOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function padded({ text, padTo = 0 }: TextVector): string {
  return text.padEnd(padTo, " ");
}

for (const vector of vectors.frames.valid) {
  Deno.test(`vectors.json: frame message: ${vector.name}`, () => {
    const { header, data } = decodeFrameMessage(bytesOfHex(vector.hex));
    assertEquals(header, vector.header);
    assertEquals(hexOfBytes(data), vector.data);
    if ("decodeOnly" in vector) return;
    const message = encodeFrameMessage(vector.header as FrameHeader, bytesOfHex(vector.data));
    assertEquals(hexOfBytes(message), vector.hex);
  });
}

for (const vector of vectors.frames.invalid) {
  Deno.test(`vectors.json: invalid frame message: ${vector.name}`, () => {
    const error = assertThrows(() => decodeFrameMessage(bytesOfHex(vector.hex)), ProtocolError);
    assertEquals(error.closeCode, vector.closeCode);
  });
}

const SIDES: [
  side: "client" | "server",
  decode: (text: string) => ClientMessage | ServerMessage,
][] = [["client", decodeClientMessage], ["server", decodeServerMessage]];

for (const [side, decode] of SIDES) {
  const { valid, invalid } = vectors.control[side];
  for (const vector of valid) {
    Deno.test(`vectors.json: message of a ${side}: ${vector.name}`, () => {
      const message = decode(padded(vector)) as unknown;
      assertEquals(message, vector.message);
      const text = encodeControl(vector.message as ClientMessage);
      assertEquals(decode(text) as unknown, vector.message);
    });
  }
  for (const vector of invalid) {
    Deno.test(`vectors.json: invalid message of a ${side}: ${vector.name}`, () => {
      const error = assertThrows(() => decode(padded(vector)), ProtocolError);
      assertEquals(error.closeCode, vector.closeCode);
    });
  }
}

for (const { name, maxDelayMs, steps } of vectors.acknowledgements) {
  Deno.test(`vectors.json: acknowledgement: ${name}`, () => {
    const acknowledgement = new Acknowledgement(maxDelayMs);
    for (const { atMs, frame, ack, deadlineMs = Infinity } of steps) {
      const sent = frame === undefined
        ? acknowledgement.due(atMs)
        : acknowledgement.received(frame, atMs);
      assertEquals([atMs, sent, acknowledgement.deadlineMs], [atMs, ack, deadlineMs]);
    }
  });
}

Deno.test("vectors.json has every type of message, and the limit on both of its sides", () => {
  const types = (side: "client" | "server") =>
    new Set(vectors.control[side].valid.map(({ message }) => message.type));
  assertEquals([...types("client")].sort(), ["ack", "config", "end", "hello", "time"]);
  assertEquals(
    [...types("server")].sort(),
    ["config", "credit", "end", "stats", "time", "welcome"],
  );
  const { valid, invalid } = vectors.control.client;
  const has = (some: readonly TextVector[], padTo: number) =>
    some.some((vector) => vector.padTo === padTo);
  assert(has(valid, MAX_CONTROL_LENGTH) && has(invalid, MAX_CONTROL_LENGTH + 1));
});
