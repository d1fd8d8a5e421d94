/**
 * A stream as a file that is read while it is written.
 *
 * @module
 */
import type { TimedFrame } from "./media_writer.ts";

/** A frame as such a file holds it. */
export type LiveFrame = TimedFrame;

/**
 * Makes the bytes of a file that has no end.
 *
 * The frames come in the order in which they are decoded, a key frame first. What is left out between
 * two of them leaves a gap in the times and nothing else.
 */
export interface LiveWriter {
  /** The bytes of a frame, with all that must stand before it; none is held back for the next one. */
  write(frame: LiveFrame): readonly Uint8Array[];
  /**
   * A few bytes that stand for nothing, to be sent behind a frame while no other comes, so that nobody on
   * the way takes the connection for a dead one. Absent: such a file has none that every player passes over.
   */
  idle?(): readonly Uint8Array[];
}
