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

/** The clocks of the system. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
};
