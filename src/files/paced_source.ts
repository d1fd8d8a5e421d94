/**
 * Frames at the pace of their timestamps.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";
import { Wakeup } from "../net/wakeup.ts";
import type { FrameSource, SourceFrame } from "./frame_source.ts";

/** Lateness that is made up for, in milliseconds; what is beyond it is forgotten. */
const MAX_LATE_MS = 1000;
/** Longest time that a timer is set to, in milliseconds. */
const MAX_SLEEP_MS = 3_600_000;

/** What of a frame says when it is due. */
export type FrameTimes = Pick<SourceFrame, "kind" | "ptsUs" | "durationUs">;

/**
 * When frames are due that come in the order in which they are decoded.
 *
 * A frame is due one duration after the frame before it, so that pictures which are shown out of
 * that order leave evenly. A key frame is due at its own time, which keeps errors from adding up.
 */
export class Pace {
  /** The instant that stands for time 0 of the frames, in milliseconds. */
  #startMs: number | undefined;
  #decodeUs = 0;
  #durationUs = 0;

  /** The instant at which `frame` is due, in milliseconds of the same clock as `nowMs`. */
  next({ kind, ptsUs, durationUs = 0 }: FrameTimes, nowMs: number): number {
    const isFirst = this.#startMs === undefined;
    const followsUs = this.#decodeUs + this.#durationUs;
    const ownUs = ptsUs ?? followsUs;
    if (isFirst) this.#decodeUs = ownUs;
    else if (kind === "key" || this.#durationUs === 0) {
      this.#decodeUs = Math.max(this.#decodeUs, ownUs);
    } else this.#decodeUs = followsUs;
    this.#durationUs = durationUs;
    this.#startMs ??= nowMs - this.#decodeUs / 1000;
    const lateMs = nowMs - (this.#startMs + this.#decodeUs / 1000);
    if (lateMs > MAX_LATE_MS) this.#startMs += lateMs;
    return this.#startMs + this.#decodeUs / 1000;
  }
}

/** Gives the frames of another source when they are due. */
export class PacedSource implements FrameSource {
  readonly isPaced = true;
  readonly #source: FrameSource;
  readonly #clock: Clock;
  readonly #pace = new Pace();
  readonly #wakeup = new Wakeup();
  #isStopped = false;

  constructor(source: FrameSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  get damaged(): number {
    return this.#source.damaged ?? 0;
  }

  async next(): Promise<SourceFrame | undefined> {
    const frame = await this.#source.next();
    if (frame === undefined) return undefined;
    // What is only there for others to be decoded takes no time.
    if (frame.catchUp === true) return this.#isStopped ? undefined : frame;
    const clock = this.#clock;
    const dueMs = this.#pace.next(frame, clock.nowMs());
    while (!this.#isStopped && clock.nowMs() < dueMs) {
      await this.#wakeup.wait(clock, Math.min(dueMs, clock.nowMs() + MAX_SLEEP_MS));
    }
    return this.#isStopped ? undefined : frame;
  }

  stop(): void {
    this.#isStopped = true;
    this.#source.stop();
    this.#wakeup.notify();
  }
}
