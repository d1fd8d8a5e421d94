/**
 * The times of an input in which one film may follow another.
 *
 * @module
 */

import { DamageError } from "./damage.ts";

/** Step between two frames where nothing tells it, in microseconds. */
const DEFAULT_STEP_US = 40_000;
/** Longest step that is believed to be that from one frame to the next. */
const MAX_STEP_US = 1_000_000;
/** Longest step ahead by which a film may go on that is described anew. */
const MAX_GAP_US = 10_000_000;

/** Lets the times of a film that begins anew go on behind those of the one before. */
export class JoinedTimes {
  #shiftUs = 0;
  #isNew = false;
  #lastUs: number | undefined;
  /** The latest time so far, and the last step to such a one. */
  #latestUs = 0;
  #stepUs = DEFAULT_STEP_US;

  /** Another film begins with the next frame. */
  restart(): void {
    this.#isNew = this.#lastUs !== undefined;
  }

  /**
   * The time of the next frame, which its film says is `timeUs`.
   *
   * @throws {DamageError} when no time is so large
   */
  next(timeUs: number): number {
    const aheadUs = timeUs + this.#shiftUs - this.#latestUs;
    const goesOn = aheadUs > 0 && aheadUs <= MAX_GAP_US;
    if (this.#isNew && !goesOn) this.#shiftUs = this.#latestUs + this.#stepUs - timeUs;
    this.#isNew = false;
    const ptsUs = timeUs + this.#shiftUs;
    if (!Number.isSafeInteger(ptsUs)) throw new DamageError("its time is too large");
    const step = ptsUs - (this.#lastUs ?? ptsUs);
    if (step > 0 && step <= MAX_STEP_US) this.#stepUs = step;
    this.#latestUs = this.#lastUs === undefined ? ptsUs : Math.max(this.#latestUs, ptsUs);
    this.#lastUs = ptsUs;
    return ptsUs;
  }
}
