/**
 * A number of bytes that many share.
 *
 * @module
 */

/** Counts bytes against a limit. */
export class ByteBudget {
  /** The limit in bytes. */
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes taken. */
  get used(): number {
    return this.#used;
  }

  /** Takes `bytes` where they fit; false where they do not. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  /** Gives `bytes` back that were taken. */
  give(bytes: number): void {
    this.#used -= bytes;
  }
}
