/**
 * Numbers and parts as files hold them, big endian.
 *
 * @module
 */
import { joined } from "../bytes/joined.ts";

/** The numbers as one byte each. */
export function uint8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** The number in two bytes. */
export function uint16(value: number): Uint8Array {
  return uint8(value >> 8, value);
}

/** The number in four bytes; a negative one as its two's complement. */
export function uint32(value: number): Uint8Array {
  return uint8(value >> 24, value >> 16, value >> 8, value);
}

/** The number, an integer from 0 to 2⁵³ − 1, in eight bytes. */
export function uint64(value: number): Uint8Array {
  return joined([uint32(Math.floor(value / 2 ** 32)), uint32(value % 2 ** 32)]);
}

/** The number as IEEE 754 has it in eight bytes. */
export function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

/** Bytes of all parts together. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((size, { length }) => size + length, 0);
}
