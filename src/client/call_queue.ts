/**
 * Calls of which each waits for the one before.
 *
 * @module
 */

/** Runs calls one after another, in the order in which they were made. */
export class CallQueue {
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Calls that run or wait. */
  get length(): number {
    return this.#length;
  }

  /** Runs `call` once all calls before it are over, however they ended. */
  async run<T>(call: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(call);
    this.#last = turn.catch(() => {});
    this.#length++;
    try {
      return await turn;
    } finally {
      this.#length--;
    }
  }
}
