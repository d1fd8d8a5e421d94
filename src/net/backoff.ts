/**
 * How long to wait before the next try to connect.
 *
 * @module
 */

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 3000;
/** Longest delay in milliseconds where somebody looks on, and wants the picture back. */
export const ATTENDED_MAX_DELAY_MS = 2000;

/**
 * The delay in milliseconds before try number `attempt` (from 0): doubles up to `maxDelayMs`, and
 * between half of it and the whole is chance (`random` in [0, 1)), so that the viewers of a lost
 * relay do not return as one.
 */
export function backoffMs(attempt: number, random: number, maxDelayMs = MAX_DELAY_MS): number {
  const delay = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
  return delay * (0.5 + random / 2);
}
