/**
 * What all splitters have in common: chunks of an input in, whole frames out.
 *
 * @module
 */
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import type { InputFault } from "../errors.ts";

/** One whole frame of an input. */
export interface SplitFrame {
  /** The frame's bytes, with `HEADROOM_BYTES` free bytes before them; the caller owns them. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly kind: FrameKind;
  /**
   * True for a delta frame that is shown before the key frame it follows and may refer to frames
   * before that one, so that whoever begins at that key frame cannot decode it. Absent: false.
   */
  readonly leading?: boolean;
  /**
   * Whether it is known of the stream that pictures are not shown in the order of their frames.
   * Absent: false.
   */
  readonly isReordered?: boolean;
  /** Whether it is decoded but not shown: the film begins behind it. Absent: false. */
  readonly catchUp?: boolean;
  /** Whether the frame carries its decoder's configuration within it. Absent: false. */
  readonly configuration?: boolean;
  /** Presentation time in microseconds from the start of the input, `null` where none is carried. */
  readonly ptsUs: number | null;
  /** The configuration that the frame needs; the same object as long as nothing changes. */
  readonly config: StreamConfig;
}

/**
 * Finds the frames in a run of bytes.
 *
 * Read boundaries mean nothing: the frames are the same however the input is cut. A lack of bytes
 * is a value (`undefined`); only bytes that can never become a frame throw, and by then every whole
 * frame before them has been returned.
 */
export interface Splitter {
  /** Appends bytes of the input; they are copied. */
  push(chunk: Uint8Array): void;
  /** Says that no more bytes come: a frame that is then incomplete is an error. */
  end(): void;
  /**
   * The next whole frame, or `undefined` when there is none yet (or no more).
   *
   * @throws {InputError} when the bytes are not of the format, a frame exceeds the limit, or the
   * input ended within a frame.
   */
  next(): SplitFrame | undefined;
  /**
   * Says that the input has fallen idle: `next` may give a frame that only the beginning of another
   * would show to be whole. Absent where a frame's last byte shows its end.
   */
  idle?(): void;
  /**
   * Runs of bytes left out so far because no frame could be made of them. Absent where such bytes
   * are always an error.
   */
  readonly damaged?: number;
  /** Why the last of these runs was left out. Absent where nothing has been left out as broken. */
  readonly fault?: InputFault | undefined;
}

/** Options that every splitter takes. */
export interface SplitterOptions {
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /**
   * Whether bytes of which no frame can be made are left out and counted, rather than an error. Raw
   * and length-prefixed frames cannot be found again, so that there they always are one.
   * @default {false}
   */
  readonly resyncs?: boolean;
}
