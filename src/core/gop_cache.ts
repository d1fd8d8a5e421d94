/**
 * The frames that have left a stream's queue and are still of use: the newest key frame and what
 * follows it, for viewers that come, and what viewers that are a little behind have yet to get.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import type { Budget } from "./budget.ts";
import { Deque } from "./deque.ts";
import type { Frame } from "./frame.ts";

/**
 * Limits of a {@linkcode GopCache}. The newest key frame is kept whatever they are, and its bytes do
 * not count.
 */
export interface GopCacheOptions {
  /** Most frames. */
  readonly maxFrames: number;
  /** Most bytes. */
  readonly maxBytes: number;
  /** Longest time since the newest key frame in milliseconds, for viewers that come. */
  readonly maxMs: number;
  /** Bytes that all streams together may keep. */
  readonly budget: Budget;
}

/** A frame that has left the queue. */
export interface Departed {
  readonly frame: Frame;
  /** When it left, in milliseconds of the relay's monotonic clock. */
  readonly leftMs: number;
}

/** What is kept for viewers that come. */
export interface Kept {
  /** The newest key frame, and what follows it as far as it is whole; oldest first. */
  readonly history: readonly Departed[];
  /** Whether nothing that follows the key frame is missing. */
  readonly isWhole: boolean;
}

interface Item extends Departed {
  /** Whether the frame counts in `bytes` and in the budget. */
  isCounted: boolean;
}

/**
 * A run of frames without a gap, addressed by position: the first frame that ever left has position
 * 0. Whoever reads it keeps a position of his own, so that a frame is kept once for all viewers.
 */
export class GopCache {
  readonly #options: GopCacheOptions;
  readonly #items = new Deque<Item>();
  /** Position of the oldest item. */
  #first = 0;
  #bytes = 0;
  #key: Item | undefined;
  #keyPosition = 0;
  /** The key frame before the newest one, as long as it does not count. */
  #oldKey: Item | undefined;
  #oldKeyPosition = 0;
  #isWhole = false;
  /** Whether the newest frame is kept beyond the limits. */
  #isOver = false;

  constructor(options: GopCacheOptions) {
    this.#options = options;
  }

  /** Position of the next frame to come. */
  get end(): number {
    return this.#first + this.#items.length;
  }

  /** Bytes kept, without the newest key frame's. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes kept beyond all limits: of the newest key frame, and of the newest frame behind it. */
  get uncountedBytes(): number {
    const over = this.#isOver ? this.#items.at(this.#items.length - 1) : undefined;
    return sizeOf(this.#key) + sizeOf(this.#oldKey) + sizeOf(over);
  }

  /** The newest key frame; `undefined` before the first. */
  get key(): Departed | undefined {
    return this.#key;
  }

  /** Position of the newest key frame. */
  get keyPosition(): number {
    return this.#keyPosition;
  }

  /** Whether everything since the newest key frame is kept. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** What is kept for viewers that come. */
  get kept(): Kept {
    const isWhole = this.#isWhole;
    const history: Departed[] = [];
    if (this.#key !== undefined && !isWhole) history.push(this.#key);
    for (let at = this.#keyPosition; isWhole && at < this.end; at++) history.push(this.at(at)!);
    return { history, isWhole };
  }

  /** Begins with what another cache of the same stream has kept. */
  restore({ history, isWhole }: Kept): void {
    for (const { frame, leftMs } of history) this.push(frame, leftMs);
    // Viewers that come get the key frame alone.
    if (!isWhole) this.#isWhole = false;
  }

  /** The frame at `position`, unless it has been given up or is yet to come. */
  at(position: number): Departed | undefined {
    if (position < this.#first) return undefined;
    return this.#items.at(position - this.#first);
  }

  /**
   * Adds a frame. The newest frame is always kept, so that what viewers get does not depend on free
   * memory. Where a limit is reached, the frames before it are dropped from the cache.
   */
  push(frame: Frame, nowMs: number): void {
    const { maxFrames, maxMs } = this.#options;
    if (this.#isOver) this.#drop();
    const item = { frame, leftMs: nowMs, isCounted: false };
    if (frame.kind === "key") {
      this.#retireKey();
      this.#key = item;
      this.#keyPosition = this.end;
      this.#isWhole = true;
    } else {
      this.#isOver = !this.#count(item);
      const isOld = this.#key === undefined || nowMs - this.#key.leftMs > maxMs;
      if (this.#isOver || isOld) this.#isWhole = false;
    }
    this.#items.push(item);
    if (this.end - this.#first > maxFrames) this.#shift();
  }

  /**
   * Frees the frames that nobody needs. Viewers that are behind need everything from `position` on.
   */
  trim(position: number): void {
    const needed = this.#isWhole ? Math.min(position, this.#keyPosition) : position;
    while (this.#first < needed && this.#items.length > 0) this.#shift();
    this.#countOldKey();
  }

  /** Gives everything up. */
  clear(): void {
    this.#retireKey();
    this.#oldKey = undefined;
    this.#drop();
    this.#isWhole = false;
  }

  /** A newer key frame replaces this one: it is freed, or kept for viewers that are behind. */
  #retireKey(): void {
    this.#countOldKey();
    const key = this.#key;
    if (key === undefined) return;
    this.#key = undefined;
    if (this.#keyPosition < this.#first) return release(key.frame.data);
    this.#oldKey = key;
    this.#oldKeyPosition = this.#keyPosition;
  }

  /**
   * Counts an old key frame that is kept for viewers that are behind; without room for it, they
   * lose it.
   */
  #countOldKey(): void {
    const key = this.#oldKey;
    this.#oldKey = undefined;
    if (key === undefined || this.#oldKeyPosition < this.#first || this.#count(key)) return;
    while (this.#first < this.#keyPosition) this.#shift();
  }

  #count(item: Item): boolean {
    const { maxBytes, budget } = this.#options;
    const bytes = item.frame.data.byteLength;
    if (this.#bytes + bytes > maxBytes || !budget.take(bytes)) return false;
    this.#bytes += bytes;
    item.isCounted = true;
    return true;
  }

  #drop(): void {
    while (this.#items.length > 0) this.#shift();
    this.#isOver = false;
  }

  #shift(): void {
    const { frame, isCounted } = this.#items.shift();
    this.#first++;
    if (isCounted) {
      this.#bytes -= frame.data.byteLength;
      this.#options.budget.give(frame.data.byteLength);
    }
    if (frame === this.#key?.frame) this.#isWhole = false;
    else release(frame.data);
  }
}

function sizeOf(item: Departed | undefined): number {
  return item?.frame.data.byteLength ?? 0;
}
