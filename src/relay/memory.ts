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
export const MESSAGE_COST_BYTES = 512;

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
  /** For what publishers have sent, until it is under way or cached. */
  readonly publishedBytes: number;
  /** Of that, for the queues of all streams, which share it equally. */
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
  /** Of what is published, for messages that have not come whole. */
  readonly unfinishedBytes: number;
  /** Of what is published, for the newest frames of streams, as threads that send have them. */
  readonly mirroredBytes: number;
  /** For one publisher, in the queue and under way. */
  readonly creditBytes: number;
  /** For what one thread has handed to the one that has the streams, which has not taken it in. */
  readonly handedInBytes: number;
}

/**
 * Divides the memory: half is for what publishers have sent, an eighth for cached frames, and the
 * rest for frames under way, of which one viewer may use a quarter.
 */
export function memoryPlan({ maxMemoryBytes }: MemoryLimits): MemoryPlan {
  const underWayBytes = maxMemoryBytes * 3 / 8;
  return {
    publishedBytes: maxMemoryBytes / 2,
    queuesBytes: maxMemoryBytes / 4,
    cachedBytes: maxMemoryBytes / 8,
    underWayBytes,
    viewerBytes: underWayBytes / 4,
    reserveBytes: underWayBytes / 8,
    shortBytes: underWayBytes * 3 / 4,
    heldBytes: underWayBytes / 2,
    unfinishedBytes: maxMemoryBytes / 4,
    mirroredBytes: maxMemoryBytes / 8,
    creditBytes: MAX_CREDIT_BYTES,
    handedInBytes: maxMemoryBytes / 4,
  };
}

/** What a stream's queue gets, in bytes. */
export interface QueueShare {
  /** Most bytes in it: a part, but room for at least one frame. */
  readonly maxBytes: number;
  /** Most that a publisher may begin to send: a part, which its last frame may exceed. */
  readonly creditBytes: number;
}

/** What each queue gets when there are this many streams: equal parts. */
export function queueShare(limits: MemoryLimits, streams: number): QueueShare {
  const { queuesBytes, creditBytes } = memoryPlan(limits);
  const part = Math.max(1, Math.floor(queuesBytes / Math.max(1, streams)));
  return {
    maxBytes: Math.max(part, limits.maxFrameBytes),
    creditBytes: Math.min(part, creditBytes),
  };
}

/** Amounts that are counted: a row in the shared memory for each, with a place for each thread. */
const ROWS = [
  "underWay",
  "held",
  "cached",
  "viewers",
  "unfinished",
  "kept",
  "handedIn",
  "takenIn",
  "numbered",
] as const;

/** What goes on where another thread takes the place of one that is no more. */
const LASTING: readonly typeof ROWS[number][] = ["numbered"];

/** Room for the counts of so many threads, which they share. */
export function sharedCounts(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ROWS.length * threads * Float64Array.BYTES_PER_ELEMENT);
}

/** Forgets what a thread that is no more has counted. */
export function clearCounts(counts: SharedArrayBuffer, own: number): void {
  const threads = threadsIn(counts);
  const places = new Float64Array(counts);
  ROWS.forEach((name, row) => {
    if (!LASTING.includes(name)) places[row * threads + own] = 0;
  });
}

/** What a relay uses of its memory and places, counted by all its threads together. */
export class Memory {
  readonly plan: MemoryPlan;
  /** Bytes under way to viewers, and to those that were closed and have not gone. */
  readonly underWay: Budget;
  /** Bytes kept for viewers that come or are a little behind. */
  readonly cached: Budget;
  /** Bytes of messages that have not come whole. */
  readonly unfinished: Budget;
  /** Bytes of frames that streams keep: see {@linkcode KeptFrames}. */
  readonly kept: Budget;
  readonly #held: Budget;
  readonly #viewers: Budget;
  /** Bytes that each thread has handed to the one that has the streams, and that it has taken, ever. */
  readonly #handedIn: Float64Array;
  readonly #takenIn: Float64Array;
  /** Viewers that each thread has given a number, ever. */
  readonly #numbered: Float64Array;
  readonly #own: number;
  readonly #maxFrameBytes: number;

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
    this.unfinished = new Budget(this.plan.unfinishedBytes, row("unfinished"), own);
    this.kept = new Budget(this.plan.publishedBytes, row("kept"), own);
    this.#viewers = new Budget(limits.maxViewers, row("viewers"), own);
    this.#handedIn = row("handedIn");
    this.#takenIn = row("takenIn");
    this.#numbered = row("numbered");
    this.#own = own;
    this.#maxFrameBytes = limits.maxFrameBytes;
  }

  /** Threads that send to viewers beside the one that has the streams. */
  get #senders(): number {
    return Math.max(1, this.#handedIn.length - 1);
  }

  /**
   * Most bytes that this thread may keep now of what is published: the one that has the streams, what
   * others leave of it; the others, a part each. One frame is always on top.
   */
  keepBytes(): number {
    const { publishedBytes, unfinishedBytes, mirroredBytes } = this.plan;
    if (this.#own > 0) return mirroredBytes / this.#senders + this.#maxFrameBytes;
    const byOthers = this.unfinished.used + this.kept.usedByOthers + this.#underWayIn();
    const leastBytes = publishedBytes - unfinishedBytes - mirroredBytes;
    return Math.max(publishedBytes - byOthers, leastBytes) + this.#maxFrameBytes;
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

  /** A number for a viewer, which no thread of the relay gives to another one, ever. */
  numberViewer(): number {
    return ++this.#numbered[this.#own]! * this.#numbered.length + this.#own;
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

  /** Bytes that this thread has handed in and that have been taken in, ever. */
  get takenIn(): number {
    return this.#takenIn[this.#own]!;
  }

  /** Bytes that this thread has handed in and that have not been taken in. */
  get waitingIn(): number {
    return this.#handedIn[this.#own]! - this.takenIn;
  }

  /** Counts a message of so many bytes as handed in by this thread; returns all that ever was. */
  handIn(bytes: number): number {
    return this.#handedIn[this.#own]! += bytes + MESSAGE_COST_BYTES;
  }

  /** Counts a message of so many bytes as taken in from the thread with the place `from`. */
  takeIn(from: number, bytes: number): void {
    this.#takenIn[from]! += bytes + MESSAGE_COST_BYTES;
  }

  /** Bytes on their way to the thread that has the streams. */
  #underWayIn(): number {
    let bytes = 0;
    for (let at = 0; at < this.#handedIn.length; at++) {
      bytes += this.#handedIn[at]! - this.#takenIn[at]!;
    }
    return bytes;
  }
}

function threadsIn(counts: ArrayBufferLike): number {
  return counts.byteLength / Float64Array.BYTES_PER_ELEMENT / ROWS.length;
}
