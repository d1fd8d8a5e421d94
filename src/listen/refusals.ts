/**
 * What a relay has refused, by reason: counted at once, told once a second.
 *
 * @module
 */
import type { Log } from "../host/log.ts";

/** Why somebody was refused, or let go. */
export const REFUSALS = [
  /** A page of another site (`--allow-origin`). */
  "origin",
  /** Credentials. */
  "access",
  /** `--stall-timeout`, or memory that is short. */
  "stalled",
  /** A name that is not ours (`--host-name`). */
  "host",
  /** A handshake that is none. */
  "handshake",
  /** `--max-connections`. */
  "connections",
  /** `--max-per-address`. */
  "address",
  /** `--max-handshakes`. */
  "handshakes",
  /** `--header-timeout` or `--body-timeout`. */
  "slow",
  /** `--close-timeout`. */
  "unanswered",
  /** `--max-viewers`, `--max-streams` or `--max-awaited`. */
  "full",
  /** `--max-messages`. */
  "messages",
  /** `--max-unread`. */
  "unread",
  /** A message that is larger than `--max-frame`. */
  "large",
  /** Memory for what is unfinished (`--max-memory`). */
  "memory",
  /** A body that was posted to be published, and has no frames. */
  "input",
] as const;

/** Why somebody was refused, or let go. */
export type Refusal = typeof REFUSALS[number];

/** Room for the counts of so many threads, which they share. */
export function sharedRefusals(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(REFUSALS.length * threads * Float64Array.BYTES_PER_ELEMENT);
}

/** Counts of all threads; each writes its own and reads all. */
export class Refusals {
  readonly #log: Log;
  readonly #counts: Float64Array;
  /** Where this thread's counts begin. */
  readonly #start: number;
  /** What has not been told yet: how often, and the newest sentence. */
  readonly #untold = new Map<Refusal, { count: number; sentence: string }>();

  /** `counts` as the thread with the place `own` sees it; alone it needs no other. */
  constructor(
    log: Log,
    counts: ArrayBufferLike = new ArrayBuffer(REFUSALS.length * Float64Array.BYTES_PER_ELEMENT),
    own = 0,
  ) {
    this.#log = log;
    this.#counts = new Float64Array(counts);
    this.#start = own * REFUSALS.length;
  }

  /** Counts somebody who is refused, of whom is told elsewhere. */
  count(reason: Refusal): void {
    this.#counts[this.#start + REFUSALS.indexOf(reason)]! += 1;
  }

  /** Counts somebody who is refused; `sentence` says what was seen and, where it helps, by whom. */
  add(reason: Refusal, sentence: string): void {
    this.count(reason);
    const untold = this.#untold.get(reason);
    if (untold === undefined) this.#untold.set(reason, { count: 1, sentence });
    else {
      untold.count++;
      untold.sentence = sentence;
    }
  }

  /** How often that happened, at all threads together. */
  total(reason: Refusal): number {
    let total = 0;
    const index = REFUSALS.indexOf(reason);
    for (let at = index; at < this.#counts.length; at += REFUSALS.length) {
      total += this.#counts[at]!;
    }
    return total;
  }

  /** Once a second: tells what has happened since, in one line for each reason. */
  report(): void {
    for (const [reason, { count, sentence }] of this.#untold) {
      const often = count === 1 ? "" : ` (${count} times within a second, this one last)`;
      this.#log.warn(`${sentence}${often}`, { reason, count });
    }
    this.#untold.clear();
  }
}
