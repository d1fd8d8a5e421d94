/**
 * Delays counted by their length, for as long as a stream is there.
 *
 * @module
 */

/** Upper ends of the buckets in milliseconds; one without an end follows. */
export const DELAY_BOUNDS_MS: readonly number[] = [
  ...[0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500],
  ...[1000, 2000, 3000, 5000, 10_000],
];

/** The bucket without an end, and the place of the sum behind the buckets. */
const LAST = DELAY_BOUNDS_MS.length;
const SUM = LAST + 1;

/** What divides every end of a bucket, in milliseconds. */
const STEP_MS = 0.5;
const LONGEST_MS = DELAY_BOUNDS_MS.at(-1)!;
/**
 * The bucket for each number of steps: a table, because a search would be several times as slow.
 */
const BUCKETS = Uint8Array.from(
  { length: LONGEST_MS / STEP_MS + 1 },
  (_, steps) => DELAY_BOUNDS_MS.findIndex((boundMs) => steps * STEP_MS <= boundMs),
);

/** A histogram as it is sent to another thread: its buckets, then the sum. */
export type DelayCounts = Float64Array<ArrayBuffer>;

/** Counts in buckets. No number in it ever becomes smaller. */
export class DelayHistogram {
  readonly #counts = new Float64Array(SUM + 1);

  /**
   * Counts one delay. A negative one counts as 0: it was short, and the two clocks do not quite
   * agree.
   */
  add(delayMs: number): void {
    const ms = delayMs > 0 ? delayMs : 0;
    const bucket = ms > LONGEST_MS ? LAST : BUCKETS[Math.ceil(ms / STEP_MS)]!;
    this.#counts[bucket]!++;
    this.#counts[SUM]! += ms;
  }

  /** Adds what another histogram has counted between two copies of it. */
  addGrowth(now: DelayCounts, before: DelayCounts | undefined): void {
    for (let index = 0; index <= SUM; index++) {
      this.#counts[index]! += now[index]! - (before?.[index] ?? 0);
    }
  }

  /** How many delays were as long as each of {@linkcode DELAY_BOUNDS_MS} or shorter; last: all. */
  get cumulative(): number[] {
    let total = 0;
    return Array.from(this.#counts.subarray(0, SUM), (count) => total += count);
  }

  /** The sum of all in milliseconds. */
  get sumMs(): number {
    return this.#counts[SUM]!;
  }

  /** A copy of what it has counted. */
  copy(): DelayCounts {
    return this.#counts.slice();
  }
}
