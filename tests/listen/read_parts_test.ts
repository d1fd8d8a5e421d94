// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ReadParts } from "../../src/listen/read_parts.ts";

Deno.test("ReadParts frees what has memory for itself and is worth it", () => {
  const parts = new ReadParts();
  const large = new Uint8Array(65_536).fill(1);
  const small = new Uint8Array(100).fill(1);
  const shared = new Uint8Array(200_000).fill(1);
  parts.add(large);
  parts.add(small);
  parts.add(shared.subarray(0, 65_536));
  parts.free();
  assertEquals([large.length, small.length, shared.length], [0, 100, 200_000]);
});

Deno.test("ReadParts leaves what may belong to no message", () => {
  const parts = new ReadParts();
  const [left, freed] = [new Uint8Array(65_536), new Uint8Array(65_536)];
  parts.add(left);
  parts.leave();
  parts.add(freed);
  parts.free();
  assertEquals([left.length, freed.length], [65_536, 0]);
});
