/**
 * Finds a queue that stays long: a delay that one burst has left behind.
 *
 * @module
 */

/** How long a queue may stay above its target before it is drained faster, in milliseconds. */
export const STANDING_AFTER_MS = 1000;

/**
 * Tells a queue that stands from one that only swings. A queue that swings does its work; one that
 * never gets short only adds delay. The measure is the shortest length within an interval, as in
 * CoDel (RFC 8289 section 3.2).
 */
export class StandingQueueDetector {
  #aboveSinceMs: number | undefined;
  #draining = false;

  /**
   * Takes the queue's length after a tick. Returns true while the tick should send one more frame.
   */
  observe(frames: number, targetFrames: number, nowMs: number): boolean {
    if (frames <= targetFrames) {
      this.#aboveSinceMs = undefined;
      this.#draining = false;
    } else {
      this.#aboveSinceMs ??= nowMs;
      this.#draining ||= nowMs - this.#aboveSinceMs >= STANDING_AFTER_MS;
    }
    return this.#draining;
  }
}
