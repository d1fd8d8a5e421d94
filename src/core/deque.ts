/**
 * A run of items that grows at its end and shrinks at its front.
 *
 * @module
 */

/** First in, first out, at constant cost; whoever fills it bounds it. */
export class Deque<T> {
  #items: T[] = [];
  #head = 0;

  /** Number of items. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest item. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The newest item. */
  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  /** The item at `index`, from 0 for the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Appends an item. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the oldest item; there must be one. */
  shift(): T {
    const item = this.#items[this.#head]!;
    // What has left must not be kept from the garbage collector.
    this.#items[this.#head] = undefined as unknown as T;
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
