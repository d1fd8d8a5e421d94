// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { crc32 as reference } from "node:zlib";
import { crc32 } from "../../src/bytes/crc32.ts";
import { bytesOf } from "../../src/bytes/text.ts";

Deno.test("crc32 gives the checksum that zlib does, of any bytes anywhere in memory", () => {
  assertEquals(crc32(bytesOf("123456789")), 0xcbf43926);
  assertEquals(crc32(bytesOf("IEND")), 0xae426082);
  const bytes = Uint8Array.from({ length: 200 }, (_, index) => (index * index * 97 + index) >> 3);
  for (let start = 0; start < 20; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const part = bytes.subarray(start, end);
      assertEquals(crc32(part), reference(part), `of bytes ${start} to ${end}`);
    }
  }
});
