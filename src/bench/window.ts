/**
 * The measured window.
 *
 * @module
 */
import { Histogram, type HistogramData } from "./histogram.ts";

/** From when to when is measured, in milliseconds since the Unix epoch. */
export interface Window {
  readonly beginMs: number;
  readonly endMs: number;
}

/** What viewers have received. */
export interface Received {
  /** Frames and their bytes that arrived in the window, and those at slow viewers. */
  readonly frames: number;
  readonly bytes: number;
  readonly slowFrames: number;
  /** Frames that were sent in the window, whenever they arrived. */
  readonly sentInWindow: number;
  readonly delay: HistogramData;
  /** Time between a viewer's frames that arrived in the window. */
  readonly interval: HistogramData;
}

/** Resolution of intervals, of whose deviations from their mean one part in a hundred is told. */
export const INTERVAL_RESOLUTION = 0.0005;

/** Counts the frames of a thread's viewers; all times are milliseconds since the Unix epoch. */
export class WindowCounts {
  readonly #delay = new Histogram();
  readonly #interval = new Histogram(INTERVAL_RESOLUTION);
  #window: Window = { beginMs: Infinity, endMs: Infinity };
  #frames = 0;
  #bytes = 0;
  #slowFrames = 0;
  #sentInWindow = 0;

  /** Sets the window, or its other end. */
  set window(window: Window) {
    this.#window = window;
  }

  /** A frame that arrived at a viewer that reads all it can. */
  add(
    { sentMs, arrivedMs, lastMs, bytes }: {
      /** Time of sending, `undefined` where it is not known. */
      readonly sentMs: number | undefined;
      readonly arrivedMs: number;
      /** When the viewer's frame before it arrived, 0 for none. */
      readonly lastMs: number;
      readonly bytes: number;
    },
  ): void {
    const { beginMs, endMs } = this.#window;
    if (arrivedMs >= beginMs && arrivedMs < endMs) {
      this.#frames++;
      this.#bytes += bytes;
      if (lastMs >= beginMs) this.#interval.add(arrivedMs - lastMs);
    }
    if (sentMs !== undefined && sentMs >= beginMs && sentMs < endMs) {
      this.#sentInWindow++;
      this.#delay.add(Math.max(0, arrivedMs - sentMs));
    }
  }

  /** A frame that arrived at a slow viewer. */
  addSlow(arrivedMs: number): void {
    const { beginMs, endMs } = this.#window;
    if (arrivedMs >= beginMs && arrivedMs < endMs) this.#slowFrames++;
  }

  /** What was received so far. */
  received(): Received {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      slowFrames: this.#slowFrames,
      sentInWindow: this.#sentInWindow,
      delay: this.#delay.data(),
      interval: this.#interval.data(),
    };
  }
}
