/**
 * One stream from end to end: this process writes frames into the pipe of `stream publish` and reads
 * them from that of `stream watch --output -`, so that one clock times both.
 *
 * @module
 */
import { type BenchRelay, programLine } from "../relay.ts";
import { Ledger } from "./ledger.ts";
import type { NumberedFormat, NumberedFrames } from "./numbered_frames.ts";
import { NumberedReader } from "./numbered_reader.ts";
import { pause, Process } from "./process.ts";
import { schedule, type ScheduleOptions } from "./schedule.ts";

/** How often a relay is asked for a stream's state, in milliseconds. */
const POLL_MS = 50;
/** How long a process may take to do what it was started for. */
const PATIENCE_MS = 20_000;

/** What is known of a stream while it starts. */
export interface StreamState {
  readonly viewers: number;
  readonly publishing: boolean;
}

/** Where a stream is, and how its state is asked for. */
export interface Place {
  /** The address for `publish` and for `watch`. */
  readonly publishUrl: string;
  readonly watchUrl: string;
  state(): Promise<StreamState | undefined>;
}

/** Options of a {@linkcode Run}. */
export interface RunOptions {
  readonly place: Place;
  readonly frames: NumberedFrames;
  /** Options of `publish`, beside its format and address. */
  readonly publish?: readonly string[];
  /** What stands before the command of `publish` and of `watch`. */
  readonly publishIn?: readonly string[];
  readonly watchIn?: readonly string[];
  /** A file of the frames, which `publish` reads by itself. */
  readonly input?: string;
  /** How long the reader rests after each frame, which it reads by itself. @default {0} */
  readonly restMs?: number;
}

/** The stream `name` of a relay. */
export function placeOn(relay: BenchRelay, name: string): Place {
  const url = relay.url.replace(/live$/, name);
  return {
    publishUrl: url,
    watchUrl: url,
    state: async () => {
      const response = await fetch(`${relay.http}/api/streams/${name}`);
      const body = await response.json();
      return response.ok ? body : undefined;
    },
  };
}

/** Publisher and viewer of one stream. */
export class Run implements AsyncDisposable {
  readonly ledger = new Ledger();
  readonly publisher: Process;
  readonly viewer: Process;
  readonly #frames: NumberedFrames;
  readonly #reading: Promise<void>;
  #startMs = NaN;

  private constructor(publisher: Process, viewer: Process, options: RunOptions) {
    this.publisher = publisher;
    this.viewer = viewer;
    this.#frames = options.frames;
    const { restMs = 0 } = options;
    this.#reading = restMs > 0 ? this.#readSlowly(restMs) : this.#read();
    // What goes wrong is told at the end.
    this.#reading.catch(() => {});
  }

  /** Starts a viewer, and a publisher once the viewer is there. */
  static async start(options: RunOptions): Promise<Run> {
    const { place, frames, publish = [], publishIn = [], watchIn = [], input } = options;
    const watch = ["watch", "--output", "-", place.watchUrl];
    const viewer = new Process([...watchIn, ...programLine(), ...watch], { stdout: "piped" });
    let publisher: Process | undefined;
    try {
      await until(place, ({ viewers }) => viewers > 0, viewer);
      const format = frames.format === "raw" ? [] : ["--format", frames.format];
      const from = input === undefined ? [] : ["--input", input];
      const line = [...programLine(), "publish", ...format, ...from, ...publish, place.publishUrl];
      const stdin = input === undefined ? "piped" : "null";
      publisher = new Process([...publishIn, ...line], { stdin });
      if (input === undefined) await until(place, ({ publishing }) => publishing, publisher);
      return new Run(publisher, viewer, options);
    } catch (error) {
      await publisher?.[Symbol.asyncDispose]();
      await viewer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the frames are. */
  get format(): NumberedFormat {
    return this.#frames.format;
  }

  /** When the first frame was due, on this process's clock. */
  get startMs(): number {
    return this.#startMs;
  }

  /**
   * Writes frames for so many seconds, as a live source does: each when it is due, or as soon as the
   * pipe takes it, and what is overdue at once.
   */
  async pace(options: ScheduleOptions & { readonly seconds: number }): Promise<void> {
    const input = this.publisher.child.stdin.getWriter();
    const startMs = performance.now();
    const endMs = startMs + options.seconds * 1000;
    this.#startMs = startMs;
    let number = 0;
    try {
      for (const offsetMs of schedule(options)) {
        const dueMs = startMs + offsetMs;
        if (dueMs >= endMs) break;
        const frame = this.#frames.frame(number);
        while (performance.now() < dueMs) await pause(dueMs - performance.now());
        if (performance.now() >= endMs) break;
        this.ledger.write(number++, dueMs, performance.now());
        await input.write(frame);
      }
      await input.close();
    } catch {
      // The publisher has ended; what was not read is lost.
    }
    await this.#finish();
  }

  /** Writes so many frames as fast as the pipe takes them. */
  async pour(count: number): Promise<void> {
    const input = this.publisher.child.stdin.getWriter();
    this.#startMs = performance.now();
    for (let number = 0; number < count; number++) {
      const nowMs = performance.now();
      this.ledger.write(number, nowMs, nowMs);
      await input.write(this.#frames.frame(number));
    }
    await input.close();
    await this.#finish();
  }

  /** Waits for so many frames that come from a file. */
  async follow(count: number): Promise<void> {
    this.#startMs = performance.now();
    for (let number = 0; number < count; number++) {
      this.ledger.write(number, this.#startMs, this.#startMs);
    }
    await this.publisher.child.status;
    await this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.publisher[Symbol.asyncDispose]();
    await this.viewer[Symbol.asyncDispose]();
  }

  async #finish(): Promise<void> {
    await this.publisher.ended(PATIENCE_MS);
    await this.viewer.ended(PATIENCE_MS);
    await this.#reading;
  }

  async #read(): Promise<void> {
    const reader = new NumberedReader(this.#frames);
    for await (const chunk of this.viewer.child.stdout) {
      const nowMs = performance.now();
      reader.push(chunk);
      for (let number; (number = reader.next()) !== undefined;) this.ledger.read(number, nowMs);
    }
  }

  /** One frame at a time, and nothing beyond it, as a program that is busy with each frame. */
  async #readSlowly(restMs: number): Promise<void> {
    const frames = this.#frames;
    const reader = new NumberedReader(frames);
    const input = this.viewer.child.stdout.getReader({ mode: "byob" });
    const take = async (bytes: number): Promise<Uint8Array | undefined> => {
      const { value } = await input.read(new Uint8Array(bytes), { min: bytes });
      return value?.length === bytes ? value : undefined;
    };
    for (;;) {
      const head = await take(frames.headBytes);
      if (head === undefined) break;
      const rest = await take(frames.lengthOf(frames.numberOf(head)) - head.length);
      if (rest === undefined) break;
      const nowMs = performance.now();
      reader.push(head);
      reader.push(rest);
      this.ledger.read(reader.next()!, nowMs);
      await pause(restMs);
    }
    await input.cancel();
  }
}

/** Waits until a stream is as it should be, for which `process` was started. */
export async function until(
  place: Place,
  isReached: (state: StreamState) => boolean,
  process: Process,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const state = await place.state();
    if (state !== undefined && isReached(state)) return;
    if (performance.now() > endMs) {
      throw new Error(`Cannot go on: a process did not come to the relay: ${process.said}`);
    }
    await pause(POLL_MS);
  }
}
