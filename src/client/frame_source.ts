/**
 * Where a publisher's frames come from.
 *
 * @module
 */
import type { FrameRate } from "../core/stream.ts";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { Tick } from "../core/tick.ts";
import { messageOf, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { encodePng } from "../picture/png.ts";
import { TestPattern } from "../picture/test_pattern.ts";
import type { SplitFrame, Splitter } from "../split/splitter.ts";

/** Frames one after another. */
export interface FrameSource {
  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {InputError} when the input is broken
   * @throws {StreamError} when it cannot be read
   */
  next(): Promise<SplitFrame | undefined>;
  /** Ends the source; a `next` that waits gives `undefined`. */
  stop(): void;
}

/** Frames split from a run of bytes. */
export class SplitSource implements FrameSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #splitter: Splitter;
  readonly #name: string;
  #isEnded = false;
  #isStopped = false;

  /** `name` is what the input is called in messages. */
  constructor(
    input: ReadableStream<Uint8Array<ArrayBuffer>>,
    splitter: Splitter,
    name: string,
  ) {
    this.#reader = input.getReader();
    this.#splitter = splitter;
    this.#name = name;
  }

  async next(): Promise<SplitFrame | undefined> {
    while (!this.#isStopped) {
      const frame = this.#splitter.next();
      if (frame !== undefined || this.#isEnded) return frame;
      const read = await this.#read();
      // Once it is stopped, what was cut off is no error of the input.
      if (this.#isStopped) break;
      if (read.done) {
        this.#splitter.end();
        this.#isEnded = true;
      } else {
        this.#splitter.push(read.value);
      }
    }
    return undefined;
  }

  stop(): void {
    this.#isStopped = true;
    // A read that hangs in the system is left behind; the reader is of no use any more.
    this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> {
    try {
      return await this.#reader.read();
    } catch (cause) {
      throw new StreamError("bad_input", `Cannot read ${this.#name}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

/** Formats that a test pattern can be had in. */
export const PATTERN_FORMATS = ["png", "raw"] as const;

/** Options of a {@linkcode PatternSource}. */
export interface PatternSourceOptions {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** What one frame is: a PNG file, or rgb24 pixels. */
  readonly format: typeof PATTERN_FORMATS[number];
  /** The rate at which frames are made; asked before each. */
  readonly fps: () => FrameRate;
  readonly clock: Clock;
}

/** Frames a second of a pattern for a stream that has no tick. */
const PATTERN_FPS = 30;

/** A test pattern that moves, made at the stream's frame rate. */
export class PatternSource implements FrameSource {
  readonly #options: PatternSourceOptions;
  readonly #pattern: TestPattern;
  readonly #config: StreamConfig;
  readonly #tick: Tick;
  #frame = 0;
  #wake: (() => void) | undefined;
  #isStopped = false;

  constructor(options: PatternSourceOptions) {
    const { width, height, format } = options;
    this.#options = options;
    this.#pattern = new TestPattern({ width, height });
    this.#tick = new Tick(PATTERN_FPS, options.clock.nowMs());
    this.#config = bareConfig(format, {
      codec: format,
      width,
      height,
      pixelFormat: format === "raw" ? "rgb24" : null,
    });
  }

  async next(): Promise<SplitFrame | undefined> {
    const { clock, fps, width, height, format } = this.#options;
    const rate = fps() === "source" ? PATTERN_FPS : fps() as number;
    if (rate !== this.#tick.fps) this.#tick.setFps(rate, clock.nowMs());
    while (!this.#isStopped && this.#tick.fire(clock.nowMs()) === undefined) {
      await this.#sleep(this.#tick.deadlineMs - clock.nowMs());
    }
    if (this.#isStopped) return undefined;
    const rgb = this.#pattern.render({ frame: ++this.#frame, wallMs: clock.wallUs() / 1000 });
    const data = format === "raw" ? rgb : encodePng({ data: rgb, width, height, channels: 3 });
    return { data, kind: "key", ptsUs: null, config: this.#config };
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, Math.max(0, ms));
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
