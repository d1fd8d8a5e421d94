/**
 * The frames that have left a stream's queue and are still of use: the newest key frame and what
 * follows it, for viewers that come, and what viewers that are a little behind have yet to get.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { Frame } from "./frame.ts";

/** Limits of a {@linkcode GopCache}. The newest key frame is held whatever they are. */
export interface GopCacheOptions {
  /** Most frames. */
  readonly maxFrames: number;
  /** Most bytes of delta frames. */
  readonly maxBytes: number;
  /** Longest time since the newest key frame in milliseconds, for viewers that come. */
  readonly maxMs: number;
  /** Bytes of delta frames that all streams together may hold. */
  readonly budget: ByteBudget;
}

/** A frame that has left the queue. */
export interface Departed {
  readonly frame: Frame;
  /** When it left, in milliseconds of the relay's monotonic clock. */
  readonly leftMs: number;
}

interface Held extends Departed {
  /** Whether the frame, if it is a delta frame, counts in `bytes` and in the budget. */
  readonly isCounted: boolean;
}

/**
 * A run of frames without a gap, addressed by position: the first frame that ever left has position
 * 0. Whoever reads it keeps a position of his own, so that a frame is held once for all viewers.
 */
export class GopCache {
  readonly #options: GopCacheOptions;
  #items: Held[] = [];
  #head = 0;
  /** Position of the item at `#head`. */
  #first = 0;
  #bytes = 0;
  #key: Departed | undefined;
  #keyPosition = 0;
  #isWhole = false;

  constructor(options: GopCacheOptions) {
    this.#options = options;
  }

  /** Position of the next frame to come. */
  get end(): number {
    return this.#first + this.#items.length - this.#head;
  }

  /** Bytes of delta frames held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest key frame; `undefined` before the first. */
  get key(): Departed | undefined {
    return this.#key;
  }

  /** Position of the newest key frame. */
  get keyPosition(): number {
    return this.#keyPosition;
  }

  /** Whether everything since the newest key frame is held. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The frame at `position`, unless it has been given up or is yet to come. */
  at(position: number): Departed | undefined {
    if (position < this.#first) return undefined;
    return this.#items[this.#head + position - this.#first];
  }

  /**
   * Adds a frame. The newest one is held in any case, so that what viewers get does not depend on
   * the memory that is left; where the limits are reached, what was held before it is given up.
   */
  push(frame: Frame, nowMs: number): void {
    const { maxFrames, maxMs } = this.#options;
    if (this.#items.at(-1)?.isCounted === false) this.#drop();
    let isCounted = true;
    if (frame.kind === "key") {
      const old = this.#key;
      if (old !== undefined && this.#keyPosition < this.#first) release(old.frame.data);
      this.#keyPosition = this.end;
      this.#isWhole = true;
    } else {
      isCounted = this.#count(frame.data.byteLength);
      const isOld = this.#key === undefined || nowMs - this.#key.leftMs > maxMs;
      if (!isCounted || isOld) this.#isWhole = false;
    }
    const item = { frame, leftMs: nowMs, isCounted };
    if (frame.kind === "key") this.#key = item;
    this.#items.push(item);
    if (this.end - this.#first > maxFrames) this.#shift();
  }

  /** Gives up what nobody needs: those who are behind need all from `position` on. */
  trim(position: number): void {
    const needed = this.#isWhole ? Math.min(position, this.#keyPosition) : position;
    while (this.#first < needed && this.#head < this.#items.length) this.#shift();
  }

  /** Gives everything up. */
  clear(): void {
    this.#drop();
    this.#key = undefined;
    this.#isWhole = false;
  }

  #count(bytes: number): boolean {
    const { maxBytes, budget } = this.#options;
    if (this.#bytes + bytes > maxBytes || !budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  #drop(): void {
    while (this.#head < this.#items.length) this.#shift();
  }

  #shift(): void {
    const { frame, isCounted } = this.#items[this.#head]!;
    this.#items[this.#head] = undefined as unknown as Held;
    this.#head++;
    this.#first++;
    if (frame.kind === "delta" && isCounted) {
      this.#bytes -= frame.data.byteLength;
      this.#options.budget.give(frame.data.byteLength);
    }
    if (frame === this.#key?.frame) this.#isWhole = false;
    else release(frame.data);
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
