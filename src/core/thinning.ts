/**
 * Leaves out pictures of a source that is faster than its stream, evenly, and keeps the newest.
 *
 * @module
 */
import { FOLLOWED } from "./liveness.ts";

/** Arrivals that a rate is measured over. */
const ARRIVALS = 64;
/** Fewest arrivals that make a rate. */
const MIN_ARRIVALS = 8;
/** A silence after which a rate is measured anew, in milliseconds. */
const SILENCE_MS = 1000;
/** How far behind its schedule a source may be that is not too fast, in milliseconds: jitter. */
const SLACK_MS = 250;
/** By how much of an interval a picture of such a source may be early. */
const TOLERANCE = 0.75;

/**
 * Decides when the newest picture of a source leaves: at once, or late enough for a newer one to
 * replace it. A source that is at most a little faster than the stream is followed (the generic
 * cell rate algorithm of ITU-T I.371 annex A). Of a faster source, the pictures nearest to the
 * stream's own schedule leave, early or late by at most half of the source's interval.
 */
export class Thinning {
  readonly #arrivals = new Arrivals();
  /** When the next picture may leave. */
  #dueMs = -Infinity;

  /** When a picture that comes at `nowMs` leaves at the latest, where pictures may leave every `intervalMs`. */
  arrived(intervalMs: number, nowMs: number): number {
    this.#arrivals.add(nowMs);
    const halfMs = this.#halfMs(intervalMs);
    if (halfMs !== undefined) {
      return nowMs >= this.#dueMs - halfMs ? nowMs : this.#dueMs + halfMs;
    }
    const earliestMs = this.#dueMs - intervalMs / FOLLOWED * TOLERANCE;
    return Math.max(nowMs, earliestMs);
  }

  /** A picture leaves at `nowMs`. */
  left(intervalMs: number, nowMs: number): void {
    const halfMs = this.#halfMs(intervalMs);
    this.#dueMs = halfMs === undefined
      ? Math.max(this.#dueMs, nowMs - SLACK_MS) + intervalMs / FOLLOWED
      // One that is late puts off the next as well: the distance then is that of the arrivals.
      : Math.max(this.#dueMs, nowMs) + intervalMs;
  }

  /** Half of the time between two pictures of a source that is too fast; else `undefined`. */
  #halfMs(intervalMs: number): number | undefined {
    const meanMs = this.#arrivals.meanMs;
    return meanMs < intervalMs / FOLLOWED ? meanMs / 2 : undefined;
  }
}

/** The last arrivals, in a ring. */
class Arrivals {
  readonly #ms = new Float64Array(ARRIVALS);
  #count = 0;

  /** Mean time between two arrivals in milliseconds; `Infinity` while it is not known. */
  get meanMs(): number {
    const count = Math.min(this.#count, ARRIVALS);
    if (count < MIN_ARRIVALS) return Infinity;
    const newestMs = this.#ms[(this.#count - 1) % ARRIVALS]!;
    return (newestMs - this.#ms[(this.#count - count) % ARRIVALS]!) / (count - 1);
  }

  add(nowMs: number): void {
    const lastMs = this.#count === 0 ? nowMs : this.#ms[(this.#count - 1) % ARRIVALS]!;
    if (nowMs - lastMs > SILENCE_MS) this.#count = 0;
    this.#ms[this.#count++ % ARRIVALS] = nowMs;
  }
}
