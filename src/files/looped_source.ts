/**
 * A file's frames again and again.
 *
 * @module
 */
import { sameConfig, type StreamConfig } from "../core/frame.ts";
import { StreamError } from "../errors.ts";
import type { FrameSource, SourceFrame } from "./frame_source.ts";

/** Duration of a frame of which nothing tells it, in microseconds. */
const DEFAULT_DURATION_US = 33_333;

/** Repeats a source without end; the times of the frames go on. */
export class LoopedSource implements FrameSource {
  readonly #open: () => Promise<FrameSource>;
  readonly #name: string;
  #source: FrameSource;
  #config: StreamConfig | undefined;
  #times = new RoundTimes();
  #frames = 0;
  #isFirstRound = true;
  #damagedBefore = 0;
  #isStopped = false;

  /**
   * @param first the source of the first round.
   * @param open opens the source of every other.
   * @param name what it is called in messages.
   */
  constructor(first: FrameSource, open: () => Promise<FrameSource>, name: string) {
    this.#source = first;
    this.#open = open;
    this.#name = name;
  }

  get damaged(): number {
    return this.#damagedBefore + (this.#source.damaged ?? 0);
  }

  async next(): Promise<SourceFrame | undefined> {
    while (!this.#isStopped) {
      const frame = await this.#source.next();
      if (frame !== undefined) {
        this.#frames++;
        const { catchUp, ...rest } = frame;
        return {
          ...rest,
          // Between two rounds there is no place for what is not shown.
          ...catchUp === true && this.#isFirstRound ? { catchUp } : {},
          ptsUs: this.#times.next(frame),
          config: this.#configOf(frame),
        };
      }
      if (!this.#isStopped) await this.#repeat();
    }
    return undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#source.stop();
  }

  async #repeat(): Promise<void> {
    if (this.#frames === 0) {
      throw new StreamError(
        "bad_input",
        `Cannot repeat ${this.#name}: it contains no frames; give a file with frames`,
      );
    }
    this.#frames = 0;
    this.#isFirstRound = false;
    this.#times = new RoundTimes(this.#times.endUs);
    this.#damagedBefore += this.#source.damaged ?? 0;
    this.#source = await this.#open();
    if (this.#isStopped) this.#source.stop();
  }

  /** The same object as before where it says the same: nothing changes for viewers. */
  #configOf({ config }: SourceFrame): StreamConfig {
    if (this.#config === undefined || !sameConfig(this.#config, config)) this.#config = config;
    return this.#config;
  }
}

/** The times of the frames of one round. */
class RoundTimes {
  /** Time of the first frame; its own in the first round. */
  readonly #startUs: number | undefined;
  #firstUs: number | undefined;
  #lastUs = -Infinity;
  #stepUs = DEFAULT_DURATION_US;
  #endUs: number | undefined;

  constructor(startUs?: number) {
    this.#startUs = startUs;
    this.#endUs = startUs;
  }

  /** Where the next round begins, if the frames have times. */
  get endUs(): number | undefined {
    return this.#endUs;
  }

  next({ ptsUs, durationUs = 0, config: { frameRate } }: SourceFrame): number | null {
    if (ptsUs === null) return null;
    this.#firstUs ??= ptsUs;
    const timeUs = ptsUs + (this.#startUs === undefined ? 0 : this.#startUs - this.#firstUs);
    if (timeUs > this.#lastUs) {
      if (this.#lastUs !== -Infinity) this.#stepUs = timeUs - this.#lastUs;
      this.#lastUs = timeUs;
    }
    const known = durationUs || (frameRate === null ? this.#stepUs : 1e6 / frameRate);
    this.#endUs = Math.max(this.#endUs ?? -Infinity, Math.round(timeUs + known));
    return timeUs;
  }
}
