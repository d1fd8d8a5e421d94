/**
 * Room in front of a frame's bytes, so that whoever sends them puts a header there and copies nothing.
 *
 * @module
 */

/** Bytes that are free in front of a frame: those of the header of a frame message. */
export const HEADROOM_BYTES = 32;

/** So many bytes, all 0, behind headroom in the same `ArrayBuffer`. */
export function emptyWithHeadroom(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(HEADROOM_BYTES + count).subarray(HEADROOM_BYTES);
}

/** A copy of the parts, one behind the other, behind headroom in the same `ArrayBuffer`. */
export function withHeadroom(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = emptyWithHeadroom(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
