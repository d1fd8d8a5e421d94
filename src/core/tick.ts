/**
 * The tick: a clock of deadlines at an even distance, driven by somebody else's timer.
 *
 * @module
 */

/** Fewest frames a second that a tick can be set to. */
export const MIN_FPS = 0.1;
/** Most frames a second that a tick can be set to. */
export const MAX_FPS = 1000;

/** A tick that came due. */
export interface TickFired {
  /** Deadlines that had passed before this one was noticed: overruns, skipped and not made up. */
  readonly overruns: number;
  /** Time from the newest deadline that had passed to now, in milliseconds. */
  readonly lagMs: number;
}

/**
 * Deadlines `start + n / fps`. Each is computed from the start, so that errors do not add up.
 *
 * All instants are milliseconds of one monotonic clock.
 */
export class Tick {
  #startMs: number;
  #index = 0;
  #intervalMs: number;
  #fps: number;

  /** The first deadline is `startMs`. */
  constructor(fps: number, startMs: number) {
    this.#fps = checkedFps(fps);
    this.#intervalMs = 1000 / fps;
    this.#startMs = startMs;
  }

  /** Ticks a second. */
  get fps(): number {
    return this.#fps;
  }

  /** Milliseconds between two deadlines. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** The next deadline. */
  get deadlineMs(): number {
    return this.#startMs + this.#index * this.#intervalMs;
  }

  /** Fires when the deadline has come, at most once however late it is; else `undefined`. */
  fire(nowMs: number): TickFired | undefined {
    const late = nowMs - this.deadlineMs;
    if (!(late >= 0)) return undefined;
    const overruns = Math.floor(late / this.#intervalMs);
    this.#index += overruns + 1;
    return { overruns, lagMs: Math.max(0, late - overruns * this.#intervalMs) };
  }

  /**
   * Changes the rate. The next deadline is one new interval after the last tick, or now where that
   * has passed already: neither a gap nor a burst.
   */
  setFps(fps: number, nowMs: number): void {
    checkedFps(fps);
    const lastMs = this.deadlineMs - this.#intervalMs;
    this.#fps = fps;
    this.#intervalMs = 1000 / fps;
    this.restart(Math.max(nowMs, lastMs + this.#intervalMs));
  }

  /** Puts the next deadline at `startMs` and counts from there. */
  restart(startMs: number): void {
    this.#startMs = startMs;
    this.#index = 0;
  }
}

function checkedFps(fps: number): number {
  if (!(fps >= MIN_FPS && fps <= MAX_FPS)) {
    throw new RangeError(`Cannot tick ${fps} times a second: not in ${MIN_FPS} to ${MAX_FPS}`);
  }
  return fps;
}
