// @ts-check
/// <reference lib="dom" />
/**
 * Numbers over the last moments.
 *
 * @module
 */

/** Values of the last `windowMs` milliseconds. */
export class Window {
  /** @readonly */ #windowMs;
  /** @type {{ atMs: number, value: number }[]} */ #entries = [];
  #firstMs = Infinity;

  /** @param {number} windowMs */
  constructor(windowMs) {
    this.#windowMs = windowMs;
  }

  /**
   * @param {number} value
   * @param {number} nowMs
   */
  add(value, nowMs) {
    this.#firstMs = Math.min(this.#firstMs, nowMs);
    this.#entries.push({ atMs: nowMs, value });
    this.#forget(nowMs);
  }

  /** Forgets everything. */
  clear() {
    this.#entries = [];
    this.#firstMs = Infinity;
  }

  /**
   * How many values there are a second.
   *
   * @param {number} nowMs
   * @returns {number}
   */
  rate(nowMs) {
    this.#forget(nowMs);
    return this.#entries.length / this.#seconds(nowMs);
  }

  /**
   * Sum of the values a second.
   *
   * @param {number} nowMs
   * @returns {number}
   */
  sumRate(nowMs) {
    this.#forget(nowMs);
    return this.#entries.reduce((sum, { value }) => sum + value, 0) / this.#seconds(nowMs);
  }

  /**
   * The middle one of the values; `undefined` where there is none.
   *
   * @param {number} nowMs
   * @returns {number | undefined}
   */
  median(nowMs) {
    this.#forget(nowMs);
    const values = this.#entries.map(({ value }) => value).sort((a, b) => a - b);
    return values[values.length >> 1];
  }

  /**
   * Seconds over which the values came: less than the window in its first moments.
   *
   * @param {number} nowMs
   * @returns {number}
   */
  #seconds(nowMs) {
    return Math.min(this.#windowMs, Math.max(250, nowMs - this.#firstMs)) / 1000;
  }

  /** @param {number} nowMs */
  #forget(nowMs) {
    const first = this.#entries.findIndex(({ atMs }) => atMs > nowMs - this.#windowMs);
    if (first !== 0) this.#entries.splice(0, first < 0 ? this.#entries.length : first);
  }
}
