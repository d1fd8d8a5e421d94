/**
 * Bytes by which an input is known.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";

/** Bytes that an input has at an offset. */
export interface Pattern {
  /** Offset in bytes from the start of the input. */
  readonly at: number;
  /** What stands there. */
  readonly bytes: Uint8Array;
}

/** These bytes, or this text, at an offset. */
export function pattern(bytes: string | readonly number[], at = 0): Pattern {
  return { at, bytes: typeof bytes === "string" ? bytesOf(bytes) : Uint8Array.from(bytes) };
}
