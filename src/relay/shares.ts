/**
 * What the threads of one relay count together.
 *
 * @module
 */
import { Budget } from "../core/budget.ts";

/** Amounts that are counted: a row in the shared memory for each, with a place for each thread. */
const ROWS = ["underWay", "cached", "viewers", "handedIn", "takenIn"] as const;

/** The limits of a relay that hold for all threads together. */
export interface ShareLimits {
  /** Bytes for frames in queues and under way, in all. */
  readonly maxMemoryBytes: number;
  /** Most connections that watch or send without a protocol. */
  readonly maxViewers: number;
}

/** What one thread sees of the amounts that all count together. */
export interface Shares {
  /** Bytes under way to viewers. */
  readonly underWay: Budget;
  /** Bytes kept for viewers that come or are a little behind. */
  readonly cached: Budget;
  /** Viewers that are connected. */
  readonly viewers: Budget;
  /** Bytes that each thread has handed to the one that has the streams, ever. */
  readonly handedIn: Float64Array;
  /** Bytes that this one has taken from each, ever. */
  readonly takenIn: Float64Array;
}

/** Memory for the counts of so many threads. */
export function sharedMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ROWS.length * threads * Float64Array.BYTES_PER_ELEMENT);
}

/**
 * The counts in `memory` as the thread with the place `own` sees them. Of the memory for frames a
 * half is for queues; an eighth is for frames kept for viewers that come; the rest is for frames
 * under way.
 */
export function sharesIn(
  memory: ArrayBufferLike,
  own: number,
  { maxMemoryBytes, maxViewers }: ShareLimits,
): Shares {
  const threads = memory.byteLength / Float64Array.BYTES_PER_ELEMENT / ROWS.length;
  const row = (name: typeof ROWS[number]) =>
    new Float64Array(
      memory,
      ROWS.indexOf(name) * threads * Float64Array.BYTES_PER_ELEMENT,
      threads,
    );
  return {
    underWay: new Budget(maxMemoryBytes * 3 / 8, row("underWay"), own),
    cached: new Budget(maxMemoryBytes / 8, row("cached"), own),
    viewers: new Budget(maxViewers, row("viewers"), own),
    handedIn: row("handedIn"),
    takenIn: row("takenIn"),
  };
}

/** The counts of a relay that has one thread. */
export function ownShares(limits: ShareLimits): Shares {
  return sharesIn(new ArrayBuffer(ROWS.length * Float64Array.BYTES_PER_ELEMENT), 0, limits);
}

/** Forgets what a thread that is no more has counted. */
export function clearShares(memory: SharedArrayBuffer, own: number): void {
  const threads = memory.byteLength / Float64Array.BYTES_PER_ELEMENT / ROWS.length;
  const counts = new Float64Array(memory);
  for (let row = 0; row < ROWS.length; row++) counts[row * threads + own] = 0;
}
