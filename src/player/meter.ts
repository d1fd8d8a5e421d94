/**
 * Numbers over the last moments.
 *
 * @module
 */

/** Values of the last `windowMs` milliseconds. */
export class Window {
  readonly #windowMs: number;
  #entries: { atMs: number; value: number }[] = [];
  #firstMs = Infinity;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(value: number, nowMs: number): void {
    this.#firstMs = Math.min(this.#firstMs, nowMs);
    this.#entries.push({ atMs: nowMs, value });
    this.#forget(nowMs);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = [];
    this.#firstMs = Infinity;
  }

  /** How many values there are a second. */
  rate(nowMs: number): number {
    this.#forget(nowMs);
    return this.#entries.length / this.#seconds(nowMs);
  }

  /** Sum of the values a second. */
  sumRate(nowMs: number): number {
    this.#forget(nowMs);
    return this.#entries.reduce((sum, { value }) => sum + value, 0) / this.#seconds(nowMs);
  }

  /** The middle one of the values; `undefined` where there is none. */
  median(nowMs: number): number | undefined {
    this.#forget(nowMs);
    const values = this.#entries.map(({ value }) => value).sort((a, b) => a - b);
    return values[values.length >> 1];
  }

  /** Seconds over which the values came: less than the window in its first moments. */
  #seconds(nowMs: number): number {
    return Math.min(this.#windowMs, Math.max(250, nowMs - this.#firstMs)) / 1000;
  }

  #forget(nowMs: number): void {
    const first = this.#entries.findIndex(({ atMs }) => atMs > nowMs - this.#windowMs);
    if (first !== 0) this.#entries.splice(0, first < 0 ? this.#entries.length : first);
  }
}
