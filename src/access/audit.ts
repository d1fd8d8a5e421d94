/**
 * Who was refused what, in lines that a person can read.
 *
 * @module
 */
import type { Log } from "../host/log.ts";
import type { AccessQuestion, Ruling } from "./access.ts";

/** Most lines a second. */
const MAX_LINES = 10;

/** Writes a line for each refusal, and a count where there are too many within a second. */
export class Audit {
  readonly #log: Log;
  #lines = 0;
  #untold = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Somebody was refused, or is told to go (`wasIn`). */
  refused(question: AccessQuestion, ruling: Ruling, wasIn: boolean): void {
    if (this.#lines >= MAX_LINES) {
      this.#untold++;
      return;
    }
    this.#lines++;
    const { action, stream, address } = question;
    const { why, keyId, tokenId } = ruling;
    const where = stream === undefined ? "" : ` "${stream}"`;
    const what = wasIn ? "ended" : "refused";
    this.#log.warn(`${what} ${action}${where} of ${address || "somebody"}: ${why}`, {
      reason: "access",
      action,
      stream: stream ?? null,
      address,
      ...(keyId === undefined ? {} : { kid: keyId }),
      ...(tokenId === undefined ? {} : { jti: tokenId }),
    });
  }

  /** Once a second: tells how many were refused of whom no line tells. */
  report(): void {
    if (this.#untold > 0) {
      const count = this.#untold;
      this.#log.warn(`refused ${count} more within a second`, { reason: "access", count });
    }
    this.#lines = 0;
    this.#untold = 0;
  }
}
