/**
 * CPU and memory of a process over time, read from /proc (Linux), for every relay the same way.
 *
 * @module
 */
import { usageOf } from "../relay.ts";

const SAMPLE_MS = 100;

/** What a process had used at an instant. */
export interface Sample {
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** User and system time since the process began, in seconds. */
  readonly cpuSeconds: number;
}

/**
 * User and system time until an instant, in seconds; between two samples the process is taken to
 * work evenly. Throws where the instant is not between two samples.
 */
export function cpuSecondsAt(samples: readonly Sample[], atMs: number): number {
  const next = samples.findIndex((sample) => sample.atMs >= atMs);
  const after = samples[next];
  if (after?.atMs === atMs) return after.cpuSeconds;
  const before = samples[next - 1];
  if (before === undefined || after === undefined) {
    throw new Error("Cannot tell the CPU time: the window is not within the record");
  }
  const share = (atMs - before.atMs) / (after.atMs - before.atMs);
  return before.cpuSeconds + share * (after.cpuSeconds - before.cpuSeconds);
}

/** What a process uses from the start to the end of this record. */
export class UsageRecord implements AsyncDisposable {
  readonly #pid: number;
  readonly #samples: Sample[] = [];
  readonly #running: Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #wake = () => {};

  constructor(pid: number) {
    this.#pid = pid;
    this.#running = this.#run();
  }

  /** Ends the record, with a last sample. */
  async stop(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#wake();
    await this.#running;
  }

  /** User and system time between two instants of the wall clock, in seconds. */
  cpuSecondsBetween(beginMs: number, endMs: number): number {
    return cpuSecondsAt(this.#samples, endMs) - cpuSecondsAt(this.#samples, beginMs);
  }

  /** The most memory that has been resident at once, in bytes. */
  peakBytes(): Promise<number> {
    return memoryOf(this.#pid, "VmHWM");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    await this.#sample();
    while (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#timer = setTimeout(resolve, SAMPLE_MS);
      });
      await this.#sample();
    }
  }

  async #sample(): Promise<void> {
    try {
      const { cpuSeconds } = await usageOf(this.#pid);
      this.#samples.push({ atMs: Date.now(), cpuSeconds });
    } catch {
      // The process has ended, which those see who have to do with it.
      this.#isOver = true;
    }
  }
}

/** A process's memory in bytes: the most so far, or now. */
export async function memoryOf(pid: number, what: "VmHWM" | "VmRSS"): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1024;
}
