/**
 * Thins a sequence of events to a rate.
 *
 * @module
 */

/**
 * Lets at most `perSecond` events a second pass, evenly: the generic cell rate algorithm (ITU-T
 * I.371 annex A), with a tolerance of half an interval so that jitter does not thin a sequence that
 * already has the rate.
 */
export class RateLimit {
  readonly #intervalMs: number;
  #dueMs = -Infinity;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /** Whether an event at `nowMs` passes; if so, it counts. */
  admit(nowMs: number): boolean {
    if (nowMs < this.#dueMs - this.#intervalMs / 2) return false;
    this.#dueMs = Math.max(nowMs, this.#dueMs) + this.#intervalMs;
    return true;
  }
}
