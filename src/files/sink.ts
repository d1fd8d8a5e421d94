/**
 * What takes a viewer's frames.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import type { FrameTime } from "../media/recording_times.ts";

/** A frame as it was received. */
export interface SinkFrame extends FrameTime {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly config: StreamConfig;
}

/** Takes frames one by one. */
export interface Sink {
  /**
   * Bytes that may stand between a write and who reads it; absent where what is written is at its
   * place.
   */
  readonly pipeBytes?: number;
  /** Whether a write waits for somebody who reads what was written before: it is a pipe or a device. */
  readonly needsReader?: boolean;
  /**
   * Writes a frame; false for one that is left out because nobody could decode it.
   *
   * @throws {StreamError} (`failed`) when it cannot be written
   */
  write(frame: SinkFrame): Promise<boolean>;
  /** Brings what has been written to its place. */
  finish(): Promise<void>;
  /** Where the frames are, for people. */
  describe(): string;
}
