/**
 * Messages that have begun and have not ended.
 *
 * @module
 */
import type { Refusals } from "./refusals.ts";

/** Bytes from which on a message counts: most come with what is read at once. */
const MIN_COUNTED_BYTES = 262_144;

/** Why somebody is closed whose message is not finished. */
const WHY = "the relay is short of memory for unfinished messages (--max-memory)";

/** Whose message is not finished. */
export interface Sender {
  /** Ends the connection, of which nothing more is read. */
  giveUp(reason: string): void;
}

/**
 * Bounds what unfinished messages take together. Where it is too much, the one that has been unfinished
 * for the longest is given up: whoever sends as fast as he can is never the one.
 */
export class UnfinishedMessages {
  readonly #maxBytes: number;
  readonly #refusals: Refusals;
  /** Their bytes, those that have been unfinished for longer first. */
  readonly #senders = new Map<Sender, number>();
  #bytes = 0;

  /** `maxBytes`: most that they may take together, except that one message may always come. */
  constructor(maxBytes: number, refusals: Refusals) {
    this.#maxBytes = maxBytes;
    this.#refusals = refusals;
  }

  /** Bytes of all that count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes have come of the message that a sender has begun; 0 where there is none. */
  set(sender: Sender, bytes: number): void {
    const before = this.#senders.get(sender) ?? 0;
    if (bytes < MIN_COUNTED_BYTES) {
      if (before === 0) return;
      this.#senders.delete(sender);
      this.#bytes -= before;
      return;
    }
    this.#senders.set(sender, bytes);
    this.#bytes += bytes - before;
    while (this.#bytes > this.#maxBytes && this.#senders.size > 1) this.#giveUpOldest();
  }

  #giveUpOldest(): void {
    const [sender] = this.#senders.keys();
    this.set(sender!, 0);
    this.#refusals.add("memory", `closed a peer: ${WHY}`);
    sender!.giveUp(WHY);
  }
}
