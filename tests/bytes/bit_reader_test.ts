// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BitReader } from "../../src/bytes/bit_reader.ts";

function bytesOfBits(bits: string): Uint8Array {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (octet) => parseInt(octet, 2));
}

function golomb(value: number): string {
  const binary = (value + 1).toString(2);
  return "0".repeat(binary.length - 1) + binary;
}

Deno.test("BitReader reads fields of any width in order", () => {
  const field = fc.integer({ min: 1, max: 32 }).chain((width) =>
    fc.record({ width: fc.constant(width), value: fc.integer({ min: 0, max: 2 ** width - 1 }) })
  );
  fc.assert(fc.property(fc.array(field, { minLength: 1, maxLength: 20 }), (fields) => {
    const bits = fields.map(({ width, value }) => value.toString(2).padStart(width, "0")).join("");
    const reader = new BitReader(bytesOfBits(bits));
    assertEquals(fields.map(({ width }) => reader.read(width)), fields.map(({ value }) => value));
    assertEquals([reader.position, reader.isOverrun], [bits.length, false]);
  }));
});

Deno.test("BitReader reads Exp-Golomb numbers up to the largest", () => {
  const values = [0, 1, 2, 3, 254, 255, 65_535, 2 ** 32 - 2];
  const reader = new BitReader(bytesOfBits(values.map(golomb).join("")));
  assertEquals(values.map(() => reader.unsignedGolomb()), values);
  const signed = new BitReader(bytesOfBits([0, 1, 2, 3, 4].map(golomb).join("")));
  assertEquals([0, 1, 2, 3, 4].map(() => signed.signedGolomb()), [0, 1, -1, 2, -2]);
});

Deno.test("BitReader gives zeros beyond the end, and says so", () => {
  const reader = new BitReader(Uint8Array.of(0b1010_0000));
  reader.skip(2);
  assertEquals([reader.flag(), reader.read(5)], [true, 0]);
  assert(!reader.isOverrun);
  assertEquals([reader.read(8), reader.isOverrun], [0, true]);
  assert(Number.isFinite(new BitReader(new Uint8Array(0)).unsignedGolomb()));
});
