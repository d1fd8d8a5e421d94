/**
 * Where one feed stands among the frames that have left the queue.
 *
 * @module
 */
import type { Departed, GopCache } from "./gop_cache.ts";

/**
 * A reader's place in a {@linkcode GopCache}. It only moves forward: to the next frame, or past
 * some.
 */
export class CacheReader {
  #cache: GopCache | undefined;
  #next = 0;
  #isClosed = false;

  /** Begins to read `cache` at `position`. */
  open(cache: GopCache, position: number): void {
    this.#cache = cache;
    this.#next = position;
  }

  /** Reads no more: nothing waits here. */
  close(): void {
    this.#isClosed = true;
  }

  /** Position in the cache of the next frame to read. */
  get position(): number {
    return this.#next;
  }

  /** Position behind the newest frame; 0 before there is a cache. */
  get end(): number {
    return this.#cache?.end ?? 0;
  }

  /** Frames that have left the queue and are yet to be read. */
  get waiting(): number {
    return this.#cache === undefined || this.#isClosed ? 0 : this.#cache.end - this.#next;
  }

  /** Position from which on frames must be kept; `Infinity` where none is yet to be read. */
  get needsFrom(): number {
    return this.waiting > 0 ? this.#next : Infinity;
  }

  /**
   * The next frame, if there is one; `undefined` also where its memory was needed for newer frames.
   */
  get next(): Departed | undefined {
    return this.#cache!.at(this.#next);
  }

  /** Whether the next frame is the newest key frame. */
  get isAtNewestKey(): boolean {
    return this.#cache!.keyPosition === this.#next;
  }

  /** Whether a newer key frame than the next frame waits. */
  get hasNewerKey(): boolean {
    return this.#cache!.keyPosition > this.#next;
  }

  /** Frames to skip to reach a newer key frame; all that wait where there is none. */
  get untilNewer(): number {
    const { keyPosition, end } = this.#cache!;
    return (keyPosition > this.#next ? keyPosition : end) - this.#next;
  }

  /** Goes on behind so many frames. */
  pass(frames: number): void {
    this.#next += frames;
  }
}
