/**
 * How long to wait before the next try to connect: the one policy of all clients.
 *
 * @module
 */

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 3000;
/** Longest delay in milliseconds where somebody looks on, and wants the picture back. */
export const ATTENDED_MAX_DELAY_MS = 2000;
/** A connection that lasted this long was a good one: the next delay is the first again. */
const GOOD_MS = 2000;

/**
 * The delay in milliseconds before try number `attempt` (from 0): doubles up to `maxDelayMs`, and
 * between half of it and the whole is chance (`random` in [0, 1)), so that the viewers of a lost
 * relay do not return as one.
 */
export function backoffMs(attempt: number, random: number, maxDelayMs = MAX_DELAY_MS): number {
  const delay = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
  return delay * (0.5 + random / 2);
}

/** When one client tries again, over connection after connection. */
export class Backoff {
  readonly #maxDelayMs: number;
  #attempt = 0;
  #openedMs = Infinity;

  /** With at most `maxDelayMs` between two tries. */
  constructor(maxDelayMs = MAX_DELAY_MS) {
    this.#maxDelayMs = maxDelayMs;
  }

  /** Tries again since the last good connection. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The connection stands. */
  opened(nowMs: number): void {
    this.#openedMs = nowMs;
  }

  /** The connection is lost, or did not come about: the delay in milliseconds before the next try. */
  lost(nowMs: number, random: number): number {
    if (nowMs - this.#openedMs >= GOOD_MS) this.#attempt = 0;
    this.#openedMs = Infinity;
    return backoffMs(this.#attempt++, random, this.#maxDelayMs);
  }

  /** Begins anew, for somebody who does not want to wait. */
  reset(): void {
    this.#attempt = 0;
  }
}
