/**
 * When threads that are lost are started again, and when that is told.
 *
 * @module
 */

/** How long after one that died another thread is started the first time, in milliseconds. */
const FIRST_DELAY_MS = 100;
/** And at most, where one after the other dies or cannot start, in milliseconds. */
const MAX_DELAY_MS = 10_000;
/** A thread that has listened for this long was a good one: the next delay is the first again. */
const GOOD_MS = 2000;
/** How long nothing is told behind what was told last, in milliseconds. */
const TELL_MS = 1000;

/** Where the thread of one place stands. */
interface Place {
  /** Threads lost one after the other. */
  losses: number;
  /** Since when it listens; `Infinity` while it does not. */
  listensMs: number;
}

/** What there is to tell of threads that are lost. */
export interface Loss {
  /** Threads lost since the last was told of. */
  readonly count: number;
  /** The place of the newest, why that was lost, and when another is started. */
  readonly own: number;
  readonly why: string;
  readonly delayMs: number;
}

/** Has each thread that is lost started again: later each time, until one has listened for a while. */
export class Restarts {
  readonly #places = new Map<number, Place>();
  #untold: Loss | undefined;
  #toldMs = -Infinity;

  /** The thread at the place `own` listens. */
  listens(own: number, nowMs: number): void {
    this.#place(own).listensMs = nowMs;
  }

  /** The thread at the place `own` is lost: the delay in milliseconds before another is started. */
  lost(own: number, why: string, nowMs: number): number {
    const place = this.#place(own);
    if (nowMs - place.listensMs >= GOOD_MS) place.losses = 0;
    place.listensMs = Infinity;
    const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(place.losses++, 10));
    this.#untold = { count: (this.#untold?.count ?? 0) + 1, own, why, delayMs };
    return delayMs;
  }

  /** What is to be told now, at most once a second. */
  untold(nowMs: number): Loss | undefined {
    if (nowMs - this.#toldMs < TELL_MS) return undefined;
    const loss = this.#untold;
    if (loss !== undefined) this.#toldMs = nowMs;
    this.#untold = undefined;
    return loss;
  }

  #place(own: number): Place {
    let place = this.#places.get(own);
    if (place === undefined) {
      place = { losses: 0, listensMs: Infinity };
      this.#places.set(own, place);
    }
    return place;
  }
}
