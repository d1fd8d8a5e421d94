/**
 * The difference between two hosts' clocks, so that their instants can be compared.
 *
 * @module
 */
import type { TimeAnswer, TimeRequest } from "./control_message.ts";

/** How often the relay's clock is asked for, in milliseconds. */
export const CLOCK_INTERVAL_MS = 5000;
/** How much worse each older measurement counts, so that drifting clocks are followed. */
const AGING_US = 200;

/**
 * Estimates `relay's clock − own clock` as NTP does (RFC 5905 section 8): from the request's round
 * trip, of which the shortest is the most exact.
 */
export class ClockOffset {
  #offsetUs = 0;
  #bestUs = Infinity;

  /** The offset in microseconds; 0 before the first answer. */
  get offsetUs(): number {
    return this.#offsetUs;
  }

  /** Whether the offset has been measured. */
  get isKnown(): boolean {
    return this.#bestUs !== Infinity;
  }

  /** A request at `nowUs` of the own clock. */
  request(nowUs: number): TimeRequest {
    return { type: "time", clientUs: Math.round(nowUs) };
  }

  /** Takes an answer that arrived at `nowUs` of the own clock. */
  answer(answer: TimeAnswer, nowUs: number): void {
    const roundTripUs = nowUs - answer.clientUs;
    if (roundTripUs < 0) return;
    this.#bestUs += AGING_US;
    if (roundTripUs > this.#bestUs) return;
    this.#bestUs = roundTripUs;
    this.#offsetUs = Math.round(answer.serverUs - (answer.clientUs + roundTripUs / 2));
  }
}
