// @ts-check
/// <reference lib="dom" />
/**
 * The relay's clock, seen from here.
 *
 * @module
 */

/** How much worse an older measurement counts at each new one, in microseconds. */
const AGING_US = 200;

/**
 * This computer's time in microseconds since the Unix epoch, as fine as the browser tells.
 *
 * @returns {number}
 */
export function wallUs() {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/**
 * Estimates how far the relay's clock is ahead, from requests and answers: half of the shortest round
 * trip is the largest error.
 */
export class RelayClock {
  #offsetUs = 0;
  #errorUs = Infinity;

  /**
   * Microseconds that the relay's clock is ahead of this one; 0 before the first answer.
   *
   * @returns {number}
   */
  get offsetUs() {
    return this.#offsetUs;
  }

  /**
   * Microseconds by which `offsetUs` may be wrong: half of a round trip.
   *
   * @returns {number}
   */
  get errorUs() {
    return this.#errorUs;
  }

  /**
   * Whether the relay has answered.
   *
   * @returns {boolean}
   */
  get isKnown() {
    return this.#errorUs !== Infinity;
  }

  /**
   * Takes an answer that came at `nowUs`.
   *
   * @param {{ clientUs: number, serverUs: number }} answer
   * @param {number} nowUs
   */
  answer({ clientUs, serverUs }, nowUs) {
    if (nowUs < clientUs) return;
    const errorUs = (nowUs - clientUs) / 2;
    const offsetUs = serverUs - (clientUs + nowUs) / 2;
    this.#errorUs += AGING_US;
    // Two measurements that exclude each other: a clock was set, or this computer was asleep.
    const isMoved = Math.abs(offsetUs - this.#offsetUs) > errorUs + this.#errorUs;
    if (errorUs > this.#errorUs && !isMoved) return;
    this.#errorUs = errorUs;
    this.#offsetUs = offsetUs;
  }
}
