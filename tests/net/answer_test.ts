/** What is read of a server's answer. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { MAX_ANSWER_BYTES, readText } from "../../src/net/answer.ts";

Deno.test("readText reads 4 MiB, and nothing of what is longer", async () => {
  const longest = "x".repeat(MAX_ANSWER_BYTES);
  assertEquals(await readText(new Response(longest)), longest);
  assertEquals(await readText(new Response(`${longest}x`)), undefined);
});

Deno.test("readText puts characters together that come in parts, and reads an answer of nothing", async () => {
  const bytes = new TextEncoder().encode("a€b");
  const parts = [...bytes].map((byte) => Uint8Array.of(byte));
  assertEquals(await readText(new Response(ReadableStream.from(parts))), "a€b");
  assertEquals(await readText(new Response(null)), "");
});
