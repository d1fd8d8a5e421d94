// @ts-check
/// <reference lib="dom" />
/**
 * How long to wait before the next try to connect.
 *
 * @module
 */

const FIRST_DELAY_MS = 100;
/** Below the 3 s of other clients: somebody looks at this one, and wants the picture back. */
const MAX_DELAY_MS = 2000;

/** Codes with which a connection ends that is worth another try; 1005 and 1006: without a code. */
const RETRY = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014, 4002, 4007]);

/**
 * Milliseconds before try number `attempt` (from 0): doubled each time up to a cap, and a part of up
 * to half of it, by chance (`random` from 0 to 1), left out.
 *
 * @param {number} attempt
 * @param {number} random
 * @returns {number}
 */
export function backoffMs(attempt, random) {
  const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
  return delay * (0.5 + random / 2);
}

/**
 * Whether to connect again after a connection that ended with `code`.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function mayRetry(code) {
  return RETRY.has(code);
}
