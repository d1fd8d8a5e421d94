/**
 * A bounded queue of frames: first in, first out. What overflows is the oldest, and with a frame all
 * that cannot be decoded without it.
 *
 * @module
 */

import { Deque } from "./deque.ts";
import type { FrameKind } from "./frame.ts";

/** What the queue needs to know of an item. */
export interface Queued {
  readonly kind: FrameKind;
  readonly data: { readonly byteLength: number };
}

/** Limits of a {@linkcode FrameQueue}. */
export interface FrameQueueLimits {
  /** Most frames at once, at least 1. */
  readonly maxFrames: number;
  /** Most bytes at once. A frame that is larger by itself is not taken in. */
  readonly maxBytes: number;
}

/** What a push pushed out. */
export interface Dropped {
  readonly reason: "queue_frames" | "queue_bytes";
  readonly frames: number;
  readonly bytes: number;
}

/** What a pop gave. `closed` comes once the queue is closed and empty. */
export type Popped<T> =
  | { readonly state: "ok"; readonly frame: T }
  | { readonly state: "empty" }
  | { readonly state: "closed" };

const EMPTY = { state: "empty" } as const;
const CLOSED = { state: "closed" } as const;

/** A first-in, first-out queue bounded in frames and in bytes. */
export class FrameQueue<T extends Queued> {
  #items = new Deque<T>();
  #bytes = 0;
  #limits: FrameQueueLimits;
  #closed = false;
  /** Why the key frame that the next delta frames need is gone. */
  #lost: Dropped["reason"] | undefined;
  readonly #free: (frame: T) => void;

  /** `free` is given what is dropped, of which nobody else knows. */
  constructor(limits: FrameQueueLimits, free: (frame: T) => void = () => {}) {
    this.#limits = limits;
    this.#free = free;
  }

  /** Frames in the queue. */
  get frames(): number {
    return this.#items.length;
  }

  /** Bytes in the queue. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest frame, left in place. */
  get oldest(): T | undefined {
    return this.#items.first;
  }

  /**
   * Changes the limits. Frames that are already in stay for now: a queue above a new `maxFrames` no
   * longer grows and shrinks as it drains; one above a new `maxBytes` makes room at the next push.
   */
  setLimits(limits: FrameQueueLimits): void {
    this.#limits = limits;
  }

  /**
   * Appends `frame`. Returns what had to leave for it (or `frame` itself, when it is larger than
   * the whole queue may be), `undefined` when nothing had to. What leaves is whole GOPs from the
   * front; where that is all there is, the delta frames that follow belong to it and leave as well.
   */
  push(frame: T): Dropped | undefined {
    const size = frame.data.byteLength;
    const { maxFrames, maxBytes } = this.#limits;
    if (frame.kind === "delta" && this.#lost !== undefined) {
      this.#free(frame);
      return { reason: this.#lost, frames: 1, bytes: size };
    }
    this.#lost = undefined;
    if (this.#closed || size > maxBytes) {
      this.#lost = "queue_bytes";
      this.#free(frame);
      return { reason: "queue_bytes", frames: 1, bytes: size };
    }
    const dropped = { reason: "queue_frames" as Dropped["reason"], frames: 0, bytes: 0 };
    if (this.frames >= maxFrames) this.#dropGop(dropped);
    while (this.frames > 0 && this.#bytes + size > maxBytes) {
      dropped.reason = "queue_bytes";
      this.#dropGop(dropped);
    }
    if (dropped.frames > 0 && this.frames === 0 && frame.kind === "delta") {
      this.#lost = dropped.reason;
      this.#free(frame);
      return { ...dropped, frames: dropped.frames + 1, bytes: dropped.bytes + size };
    }
    this.#items.push(frame);
    this.#bytes += size;
    return dropped.frames === 0 ? undefined : dropped;
  }

  /**
   * Has the oldest frame leave, and what cannot be decoded without it, for want of memory; `undefined`
   * where there is none.
   */
  shed(): Dropped | undefined {
    if (this.frames === 0) return undefined;
    const dropped = { reason: "queue_bytes" as const, frames: 0, bytes: 0 };
    this.#dropGop(dropped);
    if (this.frames === 0) this.#lost = dropped.reason;
    return dropped;
  }

  /** Removes and returns the oldest frame. */
  pop(): Popped<T> {
    if (this.frames === 0) return this.#closed ? CLOSED : EMPTY;
    return { state: "ok", frame: this.#shift() };
  }

  /** Takes in nothing more; what is in can still be popped. */
  close(): void {
    this.#closed = true;
  }

  /** Removes everything and returns how many frames that was. */
  clear(): number {
    const frames = this.frames;
    while (this.frames > 0) this.#free(this.#shift());
    this.#items = new Deque();
    this.#bytes = 0;
    return frames;
  }

  #dropGop(dropped: { frames: number; bytes: number }): void {
    do {
      const frame = this.#shift();
      dropped.bytes += frame.data.byteLength;
      dropped.frames++;
      this.#free(frame);
    } while (this.oldest?.kind === "delta");
  }

  #shift(): T {
    const frame = this.#items.shift();
    this.#bytes -= frame.data.byteLength;
    return frame;
  }
}
