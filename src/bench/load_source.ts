/**
 * Frames of one size at an even rate, each with its number and the time of sending.
 *
 * @module
 */
import { emptyWithHeadroom } from "../bytes/headroom.ts";
import type { FrameSource, SourceFrame } from "../files/frame_source.ts";
import { bareConfig } from "../core/frame.ts";
import { Tick } from "../core/tick.ts";
import type { Clock } from "../host/clock.ts";
import { writeStamp } from "./stamp.ts";
import type { Window } from "./window.ts";

/** Options of a {@linkcode LoadSource}. */
export interface LoadSourceOptions {
  /** Size of a frame, at least that of a stamp. */
  readonly frameBytes: number;
  readonly fps: number;
}

/** What a source has made in the window. */
export interface Made {
  readonly frames: number;
  /** Frames whose time had passed by more than a tick, so that they were left out. */
  readonly late: number;
}

/** Makes frames until it is stopped. */
export class LoadSource implements FrameSource {
  readonly #frameBytes: number;
  readonly #clock: Clock;
  readonly #tick: Tick;
  readonly #config = bareConfig("raw");
  #window: Window = { beginMs: Infinity, endMs: Infinity };
  #number = 0;
  #frames = 0;
  #late = 0;
  #isStopped = false;
  #wake = () => {};

  constructor({ frameBytes, fps }: LoadSourceOptions, clock: Clock) {
    this.#frameBytes = frameBytes;
    this.#clock = clock;
    this.#tick = new Tick(fps, clock.nowMs());
  }

  /** Sets the window in which frames are counted. */
  set window(window: Window) {
    this.#window = window;
  }

  /** Sets another rate, at once. */
  set fps(fps: number) {
    this.#tick.setFps(fps, this.#clock.nowMs());
    this.#wake();
  }

  /** What was made in the window so far. */
  made(): Made {
    return { frames: this.#frames, late: this.#late };
  }

  async next(): Promise<SourceFrame | undefined> {
    let fired = this.#tick.fire(this.#clock.nowMs());
    while (fired === undefined && !this.#isStopped) {
      const waitMs = Math.max(0, this.#tick.deadlineMs - this.#clock.nowMs());
      await this.#pause(waitMs);
      fired = this.#tick.fire(this.#clock.nowMs());
    }
    if (fired === undefined || this.#isStopped) return undefined;
    const data = emptyWithHeadroom(this.#frameBytes);
    const sentMs = this.#clock.wallUs() / 1000;
    writeStamp(data, { number: this.#number++, sentMs });
    if (sentMs >= this.#window.beginMs && sentMs < this.#window.endMs) {
      this.#frames++;
      this.#late += fired.overruns;
    }
    return { data, kind: "key", ptsUs: null, config: this.#config };
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** Waits, unless something changes before. */
  async #pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
