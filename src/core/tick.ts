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
  /** The deadline that fired last. */
  #lastMs = -Infinity;

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
    if (!(nowMs >= this.deadlineMs)) return undefined;
    const due = this.#index;
    this.#index += Math.floor((nowMs - this.deadlineMs) / this.#intervalMs);
    // The quotient is rounded: it may be one off where the stall was whole intervals long.
    while (this.deadlineMs > nowMs) this.#index--;
    do {
      this.#lastMs = this.deadlineMs;
      this.#index++;
    } while (this.deadlineMs <= nowMs);
    return { overruns: this.#index - due - 1, lagMs: nowMs - this.#lastMs };
  }

  /**
   * Changes the rate. The next deadline is one new interval after the last tick, or now where that
   * has passed already or there was none: neither a gap nor a burst.
   */
  setFps(fps: number, nowMs: number): void {
    this.#fps = checkedFps(fps);
    this.#intervalMs = 1000 / fps;
    this.restart(Math.max(nowMs, this.#lastMs + this.#intervalMs));
  }

  /** A frame has left at `nowMs` without a deadline: the next one is an interval later. */
  passed(nowMs: number): void {
    this.#lastMs = nowMs;
    this.restart(nowMs + this.#intervalMs);
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
