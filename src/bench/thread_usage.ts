/**
 * What a thread uses of its core.
 *
 * @module
 */
import process from "node:process";
import type { Clock } from "../host/clock.ts";

/** CPU of the calling thread in seconds since it began, user and system. */
export function threadCpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

/** Measures the calling thread from `begin` to `share`. */
export class ThreadUsage {
  readonly #clock: Clock;
  #beganMs: number | undefined;
  #cpuSeconds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins; a second time does nothing. */
  begin(): void {
    if (this.#beganMs !== undefined) return;
    this.#beganMs = this.#clock.nowMs();
    this.#cpuSeconds = threadCpuSeconds();
  }

  /** The part of one core since `begin`, 0 to 1; 0 where it has not begun. */
  share(): number {
    if (this.#beganMs === undefined) return 0;
    const seconds = (this.#clock.nowMs() - this.#beganMs) / 1000;
    return seconds > 0 ? (threadCpuSeconds() - this.#cpuSeconds) / seconds : 0;
  }
}
