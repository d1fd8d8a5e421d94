/**
 * The checksum of chunks in PNG: CRC-32, PNG (third edition) annex D.
 *
 * @module
 */

const POLYNOMIAL = 0xedb88320;
/** Bytes that are taken at once, as four words: "slicing by 16". */
const SLICE_BYTES = 16;

/** What the values of a byte come to that so many bytes follow in its slice. */
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = tables();

/** The checksum of `bytes`. The words of this machine are little endian, as all that Deno runs on. */
export function crc32(bytes: Uint8Array): number {
  const unaligned = (4 - (bytes.byteOffset & 3)) & 3;
  if (bytes.length < unaligned + SLICE_BYTES) return ~bytewise(-1, bytes) >>> 0;
  let sum = bytewise(-1, bytes.subarray(0, unaligned));
  const slices = Math.floor((bytes.length - unaligned) / SLICE_BYTES);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + unaligned, slices * 4);
  for (let at = 0; at < words.length; at += 4) {
    const first = words[at]! ^ sum;
    const second = words[at + 1]!;
    const third = words[at + 2]!;
    const fourth = words[at + 3]!;
    sum = T15[first & 0xff]! ^ T14[(first >>> 8) & 0xff]! ^ T13[(first >>> 16) & 0xff]! ^
      T12[first >>> 24]! ^
      T11[second & 0xff]! ^ T10[(second >>> 8) & 0xff]! ^ T9[(second >>> 16) & 0xff]! ^
      T8[second >>> 24]! ^
      T7[third & 0xff]! ^ T6[(third >>> 8) & 0xff]! ^ T5[(third >>> 16) & 0xff]! ^
      T4[third >>> 24]! ^
      T3[fourth & 0xff]! ^ T2[(fourth >>> 8) & 0xff]! ^ T1[(fourth >>> 16) & 0xff]! ^
      T0[fourth >>> 24]!;
  }
  return ~bytewise(sum, bytes.subarray(unaligned + slices * SLICE_BYTES)) >>> 0;
}

function bytewise(sum: number, bytes: Uint8Array): number {
  for (const byte of bytes) sum = T0[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  return sum;
}

type Tables = [
  ...[Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array],
];

function tables(): Tables {
  const made = Array.from({ length: SLICE_BYTES }, () => new Int32Array(256));
  for (let value = 0; value < 256; value++) {
    let remainder = value;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder & 1) !== 0 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    }
    made[0]![value] = remainder;
  }
  for (const [index, table] of made.slice(1).entries()) {
    const before = made[index]!;
    for (let value = 0; value < 256; value++) {
      table[value] = made[0]![before[value]! & 0xff]! ^ (before[value]! >>> 8);
    }
  }
  return made as Tables;
}
