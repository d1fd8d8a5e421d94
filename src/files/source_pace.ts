/**
 * How far behind a publisher is with reading its source.
 *
 * @module
 */

/** Shortest wait for input that tells that there was none, in milliseconds. */
const DRY_MS = 3;
/** Distances of two frames that had to be waited for before anything is said of a source. */
const MIN_STEPS = 4;
/** How much a new distance of two frames counts. */
const WEIGHT = 1 / 8;

/**
 * Compares the time since the source had nothing to read with the frames read since. A source that
 * never had to be waited for, such as a file, has no pace of its own and is never behind.
 */
export class SourcePace {
  #intervalMs = 0;
  #steps = 0;
  /** When the last frame came that had to be waited for, and frames read since. */
  #dryMs = -Infinity;
  #framesSince = 0;
  /** Since when the next frame has been waited for, while it is. */
  #askedMs: number | undefined;

  /** Mean time between two frames of the source in milliseconds; `undefined` before it is known. */
  get intervalMs(): number | undefined {
    return this.#steps < MIN_STEPS ? undefined : this.#intervalMs;
  }

  /** The next frame is asked for. */
  ask(nowMs: number): void {
    this.#askedMs = nowMs;
  }

  /** The frame that was asked for has been read. */
  read(nowMs: number): void {
    const waitedMs = nowMs - (this.#askedMs ?? nowMs);
    this.#askedMs = undefined;
    if (waitedMs < DRY_MS) {
      this.#framesSince++;
      return;
    }
    // Behind frames that were there already, the distance is not the source's.
    if (this.#framesSince === 0 && this.#dryMs !== -Infinity) this.#measure(nowMs - this.#dryMs);
    this.#dryMs = nowMs;
    this.#framesSince = 0;
  }

  #measure(stepMs: number): void {
    const weight = this.#steps === 0 ? 1 : WEIGHT;
    this.#intervalMs += (stepMs - this.#intervalMs) * weight;
    this.#steps++;
  }

  /** For how long what is to be read next has been there, in milliseconds, while nothing is read. */
  behindMs(nowMs: number): number {
    const isDry = this.#askedMs !== undefined && nowMs - this.#askedMs >= DRY_MS;
    if (this.intervalMs === undefined || isDry) return 0;
    return Math.max(0, nowMs - this.#dryMs - (this.#framesSince + 1) * this.#intervalMs);
  }
}
