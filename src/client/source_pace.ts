/**
 * How far behind a publisher is with reading its source.
 *
 * @module
 */

/** Shortest wait for input that tells that there was none, in milliseconds. */
const DRY_MS = 3;
/** Frames that had to be waited for before anything is said of a source. */
const MIN_DRY_FRAMES = 8;
/** How much a new distance of two frames counts. */
const WEIGHT = 1 / 8;

/**
 * Compares the time since the source had nothing to read with the frames read since. A source that
 * never had to be waited for, such as a file, has no pace of its own and is never behind.
 */
export class SourcePace {
  #intervalMs = 0;
  #dryFrames = 0;
  /** When the last frame came that had to be waited for, and frames read since. */
  #dryMs = -Infinity;
  #framesSince = 0;

  /** Mean time between two frames of the source in milliseconds; `undefined` before it is known. */
  get intervalMs(): number | undefined {
    return this.#dryFrames < MIN_DRY_FRAMES ? undefined : this.#intervalMs;
  }

  /** A frame was read at `nowMs`, for which the input was waited for `waitedMs`. */
  read(nowMs: number, waitedMs: number): void {
    if (waitedMs < DRY_MS) {
      this.#framesSince++;
      return;
    }
    const stepMs = (nowMs - this.#dryMs) / (this.#framesSince + 1);
    if (this.#dryFrames++ === 1) this.#intervalMs = stepMs;
    else if (this.#dryFrames > 1) this.#intervalMs += (stepMs - this.#intervalMs) * WEIGHT;
    this.#dryMs = nowMs;
    this.#framesSince = 0;
  }

  /** For how long what is to be read next has been there, in milliseconds, while nothing is read. */
  behindMs(nowMs: number): number {
    if (this.intervalMs === undefined) return 0;
    return Math.max(0, nowMs - this.#dryMs - (this.#framesSince + 1) * this.#intervalMs);
  }
}
