/**
 * When each frame was due, written and read, on one clock, and what follows from that.
 *
 * @module
 */
import { quantile } from "../relay.ts";

/** One frame's way. Instants are milliseconds of one clock. */
export interface Passage {
  readonly number: number;
  /** When the source had it. */
  readonly dueMs: number;
  /** When the source began to write it: later than it was due where the pipe was full. */
  readonly writtenMs: number;
  /** When its last byte was read at the other end; `undefined` where it never was. */
  readMs?: number;
}

/** A frame that was read. */
export type Arrived = Required<Passage>;

/** What a delay is counted from. */
export type Since = "dueMs" | "writtenMs";

/** Collects the ways of a run's frames. */
export class Ledger {
  readonly #passages = new Map<number, Passage>();
  #last = -1;
  #isInOrder = true;

  /** A frame is about to be written. */
  write(number: number, dueMs: number, writtenMs: number): void {
    this.#passages.set(number, { number, dueMs, writtenMs });
  }

  /** A frame has been read. */
  read(number: number, readMs: number): void {
    const passage = this.#passages.get(number);
    if (number <= this.#last || passage === undefined) this.#isInOrder = false;
    this.#last = number;
    if (passage !== undefined) passage.readMs ??= readMs;
  }

  /** Whether every frame came once, behind those written before it. */
  get isInOrder(): boolean {
    return this.#isInOrder;
  }

  /** Frames written. */
  get written(): number {
    return this.#passages.size;
  }

  /**
   * Frames that came, each with the instants at which the one behind it was due and written: only the
   * beginning of that one shows where an access unit ends.
   */
  arrivedBehindNext(): Arrived[] {
    return this.arrived().flatMap((passage) => {
      const next = this.#passages.get(passage.number + 1);
      return next === undefined ? [] : [{ ...next, ...pick(passage) }];
    });
  }

  /** Frames that came, in the order in which they were written. */
  arrived(): Arrived[] {
    return [...this.#passages.values()].filter((passage): passage is Arrived =>
      passage.readMs !== undefined
    );
  }

  /** Frames that did not come. */
  get lost(): number {
    return this.written - this.arrived().length;
  }
}

function pick({ number, readMs }: Arrived): { number: number; readMs: number } {
  return { number, readMs };
}

/** Delays in milliseconds. */
export function delaysOf(arrived: readonly Arrived[], since: Since = "writtenMs"): number[] {
  return arrived.map((passage) => passage.readMs - passage[since]);
}

/** Time from one arrival to the next in milliseconds. */
export function distancesOf(arrived: readonly Arrived[]): number[] {
  return arrived.slice(1).map(({ readMs }, index) => readMs - arrived[index]!.readMs);
}

/** The standard deviation. */
export function deviationOf(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const square = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
  return Math.sqrt(square);
}

/** What {@linkcode recoveryMs} looks for. */
export interface RecoveryOptions {
  /** The instant from which it counts. */
  readonly fromMs: number;
  /** The delay below which a stream is live. */
  readonly limitMs: number;
  readonly since: Since;
  /** How long all delays must stay below. @default {1000} */
  readonly holdMs?: number;
}

/**
 * Time from an instant to the first frame, of those read since, from which on all delays are below
 * the limit for a while; `undefined` where that never comes.
 */
export function recoveryMs(
  arrived: readonly Arrived[],
  options: RecoveryOptions,
): number | undefined {
  const { fromMs, limitMs, since, holdMs = 1000 } = options;
  let beginMs: number | undefined;
  for (const passage of arrived) {
    if (passage.readMs < fromMs) continue;
    if (passage.readMs - passage[since] >= limitMs) beginMs = undefined;
    else beginMs ??= passage.readMs;
    if (beginMs !== undefined && passage.readMs - beginMs >= holdMs) return beginMs - fromMs;
  }
  return undefined;
}

/** Median, p99 and the highest for people, in milliseconds. */
export function spread(delaysMs: readonly number[]): string {
  const highest = Math.max(...delaysMs);
  return `median ${quantile(delaysMs, 0.5).toFixed(1)}, p99 ${
    quantile(delaysMs, 0.99).toFixed(1)
  }, highest ${highest.toFixed(1)} ms`;
}
