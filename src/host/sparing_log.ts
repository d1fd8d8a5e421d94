/**
 * A log for what strangers can have happen as often as they like.
 *
 * @module
 */
import type { Log, LogFields } from "./log.ts";

/** Most lines a second that tell of what was meant to happen. */
const MAX_LINES = 10;

/** Writes no more than a few lines a second of what was meant to happen, and how many more there were. */
export class SparingLog implements Log {
  readonly #log: Log;
  readonly #what: string;
  #lines = 0;
  #untold = 0;

  /** `what` says, in the plural, what else happened. */
  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
  }

  info(message: string, fields?: LogFields): void {
    if (this.#lines >= MAX_LINES) {
      this.#untold++;
      return;
    }
    this.#lines++;
    this.#log.info(message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log.warn(message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log.error(message, fields);
  }

  progress(message: string, fields: LogFields): void {
    this.#log.progress(message, fields);
  }

  /** Once a second: tells how many there were of which no line tells. */
  report(): void {
    if (this.#untold > 0) {
      this.#log.info(`${this.#untold} more ${this.#what} within a second`, { count: this.#untold });
    }
    this.#lines = this.#untold = 0;
  }
}
