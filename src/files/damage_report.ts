/**
 * Says what was left out of an input.
 *
 * @module
 */
import type { InputFault } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log, LogFields } from "../host/log.ts";

/** Least time between two warnings in milliseconds. */
const INTERVAL_MS = 1000;

/** Options of a {@linkcode DamageReport}. */
export interface DamageReportOptions {
  readonly log: Log;
  readonly clock: Clock;
}

/** Warns of bytes that were left out, once a second at most. */
export class DamageReport {
  readonly #options: DamageReportOptions;
  #damaged = 0;
  #toldMs = -Infinity;

  constructor(options: DamageReportOptions) {
    this.#options = options;
  }

  /** Takes note of so many runs of bytes, of which the last had this fault. */
  add(fault: InputFault, runs: number): void {
    const { offset, expected, found, advice } = fault;
    const what = fault.isTooLarge === true ? "a frame" : "data that is not a whole frame";
    this.#tell(
      `left out ${what} at byte ${offset}: expected ${expected}, found ${found}` +
        (fault.isTooLarge === true && advice !== undefined ? `; ${advice}` : ""),
      runs,
      { offset, expected, found },
    );
  }

  /** Takes note of so many parts of a film, of which the sentence describes the last. */
  addToFilm(sentence: string, runs: number): void {
    this.#tell(sentence, runs);
  }

  #tell(sentence: string, runs: number, fields: LogFields = {}): void {
    const { log, clock } = this.#options;
    this.#damaged += runs;
    const nowMs = clock.nowMs();
    if (nowMs - this.#toldMs < INTERVAL_MS) return;
    this.#toldMs = nowMs;
    const damaged = this.#damaged;
    log.warn(`${sentence}; ${damaged} damaged so far`, { ...fields, damaged });
  }
}
