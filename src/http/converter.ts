/**
 * Converts pictures in a thread of its own, one after the other, and lets no stream wait for another's.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { openWorker, Thread } from "../host/thread.ts";
import type { ConvertAnswer, ConvertRequest } from "./convert_worker.ts";

/**
 * How long a stream's next picture waits, as a multiple of the time that its last one took: a stream
 * uses a seventh of a core, and V8's garbage collection little more.
 */
const REST = 6;

/** Longest that a picture may take, in milliseconds; the largest take a second or two, the worst five. */
const MAX_PICTURE_MS = 10_000;

/** How long no thread is started after one has died, in milliseconds. */
const RESTART_MS = 1000;

/** A turn: returns what to convert by then, or `undefined` where that is no longer needed. */
export type Turn = () => ConvertRequest | undefined;

/** For whom a picture is converted. */
export interface ConvertFor {
  /** The stream, which uses up its own share of the thread's time and nobody else's. */
  readonly stream: object;
  /** How many pixels the picture has, as far as is known: small ones do not wait for large ones. */
  readonly pixels: number;
}

interface Waiting extends ConvertFor {
  readonly turn: Turn;
  readonly done: (result: Uint8Array<ArrayBuffer> | undefined) => void;
  readonly failed: (error: StreamError) => void;
}

/** Options of a {@linkcode Converter}. */
export interface ConverterOptions {
  /** How many of them share what one may use of a core. @default {1} */
  readonly threads?: number;
  /** Longest that a picture may take, in milliseconds. @default {10000} */
  readonly maxPictureMs?: number;
  /** Starts the thread. */
  readonly openThread?: () => Worker;
}

/**
 * Converts pictures for all streams of a relay. A stream rests behind each of its pictures, and the
 * longer the more streams there are, so that all of them leave the thread idle for half of the time.
 * Therefore the smallest picture can always be the next one, and large ones still have their turn.
 */
export class Converter {
  readonly #clock: Clock;
  readonly #openThread: () => Worker;
  readonly #threads: number;
  readonly #maxPictureMs: number;
  readonly #restedAtMs = new WeakMap<object, number>();
  #thread: Thread<ConvertRequest, ConvertAnswer> | undefined;
  #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #reopensAtMs = -Infinity;
  #wake: ReturnType<typeof setTimeout> | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(clock: Clock, options: ConverterOptions = {}) {
    const { threads = 1, maxPictureMs = MAX_PICTURE_MS, openThread = openConvertThread } = options;
    this.#clock = clock;
    this.#openThread = openThread;
    this.#threads = threads;
    this.#maxPictureMs = maxPictureMs;
  }

  /**
   * Converts what `turn` returns once it is this stream's turn; `undefined` where it returns nothing, or
   * the relay stops.
   * Whoever calls has one call under way for each stream and format, which bounds the queue.
   *
   * @throws {StreamError} `failed`, where that cannot be converted, or takes too long
   */
  convert(
    turn: Turn,
    { stream, pixels }: ConvertFor,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return new Promise((done, failed) => {
      this.#waiting.push({ turn, stream, pixels, done, failed });
      this.#next();
    });
  }

  /** Ends the thread; what waits for it comes to nothing. Repeating it does nothing. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#wake);
    this.#endThread();
    this.#running?.done(undefined);
    this.#running = undefined;
    for (const { done } of this.#waiting.splice(0)) done(undefined);
  }

  #next(): void {
    if (this.#isStopped) return this.stop();
    clearTimeout(this.#wake);
    while (this.#running === undefined && this.#waiting.length > 0) {
      const next = this.#smallestReady();
      if (next === undefined) return this.#wakeLater();
      this.#waiting = this.#waiting.filter((other) => other !== next);
      const request = next.turn();
      if (request === undefined) next.done(undefined);
      else this.#begin(next, request);
    }
  }

  #smallestReady(): Waiting | undefined {
    const nowMs = this.#clock.nowMs();
    let smallest: Waiting | undefined;
    for (const each of this.#waiting) {
      if (this.#readyAtMs(each) > nowMs) continue;
      if (smallest === undefined || each.pixels < smallest.pixels) smallest = each;
    }
    return smallest;
  }

  #readyAtMs({ stream }: Waiting): number {
    return Math.max(this.#restedAtMs.get(stream) ?? -Infinity, this.#reopensAtMs);
  }

  #wakeLater(): void {
    const firstMs = Math.min(...this.#waiting.map((each) => this.#readyAtMs(each)));
    this.#wake = setTimeout(() => this.#next(), Math.max(0, firstMs - this.#clock.nowMs()));
  }

  #begin(next: Waiting, request: ConvertRequest): void {
    this.#running = next;
    this.#limit = setTimeout(() => {
      this.#endThread();
      const limit = `${this.#maxPictureMs / 1000} s`;
      const error = new StreamError(
        "failed",
        `Cannot convert a picture: it takes more than ${limit}; publish smaller ones, or mjpeg`,
      );
      this.#ended(this.#maxPictureMs).failed(error);
      this.#next();
    }, this.#maxPictureMs);
    this.#openedThread().order(request, [request.data.buffer]);
  }

  /** Takes what was running off, for which its stream now rests. */
  #ended(tookMs: number): Waiting {
    clearTimeout(this.#limit);
    const running = this.#running!;
    this.#running = undefined;
    const streams = new Set(this.#waiting.map(({ stream }) => stream)).add(running.stream).size;
    const rest = this.#threads * Math.max(REST + 1, 2 * streams) - 1;
    this.#restedAtMs.set(running.stream, this.#clock.nowMs() + rest * tookMs);
    return running;
  }

  #openedThread(): Thread<ConvertRequest, ConvertAnswer> {
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Thread<ConvertRequest, ConvertAnswer>(this.#openThread(), {
      onNews: (answer) => {
        if (this.#thread === thread) this.#answered(answer);
      },
      onDefect: ({ message }) => {
        if (this.#thread === thread) this.#died(message);
      },
    });
    return this.#thread = thread;
  }

  #endThread(): void {
    clearTimeout(this.#limit);
    this.#thread?.terminate();
    this.#thread = undefined;
  }

  #answered({ result, tookMs }: ConvertAnswer): void {
    const { done, failed } = this.#ended(tookMs);
    if (typeof result === "string") failed(new StreamError("failed", result));
    else done(result);
    this.#next();
  }

  /** Fails what was being converted; another thread is there for what waits. */
  #died(fault: string): void {
    this.#endThread();
    this.#reopensAtMs = this.#clock.nowMs() + RESTART_MS;
    if (this.#running !== undefined) {
      this.#ended(0).failed(new StreamError("failed", `Cannot convert pictures: ${fault}`));
    }
    this.#next();
  }
}

/** Starts the thread that converts; isolated, it has no rights at all. */
export function openConvertThread(isIsolated = false): Worker {
  const url = new URL("./convert_worker.ts", import.meta.url);
  return openWorker(url, isIsolated ? "none" : undefined);
}
