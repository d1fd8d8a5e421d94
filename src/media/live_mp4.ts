/**
 * Fragmented MP4 that is read while it is written: a fragment for each frame, and no end.
 *
 * @module
 */
import type { DecodeTimes } from "./decode_times.ts";
import type { LiveFrame, LiveWriter } from "./live_writer.ts";
import { box, fragmentOf, movieStart } from "./movie_boxes.ts";
import type { Track } from "./track.ts";

/** What a file says of its times. */
export interface LiveMp4Options {
  /**
   * Whether it says by how much its pictures are shown later than they would be in their own order; of
   * one that does not, the times are the file's own.
   * @default {true}
   */
  readonly hasEdits?: boolean;
  /** Least time for which each picture is said to be shown, in microseconds. @default {0} */
  readonly minDurationUs?: number;
}

/** Makes a fragment of each frame as it comes. */
export class LiveMp4Writer implements LiveWriter {
  readonly #track: Track;
  readonly #times: DecodeTimes;
  readonly #delayUs: number;
  readonly #minDurationUs: number;
  #fragments = 0;
  #lastUs: number | undefined;
  #stepUs: number;

  constructor(
    track: Track,
    times: DecodeTimes,
    { hasEdits = true, minDurationUs = 0 }: LiveMp4Options = {},
  ) {
    this.#track = track;
    this.#times = times;
    this.#delayUs = hasEdits ? times.delayUs : 0;
    this.#minDurationUs = minDurationUs;
    this.#stepUs = times.stepUs;
  }

  write({ data, kind, timeUs }: LiveFrame): Uint8Array[] {
    const start = this.#fragments === 0 ? movieStart(this.#track, this.#delayUs) : [];
    const decodeUs = Math.round(this.#times.next(timeUs));
    // When the next frame comes is not known. The time in front of its fragment is what counts.
    if (this.#lastUs !== undefined) this.#stepUs = decodeUs - this.#lastUs;
    this.#lastUs = decodeUs;
    const sample = {
      bytes: this.#track.sample(data, kind),
      kind,
      timeUs,
      decodeUs,
      shownUs: Math.round(timeUs) + this.#times.delayUs,
    };
    const durations = [Math.max(this.#minDurationUs, Math.min(this.#stepUs, MAX_DURATION_US))];
    return [...start, ...fragmentOf({ number: ++this.#fragments, samples: [sample], durations })];
  }

  /** A box of free space, ISO/IEC 14496-12 8.1.2: it may stand between any two others. */
  idle(): Uint8Array[] {
    return [box("free")];
  }
}

/** Longest time for which a picture is said to be shown, where one frame came long after another. */
const MAX_DURATION_US = 1_000_000;
