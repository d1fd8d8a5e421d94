/**
 * The frames of the video in an MPEG-TS file.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { InputError, StreamError } from "../errors.ts";
import type { SplitFrame } from "../split/splitter.ts";
import type { MediaFault, MediaFrame, MediaOptions, MediaReader } from "./media_reader.ts";
import { badInput } from "./messages.ts";
import { TransportSplitter } from "./transport_splitter.ts";
import type { TransportLayout } from "./transport_stream.ts";
import type { TransportTime } from "./transport_times.ts";

/** Frames that the frame rate is found from, where nothing else tells it. */
const PROBED_FRAMES = 8;

/** What was left out, and why the last time. */
interface Damage {
  readonly count: number;
  readonly fault: MediaFault | undefined;
}

/** A frame that has its time, but not its duration, and what was left out in front of it. */
interface TimedFrame extends TransportTime {
  readonly frame: SplitFrame;
  readonly damage: Damage;
}

/** The bytes of a file, one part behind another. */
export interface TransportInput {
  /** The next bytes; nothing at the end. */
  read(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** The first video of the first program that is carried. */
export class TransportSource implements MediaReader {
  readonly #input: TransportInput;
  readonly #options: MediaOptions;
  readonly #splitter: TransportSplitter;
  #told: Damage = { count: 0, fault: undefined };
  /** What was left out up to where the file has been read. */
  #found = this.#told;
  /** Frames that are read but not given, the next one first. */
  #ahead: TimedFrame[] = [];
  #stepUs = 0;
  #frames = 0;
  #frameRate: number | null = null;
  #config: { readonly told: StreamConfig; readonly config: StreamConfig } | undefined;
  #isEnded = false;
  #isStopped = false;

  private constructor(input: TransportInput, layout: TransportLayout, options: MediaOptions) {
    this.#input = input;
    this.#options = options;
    this.#splitter = new TransportSplitter(layout, options);
  }

  /**
   * Finds the video; `input` begins with the first packet.
   *
   * @throws {StreamError} (`bad_input`) when there is none that can be read
   */
  static async open(
    input: TransportInput,
    layout: TransportLayout,
    options: MediaOptions,
  ): Promise<TransportSource> {
    const source = new TransportSource(input, layout, options);
    await source.#fill(PROBED_FRAMES);
    source.#frameRate = rateOf(source.#ahead);
    return source;
  }

  get damaged(): number {
    return this.#told.count;
  }

  get fault(): MediaFault | undefined {
    return this.#told.fault;
  }

  async next(): Promise<MediaFrame | undefined> {
    if (this.#isStopped) return undefined;
    try {
      // The duration is the time to the frame behind.
      await this.#fill(2);
    } catch (error) {
      const wasStopped = this.#isStopped;
      this.stop();
      if (wasStopped) return undefined;
      throw error;
    }
    const [next, following] = this.#ahead;
    this.#ahead = this.#ahead.slice(1);
    this.#told = next?.damage ?? this.#noteDamage();
    if (next === undefined || this.#isStopped) {
      this.stop();
      return undefined;
    }
    if (following !== undefined) this.#stepUs = following.dtsUs - next.dtsUs;
    const { frame } = next;
    return { ...frame, durationUs: this.#stepUs, config: this.#configOf(frame) };
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // A read that hangs in the system is left behind.
    this.#input.close().catch(() => {});
  }

  /** Reads until so many frames are there, or the file ends. */
  async #fill(count: number): Promise<void> {
    while (this.#ahead.length < count && !this.#isStopped) {
      const frame = this.#nextFrame();
      if (frame !== undefined) {
        this.#frames++;
        this.#ahead.push({ frame, ...this.#splitter.lastTime!, damage: this.#noteDamage() });
        continue;
      }
      if (this.#isEnded) return;
      const chunk = await this.#input.read();
      if (chunk !== undefined) {
        this.#splitter.push(chunk);
      } else {
        this.#splitter.end();
        this.#isEnded = true;
      }
    }
  }

  #nextFrame(): SplitFrame | undefined {
    const { name } = this.#options;
    try {
      return this.#splitter.next();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (error.fault.isFinal === true) throw this.#withoutVideo();
      const { expected, found, advice } = error.fault;
      throw new StreamError(
        "bad_input",
        `Cannot read frame ${this.#frames + 1} of ${name}: expected ${expected}, found ${found}` +
          (advice === undefined ? "" : `; ${advice}`),
        { cause: error },
      );
    }
  }

  /** Takes note of what was left out since the last time. */
  #noteDamage(): Damage {
    const { damaged, fault, why } = this.#splitter;
    if (damaged === this.#found.count || fault === undefined) return this.#found;
    return this.#found = { count: damaged, fault: { frame: fault.frame, why } };
  }

  /** The same object as before where the stream says the same. */
  #configOf({ config }: SplitFrame): StreamConfig {
    if (config.frameRate !== null || this.#frameRate === null) return config;
    if (this.#config?.told !== config) {
      this.#config = { told: config, config: { ...config, frameRate: this.#frameRate } };
    }
    return this.#config.config;
  }

  #withoutVideo(): StreamError {
    const { name } = this.#options;
    const { why, coding } = this.#splitter.frameless();
    switch (why) {
      case "scrambled":
        return new StreamError(
          "bad_input",
          `Cannot read ${name}: it is scrambled (encrypted); give a file without encryption`,
        );
      case "no frames":
        return badInput(name, "its video has no frames");
      case "other coding":
        return badInput(name, `its video is coded as ${coding}, which the relay does not support`);
      case "only sound":
        return new StreamError(
          "bad_input",
          `Cannot read ${name}: it has no video, only audio; give a file with video`,
        );
      case "no video":
        return badInput(name, "it contains no video");
    }
  }
}

/** Frames a second, by the time that most frames take; `null` where they are too few to tell. */
function rateOf(frames: readonly TimedFrame[]): number | null {
  const steps = frames.slice(1).map(({ dtsUs }, index) => dtsUs - frames[index]!.dtsUs)
    .sort((one, other) => one - other);
  const median = steps[steps.length >> 1] ?? 0;
  return median > 0 ? Math.round(1e9 / median) / 1000 : null;
}
