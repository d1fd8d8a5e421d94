/**
 * What streams keep of their own: frames that wait in their queues, and the newest ones.
 *
 * @module
 */
import type { Memory } from "./memory.ts";

/** A stream that keeps frames. */
export interface Keeper {
  /** Bytes of frames that wait in its queue. */
  readonly queuedBytes: number;
  /** Gives up the newest frames that have left the queue: viewers that come wait for the next one. */
  forget(): void;
  /** Drops the oldest frame of the queue, and what needs it. */
  shed(): void;
}

/**
 * Counts what the streams of a thread keep, and makes room where it is too much. Those that keep more
 * than an equal part give up what only viewers that come would get, the largest first, and then what
 * waits. So nobody loses anything by others who have a lot, and a stream alone loses nothing at all.
 */
export class KeptFrames {
  readonly #memory: Memory;
  readonly #bytesOf = new Map<Keeper, number>();
  #bytes = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** What all keep together, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A stream keeps so many bytes from now on. */
  set(keeper: Keeper, bytes: number): void {
    const more = bytes - (this.#bytesOf.get(keeper) ?? 0);
    if (more === 0) return;
    if (bytes === 0) this.#bytesOf.delete(keeper);
    else this.#bytesOf.set(keeper, bytes);
    this.#bytes += more;
    this.#memory.kept.hold(more);
    if (more > 0) this.makeRoom(keeper);
  }

  /** Makes room where others need it, or where a frame has just come to the stream `newest`. */
  makeRoom(newest?: Keeper): void {
    if (this.#bytesOf.size < 2) return;
    const maxBytes = this.#memory.keepBytes();
    if (this.#bytes <= maxBytes) return;
    const partBytes = maxBytes / this.#bytesOf.size;
    const large = [...this.#bytesOf].filter(([, bytes]) => bytes > partBytes)
      .sort(([, a], [, b]) => b - a)
      .map(([keeper]) => keeper);
    for (const keeper of large) {
      if (this.#bytes <= maxBytes) return;
      // What has just come and has left already is what its viewers are to get.
      if (keeper !== newest || keeper.queuedBytes > 0) keeper.forget();
    }
    while (this.#bytes > maxBytes) {
      const fullest = mostQueued(large, newest);
      if (fullest === undefined) return;
      fullest.shed();
    }
  }
}

/** Who has the most in the queue; of several, `newest`: what waits for longer is nearer to its tick. */
function mostQueued(keepers: readonly Keeper[], newest: Keeper | undefined): Keeper | undefined {
  let most: Keeper | undefined;
  for (const keeper of keepers) {
    const bytes = keeper.queuedBytes;
    const mostBytes = most?.queuedBytes ?? 0;
    if (bytes > mostBytes || (bytes === mostBytes && bytes > 0 && keeper === newest)) most = keeper;
  }
  return most;
}
