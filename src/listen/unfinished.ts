/**
 * Messages that have begun and have not ended.
 *
 * @module
 */
import type { Refusals } from "./refusals.ts";

/** Bytes from which on a message counts: others come with what is read at once. */
const MIN_COUNTED_BYTES = 65_536;

/** Why somebody is closed whose message is not finished. */
const WHY = "the relay is short of memory for unfinished messages (--max-memory)";

/** Whose message is not finished. */
export interface Sender {
  /** Ends the connection, of which nothing more is read. */
  giveUp(reason: string): void;
}

/** What the unfinished messages of all threads take together, in bytes. */
export interface UnfinishedCount {
  /** Most that they may take. */
  readonly limit: number;
  /** What they take. */
  readonly used: number;
  /** Counts so many more as this thread's. */
  hold(bytes: number): void;
}

/**
 * Bounds what unfinished messages take together. Where it is too much, the one that has been unfinished
 * for the longest is given up: whoever sends as fast as he can is never the one. Of several threads, those
 * give up that have more than an equal part.
 */
export class UnfinishedMessages {
  readonly #count: UnfinishedCount;
  /** What this thread may have at least. */
  readonly #partBytes: number;
  readonly #refusals: Refusals;
  /** Their bytes, those that have been unfinished for longer first. */
  readonly #senders = new Map<Sender, number>();
  #bytes = 0;

  /** `count` may be exceeded by one message of each of so many threads, which may always come. */
  constructor(count: UnfinishedCount, refusals: Refusals, threads = 1) {
    this.#count = count;
    this.#partBytes = count.limit / threads;
    this.#refusals = refusals;
  }

  /** Bytes of all that count in this thread. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes have come of the message that a sender has begun; 0 where there is none. */
  set(sender: Sender, bytes: number): void {
    const before = this.#senders.get(sender) ?? 0;
    if (bytes < MIN_COUNTED_BYTES) {
      if (before === 0) return;
      this.#senders.delete(sender);
      this.#add(-before);
      return;
    }
    this.#senders.set(sender, bytes);
    this.#add(bytes - before);
    this.check();
  }

  /** Makes room where it is too much, also where others have become more. */
  check(): void {
    const { limit } = this.#count;
    while (this.#senders.size > 1 && this.#bytes > this.#partBytes && this.#count.used > limit) {
      this.#giveUpOldest();
    }
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#count.hold(bytes);
  }

  #giveUpOldest(): void {
    const [sender] = this.#senders.keys();
    this.set(sender!, 0);
    this.#refusals.add("memory", `closed a peer: ${WHY}`);
    sender!.giveUp(WHY);
  }
}
