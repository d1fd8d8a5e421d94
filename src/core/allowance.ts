/**
 * How much may wait in a stream's queue, and how much of it its publisher may fill.
 *
 * @module
 */
import type { FrameTotals } from "./feed.ts";
import type { FrameQueueLimits } from "./frame_queue.ts";

/**
 * How much a publisher may have in the queue and under way beyond its round trip, as time at the
 * stream's frame rate, in milliseconds. A live source needs room for the burst that follows a start
 * or a stall. A source that waits for the tick only needs enough to bridge the pauses of its
 * publisher.
 */
const LIVE_CREDIT_MS = 1000;
const TICK_CREDIT_MS = 200;
/** Least and most frames of that. */
const MIN_CREDIT_FRAMES = 3;
const MAX_CREDIT_FRAMES = 250;
/** Lowest frame rate that credit is computed with where frames need not wait for a tick. */
const SOURCE_FPS = 60;
/**
 * Round trip assumed until a publisher's own is known, and the longest that counts, in
 * milliseconds.
 */
const UNKNOWN_ROUND_TRIP_MS = 250;
const MAX_ROUND_TRIP_MS = 2000;

/**
 * `wait` and `drop`: the publisher keeps to its credit. `none`: it has no credit, and the queue
 * overflows instead.
 */
export type Credited = "wait" | "drop" | "none";

/** Limits of an {@linkcode Allowance}. */
export interface AllowanceOptions {
  /** Length of the queue in milliseconds of the frame rate; its frames are this × fps. */
  readonly bufferMs: number;
  /** Longest queue in frames where there is no tick. */
  readonly sourceFrames: number;
  /** Most bytes in the queue. */
  readonly maxBytes: number;
  /** Most bytes that a publisher with credit may have in the queue and under way. */
  readonly maxCreditBytes: number;
}

/** Totals that a publisher may reach. It may start a frame while it is below both. */
export interface Credit {
  /** Frames since the publisher has begun. */
  readonly frames: number;
  /** Bytes of frames since the publisher has begun. */
  readonly bytes: number;
}

/** What of a stream's pace an {@linkcode Allowance} depends on. */
export interface AllowedPace {
  readonly credited: Credited;
  /** Ticks a second; 0 where there is no tick. */
  readonly tickFps: number;
  /** Whether frames may depend on frames before them. */
  readonly isCoded: boolean;
  /** Whether the publisher only waits for the tick. */
  readonly waitsForTick: boolean;
}

/** The limits of one stream's queue and its publisher's credit. */
export class Allowance {
  readonly #options: AllowanceOptions;
  #maxBytes: number;
  #creditBytes: number;
  #roundTripMs = UNKNOWN_ROUND_TRIP_MS;

  constructor(options: AllowanceOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes;
    this.#creditBytes = options.maxBytes;
  }

  /** Changes how many bytes may wait in the queue, and how many of them a publisher may fill. */
  setMaxBytes(maxBytes: number, creditBytes: number = maxBytes): void {
    this.#maxBytes = maxBytes;
    this.#creditBytes = creditBytes;
  }

  /** How long a message takes to the publisher and back in milliseconds; `undefined`: not known. */
  setRoundTrip(roundTripMs: number = UNKNOWN_ROUND_TRIP_MS): void {
    this.#roundTripMs = Math.min(Math.max(0, roundTripMs), MAX_ROUND_TRIP_MS);
  }

  /**
   * Limits of the queue. Credit already given is kept, so that a change of them never drops a
   * credited frame. The credit itself is the bound in bytes; it may be exceeded by a part of one
   * frame.
   */
  limits({ credited, tickFps }: AllowedPace): FrameQueueLimits {
    const { maxBytes, maxCreditBytes, bufferMs, sourceFrames } = this.#options;
    if (credited !== "none") {
      const frameBytes = Math.max(maxBytes, this.#maxBytes);
      return { maxFrames: MAX_CREDIT_FRAMES, maxBytes: maxCreditBytes + frameBytes };
    }
    const frames = tickFps === 0 ? sourceFrames : Math.floor(tickFps * bufferMs / 1000);
    return { maxFrames: Math.max(1, frames), maxBytes: this.#maxBytes };
  }

  /**
   * Credit for a publisher that has sent `received` so far, of which `queued` is still in the
   * queue. It covers the publisher's round trip, and more where that adds no delay.
   */
  credit(
    received: Readonly<FrameTotals>,
    queued: Readonly<FrameTotals>,
    pace: AllowedPace,
  ): Credit {
    const bytes = Math.min(this.#options.maxCreditBytes, this.#creditBytes);
    return {
      frames: received.frames - queued.frames + this.#frames(pace),
      bytes: received.bytes - queued.bytes + bytes,
    };
  }

  #frames({ credited, tickFps, isCoded, waitsForTick }: AllowedPace): number {
    const fps = tickFps === 0 || isCoded ? Math.max(tickFps, SOURCE_FPS) : tickFps;
    // Pictures of a source that is too fast come all the same, so that the relay leaves out evenly.
    const roundTripFrames = fps * this.#roundTripMs / 1000 * (credited === "drop" ? 2 : 1);
    const isThin = credited === "drop" && !isCoded;
    const beyondMs = isThin ? 0 : waitsForTick ? TICK_CREDIT_MS : LIVE_CREDIT_MS;
    const beyond = Math.max(fps * beyondMs / 1000, MIN_CREDIT_FRAMES);
    return Math.min(MAX_CREDIT_FRAMES, Math.ceil(roundTripFrames + beyond));
  }
}
