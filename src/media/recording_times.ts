/**
 * When the frames of a recording are shown.
 *
 * @module
 */
import type { FrameKind } from "../core/frame.ts";

/** What of a received frame tells its time. */
export interface FrameTime {
  readonly kind: FrameKind;
  /** Whether whoever begins at the key frame before it cannot decode it. Absent: false. */
  readonly leading?: boolean;
  /** Presentation time in microseconds, `null` where the source has none. */
  readonly ptsUs: number | null;
  /** Time of capture in microseconds since the Unix epoch. */
  readonly captureUs: number;
  /** True for the first frame of a publisher's session or configuration. */
  readonly discontinuity: boolean;
  /** What the stream says of itself: frames a second, `null` where it does not tell. Absent: nothing. */
  readonly config?: { readonly frameRate: number | null };
}

/** Time between two frames where nothing tells it, in microseconds. */
const DEFAULT_STEP_US = 33_333;
/** How far pictures may be shown out of the order in which they come, in microseconds. */
const MAX_REORDER_US = 5_000_000;
/** Least time between two frames that have no time of their own, in microseconds. */
const MIN_STEP_US = 1000;
/**
 * How far frames may be shown behind their time of capture so that they keep the stream's own rate, in
 * microseconds: a publisher reads the first frames of a pipe, and those behind a hiccup, at once.
 */
const MAX_SPREAD_US = 4_000_000;
/** What is read so many times as fast as its own rate comes from a file, which has its own rate only. */
const MAX_LIVE_SPEED = 4;

/**
 * Times from 0 at the first key frame. Where the times of the source begin anew, as behind another
 * publisher, those of the recording go on.
 */
export class RecordingTimes {
  /** What is added to a frame's own time; `undefined` until a key frame tells. */
  #shiftUs: number | undefined;
  /** Own time of the last key frame. */
  #keyUs = 0;
  /** Whether the last key frame is one that the recording begins or goes on with. */
  #isFirstKey = true;
  /** Whether pictures that are shown before it may still come. */
  #mayBeLeading = true;
  #hasPts = false;
  #lastUs: number | undefined;
  #stepUs = DEFAULT_STEP_US;
  /** Own time of the last frame. */
  #ownUs = 0;

  /**
   * The time of a frame in microseconds; `undefined` for one that is left out, because what a
   * decoder needs for it is not in the recording.
   */
  next(
    { kind, leading = false, ptsUs, captureUs, discontinuity, config }: FrameTime,
  ): number | undefined {
    const ownUs = ptsUs ?? captureUs;
    const hasPts = ptsUs !== null;
    if (discontinuity || hasPts !== this.#hasPts) this.#shiftUs = undefined;
    this.#hasPts = hasPts;
    if (kind === "key") this.#takeKey(ownUs);
    else if (this.#isBeforeKey(leading, ownUs)) return undefined;
    if (this.#shiftUs === undefined) return undefined;
    if (this.#lastUs !== undefined && ownUs + this.#shiftUs < this.#lastUs - MAX_REORDER_US) {
      this.#shiftUs = this.#lastUs + this.#stepUs - ownUs;
    }
    const timeUs = hasPts
      ? Math.max(0, ownUs + this.#shiftUs)
      : this.#spread(ownUs, config?.frameRate ?? null);
    if (this.#lastUs === undefined) this.#lastUs = timeUs;
    if (timeUs > this.#lastUs) {
      this.#stepUs = timeUs - this.#lastUs;
      this.#lastUs = timeUs;
    }
    return timeUs;
  }

  /** When a frame without a time of its own is shown, which was captured at `ownUs`. */
  #spread(ownUs: number, frameRate: number | null): number {
    const lastOwnUs = this.#ownUs;
    this.#ownUs = ownUs;
    const shownUs = ownUs + this.#shiftUs!;
    const lastUs = this.#lastUs;
    if (lastUs === undefined) return Math.max(0, shownUs);
    const stepUs = frameRate === null ? 0 : 1e6 / frameRate;
    const isFile = ownUs - lastOwnUs < stepUs / MAX_LIVE_SPEED;
    const aheadUs = lastUs - (lastOwnUs + this.#shiftUs!);
    const limitUs = isFile ? Infinity : Math.max(MAX_SPREAD_US, aheadUs);
    const spreadUs = Math.min(lastUs + stepUs, shownUs + limitUs);
    return Math.max(lastUs + MIN_STEP_US, shownUs, spreadUs);
  }

  /** Says that a new file begins at the key frame that was last. */
  restart(): void {
    this.#isFirstKey = true;
    this.#mayBeLeading = true;
  }

  /** Whether a delta frame is shown before the key frame that a file begins with. */
  #isBeforeKey(leading: boolean, ownUs: number): boolean {
    if (!this.#isFirstKey) return false;
    if (leading) return true;
    // Without presentation times nothing tells it.
    if (this.#mayBeLeading && this.#hasPts && ownUs < this.#keyUs) return true;
    this.#mayBeLeading = false;
    return false;
  }

  #takeKey(ownUs: number): void {
    const isBehind = this.#hasPts && this.#shiftUs !== undefined && ownUs <= this.#keyUs;
    if (isBehind) this.#shiftUs = undefined;
    this.#isFirstKey = this.#shiftUs === undefined;
    this.#mayBeLeading = this.#isFirstKey;
    this.#keyUs = ownUs;
    const nextUs = this.#lastUs === undefined ? 0 : this.#lastUs + this.#stepUs;
    this.#shiftUs ??= nextUs - ownUs;
  }
}
