/**
 * WebSocket frames as a server sends them, to read.
 *
 * @module
 */

/** Options of {@linkcode serverFrame}. */
export interface FrameOptions {
  /** @default {true} */
  readonly isFinal?: boolean;
  /** Added to the first byte: reserved bits. */
  readonly reserved?: number;
  /** Added to the length's byte: 128 says that there is a mask. */
  readonly mask?: number;
}

/** One frame with the shortest form of its length (RFC 6455 section 5.2). */
export function serverFrame(
  opcode: number,
  payload: Uint8Array,
  { isFinal = true, reserved = 0, mask = 0 }: FrameOptions = {},
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const first = (isFinal ? 128 : 0) | reserved | opcode;
  const size = length < 126
    ? [length]
    : length < 65_536
    ? [126, length >> 8, length & 255]
    : [127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  size[0]! |= mask;
  const frame = new Uint8Array(1 + size.length + length);
  frame.set([first, ...size]);
  frame.set(payload, 1 + size.length);
  return frame;
}

/** So many bytes, each of which tells its place. */
export function payloadOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}
