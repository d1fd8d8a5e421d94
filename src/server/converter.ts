/**
 * Converts pictures in a thread of its own, one after the other.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { ConvertAnswer, ConvertRequest } from "./convert_worker.ts";

/**
 * How long the thread rests behind each picture, in times that it took. It then uses a seventh of a
 * core, and V8 hardly more for its garbage: a quarter in all, by measurement.
 */
const REST = 6;

/** A turn: returns what to convert by then, or `undefined` where that is no longer needed. */
export type Turn = () => ConvertRequest | undefined;

interface Waiting {
  readonly turn: Turn;
  readonly done: (result: Uint8Array<ArrayBuffer> | undefined) => void;
  readonly failed: (error: StreamError) => void;
}

/** Converts pictures for all streams of a relay in the order in which they are asked for. */
export class Converter {
  readonly #clock: Clock;
  #worker: Worker | undefined;
  #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #freeAtMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Why nothing can be converted any more; empty once the relay stops. */
  #fault: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    this.#giveUp("");
  }

  #next(): void {
    if (this.#fault !== undefined) return this.#giveUp(this.#fault);
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
        this.#thread().postMessage(request, [request.data.buffer]);
        return;
      }
    }
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./convert_worker.ts", import.meta.url), { type: "module" });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<ConvertAnswer>) => this.#answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#giveUp(event.message);
    };
    return worker;
  }

  #answered({ result, tookMs }: ConvertAnswer): void {
    const { done, failed } = this.#running!;
    this.#running = undefined;
    this.#freeAtMs = this.#clock.nowMs() + REST * tookMs;
    if (typeof result === "string") failed(new StreamError("failed", result));
    else done(result);
    this.#next();
  }

  #giveUp(fault: string): void {
    this.#fault ??= fault;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#worker?.terminate();
    this.#worker = undefined;
    const all = this.#running === undefined ? this.#waiting : [this.#running, ...this.#waiting];
    this.#running = undefined;
    this.#waiting = [];
    for (const { done, failed } of all) {
      if (this.#fault === "") done(undefined);
      else failed(new StreamError("failed", `Cannot convert pictures: ${this.#fault}`));
    }
  }
}
