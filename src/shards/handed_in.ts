/**
 * What a thread hands to the one that has the streams, and who may hand in more.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { type Memory, MESSAGE_COST_BYTES } from "../relay/memory.ts";

interface Message {
  readonly peer: number;
  /** Bytes that it costs. */
  readonly cost: number;
  /** Where it ends among all bytes that were ever handed in. */
  readonly endBytes: number;
}

/**
 * Counts messages until they are taken in, which happens in the order in which they were handed in. Where
 * too much waits, only those may hand in more who have little of it there.
 */
export class HandedIn {
  readonly #memory: Memory;
  readonly #waiting = new Deque<Message>();
  /** Bytes that wait, by peer. */
  readonly #bytesOf = new Map<number, number>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Counts a message of so many bytes of a peer; false where it is too much. */
  admit(peer: number, bytes: number): boolean {
    this.#forgetTaken();
    const { waitingIn, plan: { handedInBytes } } = this.#memory;
    const before = this.#bytesOf.get(peer) ?? 0;
    const after = before + bytes + MESSAGE_COST_BYTES;
    const isOver = waitingIn > handedInBytes;
    if (isOver && after > handedInBytes / (this.#bytesOf.size + 1)) return false;
    this.#waiting.push({ peer, cost: after - before, endBytes: this.#memory.handIn(bytes) });
    this.#bytesOf.set(peer, after);
    return true;
  }

  #forgetTaken(): void {
    const { takenIn } = this.#memory;
    for (;;) {
      const first = this.#waiting.first;
      if (first === undefined || first.endBytes > takenIn) return;
      this.#waiting.shift();
      const left = this.#bytesOf.get(first.peer)! - first.cost;
      if (left > 0) this.#bytesOf.set(first.peer, left);
      else this.#bytesOf.delete(first.peer);
    }
  }
}
