/**
 * Thins a sequence of events to a rate.
 *
 * @module
 */

/**
 * Lets at most `perSecond` events a second pass, evenly spaced: the generic cell rate algorithm
 * (ITU-T I.371 annex A). By default the tolerance is half an interval, so that jitter does not thin
 * out a sequence that already has the rate. It is never more than the time since the last event, so
 * that of a faster sequence the event nearest to its due time passes.
 */
export class RateLimit {
  readonly #intervalMs: number;
  #dueMs = -Infinity;
  #lastMs = -Infinity;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /**
   * Whether an event at `nowMs` passes; if so, it counts. It may be early by `toleranceMs`: by
   * default as much as jitter explains.
   */
  admit(nowMs: number, toleranceMs = this.#toleranceMs(nowMs)): boolean {
    this.#lastMs = nowMs;
    if (nowMs < this.#dueMs - toleranceMs) return false;
    this.#dueMs = Math.max(nowMs, this.#dueMs) + this.#intervalMs;
    return true;
  }

  /** Lets an event at `nowMs` pass in any case; the next one is due an interval after it. */
  pass(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#dueMs = nowMs + this.#intervalMs;
  }

  #toleranceMs(nowMs: number): number {
    return Math.min(this.#intervalMs / 2, nowMs - this.#lastMs);
  }
}
