/**
 * The difference between two hosts' clocks, so that their instants can be compared.
 *
 * @module
 */
import type { TimeAnswer, TimeRequest } from "./control_message.ts";

/** How often the relay's clock is asked for, in milliseconds. */
const INTERVAL_MS = 5000;
/** How often it is asked for at first, when one long round trip would spoil the estimate. */
const FIRST_INTERVAL_MS = 250;
const FIRST_REQUESTS = 4;
/** How many round trips count: those of a minute. */
const ROUND_TRIPS = 12;
/** How much worse each older measurement counts, so that drifting clocks are followed. */
const AGING_US = 200;
/** What rounded times add to the error of a measurement. */
const ROUNDING_US = 2;

/**
 * Estimates `relay's clock − own clock` as NTP does (RFC 5905 section 8): from the request's round
 * trip, of which the shortest is the most exact. A clock that is set is followed at once.
 */
export class ClockOffset {
  #offsetUs = 0;
  #bestUs = Infinity;
  #requests = 0;
  /** The last round trips in microseconds, in a ring. */
  readonly #roundTripsUs: number[] = [];
  #answers = 0;

  /** The offset in microseconds; 0 before the first answer. */
  get offsetUs(): number {
    return this.#offsetUs;
  }

  /**
   * Microseconds by which {@linkcode offsetUs} may be wrong: half of the round trip that it is from.
   * `Infinity` before the first answer.
   */
  get errorUs(): number {
    return this.#bestUs / 2;
  }

  /** Whether the offset has been measured. */
  get isKnown(): boolean {
    return this.#bestUs !== Infinity;
  }

  /** Whether there is nothing to wait for: the offset is known, or nobody tells it. */
  get isSettled(): boolean {
    return this.isKnown || this.#requests > FIRST_REQUESTS;
  }

  /** The shortest of the last round trips in microseconds; `null` before the first answer. */
  get roundTripUs(): number | null {
    return this.#roundTripsUs.length === 0 ? null : Math.min(...this.#roundTripsUs);
  }

  /** Time from the last request to the next in milliseconds. */
  get intervalMs(): number {
    return this.#requests < FIRST_REQUESTS ? FIRST_INTERVAL_MS : INTERVAL_MS;
  }

  /** A request at `nowUs` of the own clock. */
  request(nowUs: number): TimeRequest {
    this.#requests++;
    return { type: "time", clientUs: Math.round(nowUs), roundTripUs: this.roundTripUs };
  }

  /** Takes an answer that arrived at `nowUs` of the own clock. */
  answer(answer: TimeAnswer, nowUs: number): void {
    const roundTripUs = nowUs - answer.clientUs;
    if (roundTripUs < 0) return;
    this.#roundTripsUs[this.#answers++ % ROUND_TRIPS] = roundTripUs;
    this.#bestUs += AGING_US;
    const offsetUs = Math.round(answer.serverUs - (answer.clientUs + roundTripUs / 2));
    // Two measurements that exclude each other: a clock was set, or this computer was asleep.
    const isMoved =
      Math.abs(offsetUs - this.#offsetUs) > (roundTripUs + this.#bestUs) / 2 + ROUNDING_US;
    if (roundTripUs > this.#bestUs && !isMoved) return;
    this.#bestUs = roundTripUs;
    this.#offsetUs = offsetUs;
  }
}
