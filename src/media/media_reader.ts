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

/** Why something of a file was left out. */
export interface MediaFault {
  /** Number of the frame that is there or would be, from 1. */
  readonly frame: number;
  /** What is wrong, as a clause. */
  readonly why: string;
  /** What to do about it, as an imperative clause. Absent where there is nothing. */
  readonly advice?: string;
  /** True where nothing is known to be wrong but that the file ends too early. Absent: false. */
  readonly isCutOff?: boolean;
}

/** That a file ends before it says it does. */
export function cutOffFault(frame: number): MediaFault {
  const why = "the file was cut off before its end";
  return { frame, why, advice: "copy it again", isCutOff: true };
}

/** That other bytes stand where a part of the file should. */
export function strayFault(frame: number, at: number): MediaFault {
  return { frame, why: `the data at byte ${at} is not part of the film` };
}

/** Frames of a file one after another, in the order in which they are decoded. */
export interface MediaReader {
  /** Parts left out so far, in front of the last frame given, of which no frame could be made. */
  readonly damaged: number;
  /** Why the last of them was, `undefined` where none were; another object for each. */
  readonly fault: MediaFault | undefined;
  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {StreamError} (`bad_input`) when no more of the file can be read
   */
  next(): Promise<MediaFrame | undefined>;
  /** Ends the source and closes the file; a `next` that waits gives `undefined`. */
  stop(): void;
}
