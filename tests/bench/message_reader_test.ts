// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { HEAD_BYTES, maskedFrame, MessageReader, OPCODE } from "../../src/bench/message_reader.ts";
import { ProtocolError } from "../../src/errors.ts";
import { concat } from "../split/samples.ts";
import { payloadOf, serverFrame } from "./frames.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;
const encode = (value: string) => new TextEncoder().encode(value);

/** What a reader tells of `chunks`. */
function told(...chunks: readonly Uint8Array[]): unknown[] {
  const events: unknown[] = [];
  const reader = new MessageReader({
    binary: (head, bytes) => events.push(["binary", [...head], bytes]),
    text: (value) => events.push(["text", value]),
    ping: (payload) => events.push(["ping", [...payload]]),
    close: (code, reason) => events.push(["close", code, reason]),
  });
  for (const chunk of chunks) reader.push(chunk);
  return events;
}

/** A binary message as it is told. */
function message(payload: Uint8Array): unknown[] {
  return ["binary", [...payload.subarray(0, HEAD_BYTES)], payload.length];
}

Deno.test("MessageReader tells messages of every form of length with their first bytes", () => {
  for (const length of [0, 1, 63, 64, 65, 125, 126, 127, 65_535, 65_536, 100_000]) {
    const payload = payloadOf(length);
    assertEquals(told(serverFrame(binary, payload)), [message(payload)], `${length} bytes`);
  }
});

const SESSION: readonly Uint8Array[] = [
  serverFrame(text, encode('{"type":"welcome"} ü')),
  serverFrame(binary, payloadOf(200)),
  serverFrame(binary, payloadOf(40), { isFinal: false }),
  serverFrame(ping, Uint8Array.of(1, 2, 3)),
  serverFrame(continuation, payloadOf(70), { isFinal: false }),
  serverFrame(pong, Uint8Array.of(4)),
  serverFrame(ping, new Uint8Array()),
  serverFrame(continuation, new Uint8Array(), { isFinal: false }),
  serverFrame(continuation, payloadOf(30)),
  serverFrame(text, encode("a"), { isFinal: false }),
  serverFrame(continuation, encode("b")),
  serverFrame(binary, new Uint8Array()),
  serverFrame(close, Uint8Array.of(0x0f, 0xa7, ...encode("stalled"))),
];
const WHOLE = concat(payloadOf(40), payloadOf(70), payloadOf(30));
const EVENTS: readonly unknown[] = [
  ["text", '{"type":"welcome"} ü'],
  message(payloadOf(200)),
  ["ping", [1, 2, 3]],
  ["ping", []],
  message(WHOLE),
  ["text", "ab"],
  message(new Uint8Array()),
  ["close", 4007, "stalled"],
];

Deno.test("MessageReader reads fragments with control frames in between", () => {
  assertEquals(told(...SESSION), EVENTS);
});

Deno.test("MessageReader reads the same whatever the cut, and byte by byte", () => {
  const all = concat(...SESSION);
  for (let cut = 0; cut <= all.length; cut++) {
    assertEquals(told(all.subarray(0, cut), all.subarray(cut)), EVENTS, `cut at ${cut}`);
  }
  assertEquals(told(...Array.from(all, (byte) => Uint8Array.of(byte))), EVENTS);
  const large = serverFrame(binary, payloadOf(70_000));
  for (let cut = 0; cut < 14; cut++) {
    assertEquals(told(large.subarray(0, cut), large.subarray(cut)), [message(payloadOf(70_000))]);
  }
});

Deno.test("MessageReader keeps nothing of a chunk", () => {
  const chunk = serverFrame(text, encode("first"), { isFinal: false });
  const events: string[] = [];
  const nothing = () => {};
  const reader = new MessageReader({
    binary: nothing,
    text: (value) => events.push(value),
    ping: nothing,
    close: nothing,
  });
  reader.push(chunk);
  chunk.fill(0);
  reader.push(serverFrame(continuation, encode(" second")));
  assertEquals(events, ["first second"]);
});

Deno.test("MessageReader reads nothing behind a goodbye, which may have no code", () => {
  const rest = serverFrame(binary, payloadOf(1));
  assertEquals(told(concat(serverFrame(close, new Uint8Array()), rest), rest), [
    ["close", 1005, ""],
  ]);
});

const BROKEN: Readonly<Record<string, readonly Uint8Array[]>> = {
  "a mask": [serverFrame(binary, payloadOf(5), { mask: 128 })],
  "reserved bits": [serverFrame(binary, payloadOf(5), { reserved: 0x40 })],
  "an unknown kind of data": [serverFrame(3, payloadOf(5))],
  "an unknown kind of control": [serverFrame(11, payloadOf(5))],
  "a continuation of nothing": [serverFrame(continuation, payloadOf(5))],
  "a message in a message": [
    serverFrame(binary, payloadOf(5), { isFinal: false }),
    serverFrame(text, payloadOf(5)),
  ],
  "a control frame in parts": [serverFrame(ping, payloadOf(5), { isFinal: false })],
  "a control frame of 126 bytes": [serverFrame(ping, payloadOf(126))],
  "a goodbye of one byte": [serverFrame(close, payloadOf(1))],
};
for (const [what, chunks] of Object.entries(BROKEN)) {
  Deno.test(`MessageReader refuses ${what}`, () => {
    assertEquals(assertThrows(() => told(...chunks), ProtocolError).closeCode, 1002);
  });
}

Deno.test("MessageReader takes messages up to 64 MiB and texts up to 64 KiB, in parts, too", () => {
  const header = (opcode: number, high: number, low: number) => {
    const bytes = new Uint8Array(10);
    bytes[0] = 128 | opcode;
    bytes[1] = 127;
    new DataView(bytes.buffer).setUint32(2, high);
    new DataView(bytes.buffer).setUint32(6, low);
    return bytes;
  };
  const isRefused = (...chunks: readonly Uint8Array[]) => {
    try {
      told(...chunks);
      return false;
    } catch (error) {
      assertEquals((error as ProtocolError).closeCode, 1009);
      return true;
    }
  };
  assertEquals(isRefused(header(binary, 0, 2 ** 26)), false);
  assertEquals(isRefused(header(binary, 0, 2 ** 26 + 1)), true);
  assertEquals(isRefused(header(binary, 1, 0)), true);
  assertEquals(isRefused(header(binary, 0xffff_ffff, 0xffff_ffff)), true);
  assertEquals(isRefused(header(text, 0, 65_536)), false);
  assertEquals(isRefused(header(text, 0, 65_537)), true);
  const part = serverFrame(text, payloadOf(65_536), { isFinal: false });
  assertEquals(isRefused(part, serverFrame(continuation, payloadOf(1))), true);
});

Deno.test("maskedFrame masks a payload by RFC 6455 section 5.3, as in its example", () => {
  // Section 5.7: a single-frame masked text message that contains "Hello".
  assertEquals(
    maskedFrame(text, encode("Hello"), 0x37fa213d),
    Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58),
  );
  const long = maskedFrame(binary, payloadOf(300), 0);
  assertEquals([...long.subarray(0, 8)], [0x82, 0xfe, 1, 44, 0, 0, 0, 0]);
  assertEquals(long.subarray(8), payloadOf(300));
  assertThrows(() => maskedFrame(binary, new Uint8Array(65_536)), RangeError);
});
