/**
 * The memory of a relay: what each part of it gets, and what is used of that.
 *
 * @module
 */
import { Budget } from "../core/budget.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";

/** Most bytes that one publisher may have in the queue and under way. */
const MAX_CREDIT_BYTES = 32 * 1024 * 1024;

/** What a message on its way to another thread costs beside its bytes: measured, rounded up. */
const MESSAGE_COST_BYTES = 512;

/** What the parts of a relay are planned by. */
export interface MemoryLimits {
  /** Bytes for frames in queues and under way, in all. */
  readonly maxMemoryBytes: number;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** Most connections that watch or send without a protocol. */
  readonly maxViewers: number;
}

/** What each part of a relay gets, in bytes; all its threads together, where nothing else is said. */
export interface MemoryPlan {
  /** For the queues of all streams. */
  readonly queuesBytes: number;
  /** For frames kept for viewers that come or are a little behind. */
  readonly cachedBytes: number;
  /** For frames under way to viewers. */
  readonly underWayBytes: number;
  /** For frames under way to one viewer. */
  readonly viewerBytes: number;
  /** Of those under way, for viewers who take what they get. */
  readonly reserveBytes: number;
  /** With so much under way, viewers that take nothing give way. */
  readonly shortBytes: number;
  /** With so much of it held for peers that were closed and do not go, no more viewers come. */
  readonly heldBytes: number;
  /** For messages that have not come whole, beside all the rest. */
  readonly unfinishedBytes: number;
  /** For one publisher, in the queue and under way. */
  readonly creditBytes: number;
  /** For what one thread has handed to the one that has the streams, which has not taken it in. */
  readonly handedInBytes: number;
}

/**
 * Divides the memory: half is for queues, an eighth for cached frames, and the rest for frames
 * under way, of which one viewer may use a quarter. In addition, each other thread may receive as
 * much as the queues have.
 */
export function memoryPlan({ maxMemoryBytes }: MemoryLimits): MemoryPlan {
  const underWayBytes = maxMemoryBytes * 3 / 8;
  return {
    queuesBytes: maxMemoryBytes / 2,
    cachedBytes: maxMemoryBytes / 8,
    underWayBytes,
    viewerBytes: underWayBytes / 4,
    reserveBytes: underWayBytes / 8,
    shortBytes: underWayBytes * 3 / 4,
    heldBytes: underWayBytes / 2,
    unfinishedBytes: maxMemoryBytes / 4,
    creditBytes: MAX_CREDIT_BYTES,
    handedInBytes: maxMemoryBytes / 2,
  };
}

/**
 * What each queue gets when there are this many streams: equal parts, but room for at least one
 * frame.
 */
export function queueBytes(limits: MemoryLimits, streams: number): number {
  const { queuesBytes } = memoryPlan(limits);
  return Math.max(Math.floor(queuesBytes / Math.max(1, streams)), limits.maxFrameBytes);
}

/** Amounts that are counted: a row in the shared memory for each, with a place for each thread. */
const ROWS = ["underWay", "held", "cached", "viewers", "handedIn", "takenIn"] as const;

/** Room for the counts of so many threads, which they share. */
export function sharedCounts(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ROWS.length * threads * Float64Array.BYTES_PER_ELEMENT);
}

/** Forgets what a thread that is no more has counted. */
export function clearCounts(counts: SharedArrayBuffer, own: number): void {
  const threads = threadsIn(counts);
  const places = new Float64Array(counts);
  for (let row = 0; row < ROWS.length; row++) places[row * threads + own] = 0;
}

/** What a relay uses of its memory and places, counted by all its threads together. */
export class Memory {
  readonly plan: MemoryPlan;
  /** Bytes under way to viewers, and to those that were closed and have not gone. */
  readonly underWay: Budget;
  /** Bytes kept for viewers that come or are a little behind. */
  readonly cached: Budget;
  readonly #held: Budget;
  readonly #viewers: Budget;
  /** Bytes that each thread has handed to the one that has the streams, and that it has taken, ever. */
  readonly #handedIn: Float64Array;
  readonly #takenIn: Float64Array;
  readonly #own: number;

  /** `counts` as the thread with the place `own` sees it; alone it needs no other. */
  constructor(
    limits: MemoryLimits,
    counts: ArrayBufferLike = new ArrayBuffer(ROWS.length * Float64Array.BYTES_PER_ELEMENT),
    own = 0,
  ) {
    const threads = threadsIn(counts);
    const row = (name: typeof ROWS[number]) =>
      new Float64Array(
        counts,
        ROWS.indexOf(name) * threads * Float64Array.BYTES_PER_ELEMENT,
        threads,
      );
    this.plan = memoryPlan(limits);
    this.underWay = new Budget(this.plan.underWayBytes, row("underWay"), own);
    this.#held = new Budget(this.plan.heldBytes, row("held"), own);
    this.cached = new Budget(this.plan.cachedBytes, row("cached"), own);
    this.#viewers = new Budget(limits.maxViewers, row("viewers"), own);
    this.#handedIn = row("handedIn");
    this.#takenIn = row("takenIn");
    this.#own = own;
  }

  /**
   * Counts somebody in who watches, or who sends without a protocol.
   *
   * @throws {ProtocolError} when there are as many as may be, or when those that were closed hold too
   * much
   */
  admit(): void {
    if (this.#held.used >= this.#held.limit) {
      throw new ProtocolError(
        CLOSE.tryAgainLater,
        "the relay's memory is held for clients that were closed and do not go (--max-memory)",
      );
    }
    if (this.#viewers.take(1)) return;
    const { limit } = this.#viewers;
    throw new ProtocolError(
      CLOSE.full,
      `the relay has reached its limit of viewers (--max-viewers ${limit})`,
    );
  }

  /** Counts out who was counted in. */
  release(): void {
    this.#viewers.give(1);
  }

  /** Counts bytes that a socket holds which was closed, until it is gone. */
  hold(bytes: number): void {
    this.underWay.hold(bytes);
    this.#held.hold(bytes);
  }

  /** Counts bytes out that were held: the socket is gone. */
  letGo(bytes: number): void {
    this.underWay.give(bytes);
    this.#held.give(bytes);
  }

  /** Counts a message of so many bytes as handed in by this thread; false where too many have not been taken in. */
  handIn(bytes: number): boolean {
    const own = this.#own;
    if (this.#handedIn[own]! - this.#takenIn[own]! > this.plan.handedInBytes) return false;
    this.#handedIn[own]! += bytes + MESSAGE_COST_BYTES;
    return true;
  }

  /** Counts a message of so many bytes as taken in from the thread with the place `from`. */
  takeIn(from: number, bytes: number): void {
    this.#takenIn[from]! += bytes + MESSAGE_COST_BYTES;
  }
}

function threadsIn(counts: ArrayBufferLike): number {
  return counts.byteLength / Float64Array.BYTES_PER_ELEMENT / ROWS.length;
}
