/**
 * Makes frames of what comes in: numbers them, and knows what cannot be decoded.
 *
 * @module
 */
import { type Frame, type Origin, sameConfig, type StreamConfig } from "./frame.ts";

/** A frame as it comes in. Its data belong to the stream, which frees them when nobody needs them. */
export interface FrameInput
  extends Omit<Frame, "sequence" | "origin" | "epoch" | "discontinuity" | "receivedMs"> {
  /** The sequence under which its publisher sent it. Absent: a client without a session sent it. */
  readonly sentAs?: number;
  /** Whether the publisher had to wait for credit before it read the frame. Absent: false. */
  readonly isHeld?: boolean;
}

/** A {@linkcode FrameInput} without what its publisher says of the way that it came. */
export type Numberable = Omit<FrameInput, "sentAs" | "isHeld">;

/** Gives each frame of a stream its sequence, its epoch and its origin. */
export class Numbering {
  #config: StreamConfig | undefined;
  #epoch = 0;
  #sequence = 0;
  /** Stands for the session of the publisher that frames come from, `null` where it has none. */
  #session: string | null = null;
  #origin: Origin | undefined;
  /** Whether what comes next cannot be decoded unless it is a key frame. */
  #awaitsKey = true;

  /** The configuration of the newest frame, or that of the next one. */
  get config(): StreamConfig | undefined {
    return this.#config;
  }

  /** Number of the current publisher's session or configuration; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Frames come from this session now. A new epoch begins, except where the same one resumes. */
  begin(session: string | null, resumes: boolean): void {
    if (!resumes || session !== this.#session) this.#config = undefined;
    this.#session = session;
  }

  /** Announces the configuration of the frames that follow; a change begins a new epoch. */
  configure(config: StreamConfig): void {
    if (this.#config !== undefined && sameConfig(this.#config, config)) return;
    this.#config = config;
    this.#epoch++;
    this.#awaitsKey = true;
  }

  /**
   * The next frame, which its publisher sent as number `sentAs`; `undefined` where it cannot be
   * decoded for want of a key frame.
   */
  next(input: Numberable, sentAs: number | undefined, nowMs: number): Frame | undefined {
    if (sentAs === undefined && this.#session !== null) this.begin(null, false);
    this.configure(input.config);
    const sequence = ++this.#sequence;
    if (input.kind === "key") this.#awaitsKey = false;
    else if (this.#awaitsKey) return undefined;
    return {
      ...input,
      ...this.#originOf(sequence, sentAs),
      sequence,
      epoch: this.#epoch,
      discontinuity: false,
      receivedMs: nowMs,
    };
  }

  /** So many frames do not come. */
  miss(frames: number): void {
    this.#sequence += frames;
    this.breakOff();
  }

  /** What comes next cannot be decoded without what was lost. */
  breakOff(): void {
    this.#awaitsKey = true;
  }

  #originOf(sequence: number, sentAs: number | undefined): { readonly origin?: Origin } {
    if (sentAs === undefined || this.#session === null) return {};
    const offset = sequence - sentAs;
    if (this.#origin?.session !== this.#session || this.#origin.offset !== offset) {
      this.#origin = { session: this.#session, offset };
    }
    return { origin: this.#origin };
  }
}
