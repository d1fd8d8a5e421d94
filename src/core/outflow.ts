/**
 * How many bytes a second leave, for all viewers and for each.
 *
 * @module
 */

/** For how long a rate may be exceeded that was not used before, in milliseconds. */
const BURST_MS = 250;

/** Limits of an {@linkcode Outflow}, in bytes a second; 0 is none. */
export interface OutflowLimits {
  /** For all viewers together. */
  readonly maxRate: number;
  /** For one viewer. */
  readonly maxViewerRate: number;
}

/** What one viewer may get. */
export interface ViewerOutflow {
  /** Whether a frame may leave now, however large it is. */
  isOpen(nowMs: number): boolean;
  /** A frame of so many bytes leaves. */
  count(bytes: number, nowMs: number): void;
  /** The viewer has gone. */
  close(): void;
}

/**
 * Shares a rate out among viewers. Each may have an equal part of it at any time, and what others leave
 * as long as half a burst is left for these. Frames leave whole: a large one is made up for by a pause.
 */
export class Outflow {
  readonly #limits: OutflowLimits;
  readonly #all = new Bucket();
  /** Viewers that have got anything, or wait for it. */
  #viewers = 0;

  constructor(limits: OutflowLimits) {
    this.#limits = limits;
  }

  /** Lets a viewer take part; `undefined` where nothing is limited. */
  viewer(): ViewerOutflow | undefined {
    const { maxRate, maxViewerRate } = this.#limits;
    if (maxRate === 0 && maxViewerRate === 0) return undefined;
    let isCounted = false;
    const join = () => {
      if (!isCounted) this.#viewers++;
      isCounted = true;
    };
    const own = new Bucket();
    const share = new Bucket();
    return {
      isOpen: (nowMs) => {
        // Who waits has a part in it, or those who came before would share it among themselves.
        join();
        if (maxViewerRate > 0 && own.aheadMs(nowMs) >= BURST_MS) return false;
        if (maxRate === 0) return true;
        const isOverShare = share.aheadMs(nowMs) >= BURST_MS;
        return this.#all.aheadMs(nowMs) < (isOverShare ? BURST_MS / 2 : BURST_MS);
      },
      count: (bytes, nowMs) => {
        join();
        if (maxViewerRate > 0) own.add(bytes * 1000 / maxViewerRate, nowMs);
        if (maxRate > 0) {
          this.#all.add(bytes * 1000 / maxRate, nowMs);
          share.add(bytes * 1000 * this.#viewers / maxRate, nowMs);
        }
      },
      close: () => {
        if (isCounted) this.#viewers--;
        isCounted = false;
      },
    };
  }
}

/** How far what has left is ahead of a rate: the generic cell rate algorithm (ITU-T I.371 annex A). */
class Bucket {
  #dueMs = -Infinity;

  aheadMs(nowMs: number): number {
    return this.#dueMs - nowMs;
  }

  add(ms: number, nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs) + ms;
  }
}
