/**
 * A publisher's capture times on the relay's clock.
 *
 * @module
 */
import type { ClockOffset } from "./clock_offset.ts";

/** How fast a correction is made up for: a hundredth of the time that passes. */
const SLEW = 0.01;

/**
 * Stamps frames. Times never go back, and a correction of the clock never makes them jump: whoever
 * records a stream without presentation times takes them for its time line. Corrections are slewed
 * instead, as adjtime(3) does.
 */
export class CaptureClock {
  readonly #offset: ClockOffset;
  #offsetUs: number | undefined;
  #ownUs = -Infinity;
  #stampUs = 0;

  /** Follows `offset`, which is the relay's clock minus the own one. */
  constructor(offset: ClockOffset) {
    this.#offset = offset;
  }

  /** The relay's time of a frame captured at `ownUs` of the own clock, both in microseconds. */
  stamp(ownUs: number): number {
    const { offsetUs } = this.#offset;
    if (this.#offsetUs === undefined) {
      this.#offsetUs = offsetUs;
    } else {
      const slewUs = Math.max(0, ownUs - this.#ownUs) * SLEW;
      const errorUs = offsetUs - this.#offsetUs;
      this.#offsetUs += Math.min(Math.max(errorUs, -slewUs), slewUs);
    }
    this.#ownUs = Math.max(this.#ownUs, ownUs);
    this.#stampUs = Math.max(this.#stampUs, Math.round(ownUs + this.#offsetUs), 0);
    return this.#stampUs;
  }
}
