/**
 * What all readers of media files have in common.
 *
 * @module
 */
import type { SplitFrame } from "../split/splitter.ts";

/** A frame of a file, which tells how long it is shown. */
export interface MediaFrame extends SplitFrame {
  /** Time to the next frame in microseconds, 0 where the file does not tell it. */
  readonly durationUs: number;
  /** Whether it is decoded but not shown: the film begins behind it. Absent: false. */
  readonly catchUp?: boolean;
}

/** Options of {@linkcode openMedia}. */
export interface MediaOptions {
  /** What the file is called in messages. */
  readonly name: string;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** Takes a sentence about what of the file is left out. */
  readonly onNote?: (sentence: string) => void;
}

/** Frames of a file one after another, in the order in which they are decoded. */
export interface MediaReader {
  /** Runs of bytes left out so far because no frame could be made of them. Absent: none ever are. */
  readonly damaged?: number;
  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {StreamError} (`bad_input`) when the file is damaged or cut off
   */
  next(): Promise<MediaFrame | undefined>;
  /** Ends the source and closes the file; a `next` that waits gives `undefined`. */
  stop(): void;
}
