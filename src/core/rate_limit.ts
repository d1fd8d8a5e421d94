/**
 * Thins a sequence of events to a rate.
 *
 * @module
 */

/**
 * Lets at most `perSecond` events a second pass, evenly: the generic cell rate algorithm (ITU-T
 * I.371 annex A), by default with a tolerance of half an interval so that jitter does not thin a
 * sequence that already has the rate.
 */
export class RateLimit {
  readonly #intervalMs: number;
  #dueMs = -Infinity;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /**
   * Whether an event at `nowMs` passes; if so, it counts. It may be early by `toleranceMs`: by
   * default as much as jitter explains.
   */
  admit(nowMs: number, toleranceMs = this.#intervalMs / 2): boolean {
    if (nowMs < this.#dueMs - toleranceMs) return false;
    this.#dueMs = Math.max(nowMs, this.#dueMs) + this.#intervalMs;
    return true;
  }
}
