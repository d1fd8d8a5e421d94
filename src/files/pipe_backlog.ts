/**
 * What stands in a pipe between a program and whoever reads from it.
 *
 * @module
 */

/** What a pipe holds on Linux (pipe(7)) and macOS, in bytes. */
export const PIPE_BYTES = 65_536;
/** A write that takes so long has waited for the reader, in milliseconds. */
const BLOCKED_MS = 5;
/** Longest time for which bytes are taken to stand in the pipe, in milliseconds. */
const MAX_READ_MS = 2000;
/** How much faster the reader may have become by each write that did not wait for it. */
const FASTER = 1.2;

/**
 * Tells when bytes that were written to a pipe have been read, as far as the writes can tell. After a
 * write that had to wait the pipe is full, and between two of them in a row the reader has taken what
 * the second one wrote. While no write waits, the reader is taken to become faster each time; where
 * the pipe had room that it cannot have had, nothing is known of the reader, and bytes count as read
 * once they are written.
 */
export class PipeBacklog {
  readonly #pipeBytes: number;
  /** Of the reader, in bytes a millisecond; `undefined` for one that keeps up. */
  #rate: number | undefined;
  /** The same as it was measured last. */
  #measured: number | undefined;
  #unreadBytes = 0;
  #atMs = 0;
  /** When the pipe was full after the last write. */
  #fullMs: number | undefined;

  constructor(pipeBytes = PIPE_BYTES) {
    this.#pipeBytes = pipeBytes;
  }

  /** Takes a write of `bytes`; returns when they will have been read, `endedMs` or later. */
  wrote(bytes: number, beganMs: number, endedMs: number): number {
    if (endedMs - beganMs >= BLOCKED_MS) {
      if (this.#fullMs !== undefined) this.#measured = bytes / (endedMs - this.#fullMs);
      this.#rate = this.#measured;
      this.#fullMs = endedMs;
      this.#unreadBytes = this.#pipeBytes;
    } else {
      const readBytes = (this.#rate ?? Infinity) * Math.max(0, endedMs - this.#atMs);
      this.#fullMs = undefined;
      this.#unreadBytes = Math.max(0, this.#unreadBytes - readBytes) + bytes;
      if (this.#unreadBytes > this.#pipeBytes) this.#rate = this.#measured = undefined;
      if (this.#rate !== undefined) this.#rate *= FASTER;
    }
    this.#atMs = endedMs;
    if (this.#rate === undefined) return endedMs;
    return endedMs + Math.min(this.#unreadBytes / this.#rate, MAX_READ_MS);
  }
}
