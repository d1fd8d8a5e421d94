/**
 * A clock that notices when nobody looked at it for a while.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";

/** How often it must be looked at, in milliseconds. */
export const PULSE_MS = 100;
/** A longer time without a look is one in which the program stood still, in milliseconds. */
const STANDSTILL_MS = 250;

/**
 * Tells of times in which the program stood still: it was stopped, or the machine was. What was under
 * way meanwhile seems late, though nobody was there to take its acknowledgement. It is told before
 * the instant is, whoever asks first. It only watches once {@linkcode pulse} has been called.
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
