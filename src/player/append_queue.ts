/**
 * Pieces of a film that wait until the browser takes them.
 *
 * @module
 */
import type { Fragment } from "./fragments.ts";

/** Most that waits: more than a key frame and all that follows it, as a relay sends it to who joins. */
const MAX_FRAGMENTS = 1200;
const MAX_BYTES = 64 * 1024 * 1024;
/** Most bytes of what is handed over at once. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Keeps fragments in their order, up to a limit. */
export class AppendQueue {
  #waiting: Fragment[] = [];
  #bytes = 0;

  /** Fragments that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Whether there is room for more; where there is none, what waits is to be given up. */
  get isOver(): boolean {
    return this.#waiting.length > MAX_FRAGMENTS || this.#bytes > MAX_BYTES;
  }

  /** Adds a fragment. A run that begins makes all that waits old: returns how many that were. */
  push(fragment: Fragment): number {
    const old = fragment.runUs === undefined ? 0 : this.clear();
    this.#waiting.push(fragment);
    this.#bytes += fragment.size;
    return old;
  }

  /** The next fragments, which belong to one run: only the first may begin it. */
  take(): Fragment[] {
    let bytes = 0;
    let count = 0;
    for (const { size, runUs } of this.#waiting) {
      if (count > 0 && (bytes + size > MAX_BATCH_BYTES || runUs !== undefined)) break;
      bytes += size;
      count++;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  /** Gives up what waits; returns how many fragments that are. */
  clear(): number {
    const { length } = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return length;
  }
}
