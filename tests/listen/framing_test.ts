// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Framing } from "../../src/listen/framing.ts";

/** What `framed` says of itself in front of its message (RFC 6455 section 5.2). */
function headerOf(length: number): number[] {
  const { bytes } = new Framing().frame(new Uint8Array(length));
  return [...bytes.subarray(0, bytes.length - length)];
}

Deno.test("Framing says the length of a message in as few bytes as it takes", () => {
  assertEquals(headerOf(0), [0x82, 0]);
  assertEquals(headerOf(125), [0x82, 125]);
  assertEquals(headerOf(126), [0x82, 126, 0, 126]);
  assertEquals(headerOf(65_535), [0x82, 126, 0xff, 0xff]);
  assertEquals(headerOf(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});

Deno.test("Framing gives the same bytes to all sockets of a message, and of the few before it", () => {
  const framing = new Framing();
  const messages = Array.from({ length: 8 }, (_, at) => Uint8Array.of(at));
  const framed = messages.map((message) => framing.frame(message));
  messages.forEach((message, at) => assertStrictEquals(framing.frame(message), framed[at]));
  // The ninth takes the place of the first.
  framing.frame(Uint8Array.of(8));
  assertStrictEquals(framing.frame(messages[1]!), framed[1]);
  assert(framing.frame(messages[0]!) !== framed[0]);
});

Deno.test("Framing keeps what it has given, though the message is freed or written over", () => {
  const message = new Uint8Array([1, 2, 3]);
  const { bytes } = new Framing().frame(message);
  message.fill(9);
  message.buffer.transfer(0);
  assertEquals([...bytes], [0x82, 3, 1, 2, 3]);
});

Deno.test("Framing frees a large message when its last socket has written it, and nothing sooner", () => {
  const framing = new Framing();
  const framed = framing.frame(new Uint8Array(3 << 20));
  framed.hold();
  framed.hold();
  framed.written!();
  // Larger than what is kept beside the newest message.
  framing.frame(new Uint8Array(2 << 20));
  assertEquals(framed.bytes.length, (3 << 20) + 10);
  framed.written!();
  assertEquals(framed.bytes.length, 0);
});

Deno.test("Framing leaves a message alone that a socket has failed to write", () => {
  const framing = new Framing();
  const framed = framing.frame(new Uint8Array(5 << 20));
  framed.hold();
  framed.written!(new Error("broken off"));
  framing.frame(new Uint8Array(1));
  assertEquals(framed.bytes.length, (5 << 20) + 10);
});
