/**
 * Headers of VP8 frames: RFC 6386.
 *
 * @module
 */
import { hasBytesAt } from "../bytes/text.ts";
import type { KeyFrame } from "./key_frame.ts";

const FRAME_TAG_BYTES = 3;
const START_CODE = Uint8Array.of(0x9d, 0x01, 0x2a);
const KEY_FRAME_HEADER_BYTES = FRAME_TAG_BYTES + START_CODE.length + 4;
/** The versions above are reserved: RFC 6386 9.1. */
const MAX_VERSION = 3;
/** The two bits above are how a player may scale the picture. */
const SIDE_MASK = 0x3fff;

/**
 * What the header of a key frame tells, RFC 6386 9.1; `undefined` for any other frame, and for one
 * whose header no decoder takes.
 */
export function readVp8KeyFrame(frame: Uint8Array): KeyFrame | undefined {
  if (frame.length < KEY_FRAME_HEADER_BYTES) return undefined;
  const isInterFrame = (frame[0]! & 1) === 1;
  const version = (frame[0]! >> 1) & 7;
  if (isInterFrame || version > MAX_VERSION) return undefined;
  if (!hasBytesAt(frame, FRAME_TAG_BYTES, START_CODE)) return undefined;
  const width = uint16(frame, 6) & SIDE_MASK;
  const height = uint16(frame, 8) & SIDE_MASK;
  return width > 0 && height > 0 ? { codec: "vp8", width, height } : undefined;
}

/** Little endian. */
function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}
