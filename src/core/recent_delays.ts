/**
 * How long the last frames were on their way.
 *
 * @module
 */

/** Time that the frames told of span at most, in milliseconds. */
const WINDOW_MS = 3000;
/** Most frames told of: the newest. */
const MAX_FRAMES = 512;

/** The middle and the longest of some delays. */
export interface DelayRange {
  readonly medianMs: number;
  readonly maxMs: number;
}

/**
 * The delays of the frames of three seconds up to the newest one, at most 512. They are kept until
 * others come, so that a slow stream has numbers too; what a clock that was set did to some of them
 * is forgotten with those.
 */
export class RecentDelays {
  readonly #delaysMs = new Float64Array(MAX_FRAMES);
  readonly #atMs = new Float64Array(MAX_FRAMES);
  #count = 0;

  /** Adds a frame that came at `nowMs`; a delay below 0 is none. */
  add(delayMs: number, nowMs: number): void {
    const place = this.#count++ % MAX_FRAMES;
    this.#delaysMs[place] = Math.max(0, delayMs);
    this.#atMs[place] = nowMs;
  }

  /** The delays' range; `null` before the first frame. */
  get range(): DelayRange | null {
    if (this.#count === 0) return null;
    const newestMs = this.#atMs[(this.#count - 1) % MAX_FRAMES]!;
    const sorted = this.#delaysMs.subarray(0, this.#count)
      // Where the clock went back, what it called later is no newer.
      .filter((_, place) => Math.abs(newestMs - this.#atMs[place]!) < WINDOW_MS)
      .sort();
    return { medianMs: sorted[sorted.length >> 1]!, maxMs: sorted.at(-1)! };
  }
}
