/**
 * Files of frames: what is common to all that are written here.
 *
 * A recording has no end in sight, may be killed at any moment, and must give back the times that
 * went in. The library that reads files keeps every sample of one that it writes in memory, holds a
 * GOP back until the next begins, and shifts the times of a fragmented MP4 with B frames; so the few
 * boxes and elements that one video track needs are written here.
 *
 * @module
 */
import type { FrameKind } from "../core/frame.ts";

/** A frame as a file holds it. */
export interface TimedFrame {
  readonly data: Uint8Array;
  readonly kind: FrameKind;
  /** Presentation time in microseconds from the start of the file, not negative. */
  readonly timeUs: number;
}

/** Bytes that take the place of those at an offset. */
export interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What is to be done to a file. */
export interface Output {
  /** What goes behind all that is there. */
  readonly append: readonly Uint8Array[];
  /** What changes in front of that; a reader that sees none of it can read the file all the same. */
  readonly patches: readonly Patch[];
}

/**
 * Makes the bytes of one file.
 *
 * The frames come in the order in which they are decoded, a key frame first. A file that ends after
 * any of the outputs, or within one, can be read up to there.
 */
export interface MediaWriter {
  write(frame: TimedFrame): Output;
  /** The end of the file. */
  finish(): Output;
}

/** No bytes. */
export const NOTHING: Output = { append: [], patches: [] };
