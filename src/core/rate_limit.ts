/**
 * Thins a sequence of events to a rate.
 *
 * @module
 */

/**
 * Lets at most `perSecond` events a second pass, evenly: the generic cell rate algorithm (ITU-T
 * I.371 annex A), by default with a tolerance of half an interval so that jitter does not thin a
 * sequence that already has the rate, but of no more than the time since the event before, so that of
 * a faster sequence the event passes that is nearest to its time.
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

  /** An event at `nowMs` passes in any case: the next one is due an interval behind it. */
  pass(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#dueMs = nowMs + this.#intervalMs;
  }

  #toleranceMs(nowMs: number): number {
    return Math.min(this.#intervalMs / 2, nowMs - this.#lastMs);
  }
}
