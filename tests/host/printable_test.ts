// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { printable, printableJson } from "../../src/host/printable.ts";

Deno.test("printable writes out what steers a terminal, and leaves letters of any script", () => {
  assertEquals(printable("Tür 3 – 門 🎥"), "Tür 3 – 門 🎥");
  assertEquals(
    printable("\x1b[2J\x00\x85\u2066\u{e0041}"),
    "\\x1b[2J\\x00\\x85\\u2066\\udb40\\udc41",
  );
});

Deno.test("printableJson is the same JSON, and steers nothing", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
    const json = JSON.stringify({ value, text, [text]: 1 }, undefined, 2);
    const shown = printableJson(json);
    assertEquals(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(shown.replaceAll("\n", "")), false);
    assertEquals(JSON.parse(shown), JSON.parse(json));
  }));
});
