/**
 * A run of items that grows at its end and shrinks at its front.
 *
 * @module
 */

const FIRST_CAPACITY = 4;

/**
 * A queue with constant cost, in a ring buffer that grows and is then reused without allocating. It
 * has no limit of its own; the caller bounds it.
 */
export class Deque<T> {
  /** A power of two of places, or none. */
  #ring: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  /** Number of items. */
  get length(): number {
    return this.#length;
  }

  /** The oldest item. */
  get first(): T | undefined {
    return this.#ring[this.#head];
  }

  /** The newest item. */
  get last(): T | undefined {
    return this.at(this.#length - 1);
  }

  /** The item at `index`, from 0 for the oldest. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#ring[this.#place(index)];
  }

  /** Appends an item. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[this.#place(this.#length)] = item;
    this.#length++;
  }

  /** Removes and returns the oldest item; there must be one. */
  shift(): T {
    const item = this.#ring[this.#head]!;
    // What has left must not be kept from the garbage collector.
    this.#ring[this.#head] = undefined;
    this.#head = this.#place(1);
    this.#length--;
    return item;
  }

  #place(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1);
  }

  #grow(): void {
    const grown: (T | undefined)[] = new Array(Math.max(FIRST_CAPACITY, 2 * this.#length));
    for (let index = 0; index < this.#length; index++) grown[index] = this.at(index);
    this.#ring = grown.fill(undefined, this.#length);
    this.#head = 0;
  }
}
