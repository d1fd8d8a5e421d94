/**
 * What a thread uses of its core, and what it is kept from.
 *
 * @module
 */
import process from "node:process";
import type { Clock } from "../host/clock.ts";

/** How often it is looked whether the thread gets to run, in milliseconds. */
const STEP_MS = 10;
/** A thread that does not get to run for so long stands still, in milliseconds: a tick at 30 fps. */
const STILL_MS = 33;

/** What a thread has used, as parts of the time. */
export interface Usage {
  /** CPU, as a part of one core. */
  readonly cpuShare: number;
  /** The time in which it did not get to run, busy or kept from its core by others. */
  readonly stillShare: number;
}

/** CPU of the calling thread in seconds since it began, user and system. */
export function threadCpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

/** Measures the calling thread. */
export class ThreadUsage {
  readonly #clock: Clock;
  #timer: ReturnType<typeof setInterval> | undefined;
  #beganMs = 0;
  #cpuSeconds = 0;
  #lastMs = 0;
  #stillMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins; a second time does nothing. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#beganMs = this.#lastMs = this.#clock.nowMs();
    this.#cpuSeconds = threadCpuSeconds();
    this.#timer = setInterval(() => this.#look(), STEP_MS);
  }

  /** Ends, and tells what was used; nothing where it has not begun. */
  end(): Usage {
    clearInterval(this.#timer);
    const seconds = (this.#clock.nowMs() - this.#beganMs) / 1000;
    if (this.#timer === undefined || seconds <= 0) return { cpuShare: 0, stillShare: 0 };
    this.#look();
    return {
      cpuShare: (threadCpuSeconds() - this.#cpuSeconds) / seconds,
      stillShare: this.#stillMs / 1000 / seconds,
    };
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    const lateMs = nowMs - this.#lastMs - STEP_MS;
    if (lateMs > STILL_MS) this.#stillMs += lateMs;
    this.#lastMs = nowMs;
  }
}
