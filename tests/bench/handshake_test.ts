// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { acceptOf, Handshake } from "../../src/bench/handshake.ts";
import { StreamError } from "../../src/errors.ts";
import { concat } from "../split/samples.ts";

const URL_OF_STREAM = new URL("ws://127.0.0.1:8080/live?role=watch");
const encode = (text: string) => new TextEncoder().encode(text);

function keyOf(handshake: Handshake): string {
  return /^Sec-WebSocket-Key: (.*)\r$/m.exec(handshake.request)![1]!;
}

/** The answer that a server gives, and what is changed of it. */
function answer(handshake: Handshake, change = (text: string) => text): Uint8Array<ArrayBuffer> {
  return encode(change(
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n" +
      `sec-websocket-accept: ${acceptOf(keyOf(handshake))}\r\n` +
      "Sec-WebSocket-Protocol:stream.v1 \r\n\r\n",
  ));
}

Deno.test("acceptOf answers the key of RFC 6455 section 1.3", () => {
  assertEquals(acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

Deno.test("Handshake asks for the address, with the protocol or bare, by a key of its own", () => {
  const [one, other] = [new Handshake(URL_OF_STREAM, false), new Handshake(URL_OF_STREAM, true)];
  assertStringIncludes(one.request, "GET /live?role=watch HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n");
  assertMatch(one.request, /\r\nSec-WebSocket-Protocol: stream\.v1\r\n.*\r\n$/);
  assertEquals(other.request.includes("Sec-WebSocket-Protocol"), false);
  assertEquals(keyOf(one) === keyOf(other), false);
  assertEquals(atob(keyOf(one)).length, 16);
});

Deno.test("Handshake tells where the answer ends, whatever the cut", () => {
  const { length } = answer(new Handshake(URL_OF_STREAM, false));
  for (let cut = 0; cut < length; cut++) {
    const handshake = new Handshake(URL_OF_STREAM, false);
    const bytes = concat(answer(handshake), Uint8Array.of(130, 1, 7));
    assertEquals(handshake.take(bytes.subarray(0, cut)), undefined);
    assertEquals(handshake.take(bytes.subarray(cut)), length - cut);
  }
});

const REFUSED: Readonly<Record<string, readonly [(text: string) => string, string, RegExp]>> = {
  "another status": [(text) => text.replace("101", "404"), "unreachable", /HTTP 404/],
  "a demand for credentials": [(text) => text.replace("101", "401"), "refused", /HTTP 401/],
  "a wrong key": [(text) => text.replace(/accept: .*/, "accept: AAAA"), "unreachable", /key/],
  "no protocol": [
    (text) => text.replace(/Sec-WebSocket-Protocol.*\r\n/, ""),
    "unreachable",
    /does not speak stream\.v1; use --bare/,
  ],
  "what is not HTTP": [(text) => `SSH-2.0\r\n${text}`, "unreachable", /does not speak HTTP/],
  "an answer without end": [(text) => text + "x".repeat(1e5), "unreachable", /no end/],
};
for (const [what, [change, code, pattern]] of Object.entries(REFUSED)) {
  Deno.test(`Handshake refuses ${what}`, () => {
    const handshake = new Handshake(URL_OF_STREAM, false);
    const bytes = answer(
      handshake,
      (text) => what === "an answer without end" ? change(text.trimEnd()) : change(text),
    );
    const error = assertThrows(() => handshake.take(bytes), StreamError);
    assertEquals(error.code, code);
    assertMatch(error.message, pattern);
  });
}

Deno.test("Handshake takes a bare answer", () => {
  const handshake = new Handshake(URL_OF_STREAM, true);
  const bytes = answer(handshake, (text) => text.replace(/Sec-WebSocket-Protocol.*\r\n/, ""));
  assertEquals(handshake.take(bytes), bytes.length);
});
