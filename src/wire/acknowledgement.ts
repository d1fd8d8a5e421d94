/**
 * When a viewer acknowledges: not every frame by itself, and none late.
 *
 * @module
 */

import { MAX_HELD_MS } from "./control_message.ts";

/** Frames that one acknowledgement is for, where they come fast enough. */
export const ACK_FRAMES = 4;
/** Longest time that a frame waits for its acknowledgement, in milliseconds. */
export const ACK_HOLD_MS = 125;
/** The same as a part of the longest delay. */
const ACK_HOLD_PART = 0.25;

/** What a viewer confirms. */
export interface Acknowledged {
  /** The newest frame; every frame before it is confirmed, too. */
  readonly sequence: number;
  /** How long the viewer has had that frame, in milliseconds. */
  readonly heldMs: number;
}

/**
 * The rule by which a viewer acknowledges the frames of one connection: each of the first four at
 * once, by which the relay gets to know the way, then every fourth, or 125 ms after the oldest that it
 * has not acknowledged, or a quarter of the longest delay after it, whichever is first.
 */
export class Acknowledgement {
  readonly #holdMs: number;
  #firstLeft = ACK_FRAMES;
  #frames = 0;
  #sequence = 0;
  #receivedMs = 0;
  #deadlineMs = Infinity;

  /** For frames that may be under way for `maxDelayMs`. */
  constructor(maxDelayMs: number) {
    this.#holdMs = Math.min(ACK_HOLD_MS, maxDelayMs * ACK_HOLD_PART);
  }

  /** When {@linkcode due} has something to send; `Infinity` while every frame is acknowledged. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Takes a frame that was received; returns what is to be acknowledged now. */
  received(sequence: number, nowMs: number): Acknowledged | undefined {
    if (this.#frames === 0) this.#deadlineMs = nowMs + this.#holdMs;
    this.#frames++;
    this.#sequence = sequence;
    this.#receivedMs = nowMs;
    const isFirst = this.#firstLeft > 0;
    if (isFirst) this.#firstLeft--;
    return isFirst || this.#frames >= ACK_FRAMES ? this.flush(nowMs) : this.due(nowMs);
  }

  /** What is to be acknowledged now because it has waited for long enough. */
  due(nowMs: number): Acknowledged | undefined {
    return nowMs >= this.#deadlineMs ? this.flush(nowMs) : undefined;
  }

  /** Everything that is not acknowledged, for a viewer that leaves. */
  flush(nowMs: number): Acknowledged | undefined {
    if (this.#frames === 0) return undefined;
    this.#frames = 0;
    this.#deadlineMs = Infinity;
    // Tenths of a millisecond are exact enough.
    const heldMs = Math.round((nowMs - this.#receivedMs) * 10) / 10;
    return { sequence: this.#sequence, heldMs: Math.min(heldMs, MAX_HELD_MS) };
  }
}
