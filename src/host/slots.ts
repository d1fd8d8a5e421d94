/**
 * Work of which only some may be under way at a time.
 *
 * @module
 */

/** Runs work in the order in which it comes, so much at a time. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** `count`: how much may be under way. */
  constructor(count: number) {
    this.#free = count;
  }

  /** What `work` gives, once it has had its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next !== undefined) next();
      else this.#free++;
    }
  }
}
