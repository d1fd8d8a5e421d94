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
  #beganMs = 0;
  #cpuSeconds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins, again. */
  begin(): void {
    this.#beganMs = this.#clock.nowMs();
    this.#cpuSeconds = threadCpuSeconds();
  }

  /** The part of one core since `begin`, 0 to 1. */
  share(): number {
    const seconds = (this.#clock.nowMs() - this.#beganMs) / 1000;
    return seconds > 0 ? (threadCpuSeconds() - this.#cpuSeconds) / seconds : 0;
  }
}
