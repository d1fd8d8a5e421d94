/**
 * Where a publisher's frames come from.
 *
 * @module
 */
import type { FrameRate } from "../core/pacing.ts";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { MAX_FPS, MIN_FPS, Tick } from "../core/tick.ts";
import { InputError, type InputFault, messageOf, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { within } from "../host/within.ts";
import { encodePng } from "../picture/png.ts";
import { TestPattern } from "../picture/test_pattern.ts";
import type { SplitFrame, Splitter } from "../split/splitter.ts";
import type { PATTERN_FORMATS } from "./choices.ts";

/** A frame of a source. */
export interface SourceFrame extends SplitFrame {
  /** Time to the next frame in decoding order in microseconds; absent or 0 where it is not known. */
  readonly durationUs?: number;
}

/** Frames one after another. */
export interface FrameSource {
  /** Runs of bytes left out so far because no frame could be made of them. Absent: none ever are. */
  readonly damaged?: number;
  /** Whether each frame comes at its own time, as that of a film. Absent: false. */
  readonly isPaced?: boolean;
  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {InputError} when the input is broken
   * @throws {StreamError} when it cannot be read
   */
  next(): Promise<SourceFrame | undefined>;
  /** Ends the source; a `next` that waits gives `undefined`. */
  stop(): void;
}

/**
 * How long an input must be silent before it counts as idle, in milliseconds: longer than a writer
 * takes between two parts of a picture, shorter than a person notices.
 */
export const IDLE_MS = 100;

/** What is done about bytes of which no frame can be made. */
export interface DamagePolicy {
  /** Whether they end the source with an error, where the splitter passes over them. */
  readonly isStrict: boolean;
  /** Whether the input begins again, so that to stop within a frame does not end it. Absent: false. */
  readonly isRepeated?: boolean;
  /** Told why bytes were left out, and in how many runs since it was told last. */
  readonly onDamage: (fault: InputFault, runs: number) => void;
}

const LENIENT: DamagePolicy = { isStrict: false, onDamage: () => {} };

type Read = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;

/** Frames split from a run of bytes. */
export class SplitSource implements FrameSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #splitter: Splitter;
  readonly #name: string;
  readonly #policy: DamagePolicy;
  #toldDamaged = 0;
  #toldFault: InputFault | undefined;
  /** The read that is under way: there is never another beside it. */
  #pending: Promise<Read> | undefined;
  /** Whether the splitter has been told that nothing came since the last read. */
  #isIdle = false;
  #isEnded = false;
  #isStopped = false;

  /** `name` is what the input is called in messages. */
  constructor(
    input: ReadableStream<Uint8Array<ArrayBuffer>>,
    splitter: Splitter,
    name: string,
    policy: DamagePolicy = LENIENT,
  ) {
    this.#reader = input.getReader();
    this.#splitter = splitter;
    this.#policy = policy;
    this.#name = name;
  }

  get damaged(): number {
    return this.#splitter.damaged ?? 0;
  }

  async next(): Promise<SplitFrame | undefined> {
    while (!this.#isStopped) {
      const frame = this.#splitter.next();
      this.#tellDamage();
      if (frame !== undefined) return frame;
      if (this.#isEnded) return this.#end();
      const read = await this.#read();
      // Once it is stopped, what was cut off is no error of the input.
      if (this.#isStopped) break;
      if (read === "idle") {
        this.#splitter.idle?.();
      } else if (read.done) {
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

  /** @throws {InputError} when the input ended within a frame */
  #end(): undefined {
    const { fault } = this.#splitter;
    if (fault !== undefined && this.#endsWithin(fault)) throw new InputError(fault);
  }

  #endsWithin({ isCutOff }: InputFault): boolean {
    return isCutOff === true && this.#policy.isRepeated !== true;
  }

  #tellDamage(): void {
    const { fault } = this.#splitter;
    if (fault === undefined || fault === this.#toldFault) return;
    if (this.#policy.isStrict) throw new InputError(fault);
    // That is told once, by the error at the end.
    if (this.#endsWithin(fault)) return;
    this.#policy.onDamage(fault, this.damaged - this.#toldDamaged);
    this.#toldFault = fault;
    this.#toldDamaged = this.damaged;
  }

  /** What is read next; `idle`, once, when nothing has come for a while. */
  async #read(): Promise<Read | "idle"> {
    this.#pending ??= this.#reader.read();
    try {
      const read = this.#splitter.idle === undefined || this.#isIdle
        ? await this.#pending
        : await within(IDLE_MS, this.#pending);
      this.#isIdle = read === undefined;
      if (read === undefined) return "idle";
      this.#pending = undefined;
      return read;
    } catch (cause) {
      throw new StreamError("bad_input", `Cannot read ${this.#name}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

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
    const wanted = fps();
    // The relay names it, and may be anything.
    const rate = wanted === "source" ? PATTERN_FPS : Math.min(MAX_FPS, Math.max(MIN_FPS, wanted));
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
