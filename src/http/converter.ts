/**
 * Converts pictures in a thread of its own, one after the other.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { Thread } from "../host/thread.ts";
import type { ConvertAnswer, ConvertRequest } from "./convert_worker.ts";

/**
 * How long the thread rests after each picture, as a multiple of the time that it took. It then
 * uses a seventh of a core, and V8's garbage collection little more: a quarter in all, measured.
 */
const REST = 6;
/** How long no thread is started after one has died, in milliseconds. */
const RESTART_MS = 1000;

/** A turn: returns what to convert by then, or `undefined` where that is no longer needed. */
export type Turn = () => ConvertRequest | undefined;

interface Waiting {
  readonly turn: Turn;
  readonly done: (result: Uint8Array<ArrayBuffer> | undefined) => void;
  readonly failed: (error: StreamError) => void;
}

/** Options of a {@linkcode Converter}. */
export interface ConverterOptions {
  /** How many of them share what one may use of a core. @default {1} */
  readonly threads?: number;
  /** Starts the thread. */
  readonly openThread?: () => Worker;
}

/** Converts pictures for all streams of a relay in the order in which they are asked for. */
export class Converter {
  readonly #clock: Clock;
  readonly #openThread: () => Worker;
  readonly #rest: number;
  #thread: Thread<ConvertRequest, ConvertAnswer> | undefined;
  #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #freeAtMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(clock: Clock, options: ConverterOptions = {}) {
    const { threads = 1, openThread = openConvertThread } = options;
    this.#clock = clock;
    this.#openThread = openThread;
    this.#rest = (REST + 1) * threads - 1;
  }

  /**
   * Converts what `turn` returns once the thread is free; `undefined` where it returns nothing, or the
   * relay stops.
   * Whoever calls has one call under way for each stream and format, which bounds the queue.
   *
   * @throws {StreamError} `failed`, where that cannot be converted
   */
  convert(turn: Turn): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return new Promise((done, failed) => {
      this.#waiting.push({ turn, done, failed });
      this.#next();
    });
  }

  /** Ends the thread; what waits for it comes to nothing. Repeating it does nothing. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#running?.done(undefined);
    this.#running = undefined;
    for (const { done } of this.#waiting.splice(0)) done(undefined);
  }

  #next(): void {
    if (this.#isStopped) return this.stop();
    if (this.#running !== undefined || this.#timer !== undefined) return;
    const restMs = this.#freeAtMs - this.#clock.nowMs();
    if (restMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#next();
      }, restMs);
      return;
    }
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const request = next.turn();
      if (request === undefined) {
        next.done(undefined);
      } else {
        this.#running = next;
        this.#openedThread().order(request, [request.data.buffer]);
        return;
      }
    }
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

  #answered({ result, tookMs }: ConvertAnswer): void {
    const { done, failed } = this.#running!;
    this.#running = undefined;
    this.#freeAtMs = this.#clock.nowMs() + this.#rest * tookMs;
    if (typeof result === "string") failed(new StreamError("failed", result));
    else done(result);
    this.#next();
  }

  /** Fails what was being converted; another thread is there for what waits. */
  #died(fault: string): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#freeAtMs = this.#clock.nowMs() + RESTART_MS;
    const running = this.#running;
    this.#running = undefined;
    running?.failed(new StreamError("failed", `Cannot convert pictures: ${fault}`));
    this.#next();
  }
}

function openConvertThread(): Worker {
  return new Worker(new URL("./convert_worker.ts", import.meta.url), { type: "module" });
}
