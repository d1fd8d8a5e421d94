/**
 * A clock that notices when nobody looked at it for a while.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";

/** How often it must be looked at, in milliseconds. */
export const PULSE_MS = 100;
/** The program has stood still if the clock was not read for longer than this, in milliseconds. */
const STANDSTILL_MS = 250;

/**
 * Notices when the program has stood still, because it or the machine was stopped. Frames under way
 * then seem late, although nobody was there to take their acknowledgement. The callback is called
 * before `nowMs` returns, whoever asks first. Watching starts with the first {@linkcode
 * pulse}.
 */
export class WatchfulClock implements Clock {
  readonly #clock: Clock;
  readonly #onStandstill: (ms: number) => void;
  #seenMs = Infinity;

  /** Watches `clock`. */
  constructor(clock: Clock, onStandstill: (ms: number) => void) {
    this.#clock = clock;
    this.#onStandstill = onStandstill;
  }

  nowMs(): number {
    const nowMs = this.#clock.nowMs();
    const goneMs = nowMs - this.#seenMs;
    if (goneMs > STANDSTILL_MS) {
      this.#seenMs = nowMs;
      this.#onStandstill(goneMs);
    }
    return nowMs;
  }

  wallUs(): number {
    return this.#clock.wallUs();
  }

  /** The program runs; to be called every {@linkcode PULSE_MS}. */
  pulse(): void {
    this.#seenMs = this.nowMs();
  }
}
