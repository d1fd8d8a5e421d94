// @ts-check
/// <reference lib="dom" />
/**
 * The last minutes of a stream.
 *
 * @module
 */
import { lost } from "./figures.js";

/** @typedef {import("./status.js").Status} Status */

/** How far back a history goes, in milliseconds. */
export const HISTORY_MS = 5 * 60 * 1000;
/** Most moments that are kept, whatever the times say. */
const MAX_SAMPLES = 400;
/** Over how long bytes are counted for their rate, in milliseconds. */
const SENT_WINDOW_MS = 3000;

/**
 * A stream at one moment.
 *
 * @typedef {object} Sample
 * @property {number} atMs
 * @property {number} framesPerSecond
 * @property {number} bytesPerSecond
 * @property {number} dropped frames since the moment before
 * @property {number} sentBytes so far
 */

/** What a stream did in the last five minutes. */
export class History {
  /** @type {Sample[]} */ #samples = [];
  /** @type {number | undefined} */ #lost;

  /**
   * The moments, the newest last.
   *
   * @returns {readonly Sample[]}
   */
  get samples() {
    return this.#samples;
  }

  /**
   * @param {Status} status
   * @param {number} nowMs
   */
  add(status, nowMs) {
    const total = lost(status);
    // A counter that went back belongs to a stream that began anew.
    const before = this.#lost === undefined || this.#lost <= total ? this.#lost ?? total : 0;
    this.#lost = total;
    this.#samples.push({
      atMs: nowMs,
      framesPerSecond: status.framesPerSecond ?? 0,
      bytesPerSecond: status.bytesPerSecond ?? 0,
      dropped: total - before,
      sentBytes: status.sentBytes,
    });
    this.forget(nowMs);
  }

  /**
   * Forgets what is too old; false where nothing is left.
   *
   * @param {number} nowMs
   * @returns {boolean}
   */
  forget(nowMs) {
    const first = this.#samples.findIndex(({ atMs }) => atMs > nowMs - HISTORY_MS);
    const old = first < 0 ? this.#samples.length : first;
    this.#samples.splice(0, Math.max(old, this.#samples.length - MAX_SAMPLES));
    return this.#samples.length > 0;
  }

  /**
   * Bytes a second to all viewers; 0 before two moments are known.
   *
   * @returns {number}
   */
  sentPerSecond() {
    const last = this.#samples.at(-1);
    if (last === undefined) return 0;
    const first = this.#samples.find(({ atMs }) => atMs >= last.atMs - SENT_WINDOW_MS) ?? last;
    const seconds = (last.atMs - first.atMs) / 1000;
    return seconds > 0 ? Math.max(0, last.sentBytes - first.sentBytes) / seconds : 0;
  }
}
