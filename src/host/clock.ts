/**
 * The clocks of this process.
 *
 * @module
 */

/** Where instants come from. */
export interface Clock {
  /** Milliseconds of a clock that never goes back; its zero means nothing. */
  nowMs(): number;
  /** Microseconds since the Unix epoch. */
  wallUs(): number;
}

/**
 * The clocks of the system, for a thread that compares its instants with those of another one whose
 * `performance.timeOrigin` is `originMs`.
 */
export function threadClock(originMs: number): Clock {
  const behindMs = performance.timeOrigin - originMs;
  return { nowMs: () => performance.now() + behindMs, wallUs: systemClock.wallUs };
}

/** The clocks of the system. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
};
