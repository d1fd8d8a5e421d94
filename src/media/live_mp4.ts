/**
 * Fragmented MP4 that is read while it is written: a fragment for each frame, and no end.
 *
 * @module
 */
import type { DecodeTimes } from "./decode_times.ts";
import type { LiveFrame, LiveWriter } from "./live_writer.ts";
import { fragmentOf, movieStart } from "./mp4_writer.ts";
import type { Track } from "./track.ts";

/** Makes a fragment of each frame as it comes. */
export class LiveMp4Writer implements LiveWriter {
  readonly #track: Track;
  readonly #times: DecodeTimes;
  #fragments = 0;
  #lastUs: number | undefined;
  #stepUs: number;

  constructor(track: Track, times: DecodeTimes) {
    this.#track = track;
    this.#times = times;
    this.#stepUs = times.stepUs;
  }

  write({ data, kind, timeUs }: LiveFrame): Uint8Array[] {
    const start = this.#fragments === 0 ? movieStart(this.#track, this.#times.delayUs) : [];
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
    const durations = [Math.min(this.#stepUs, MAX_DURATION_US)];
    return [...start, ...fragmentOf({ number: ++this.#fragments, samples: [sample], durations })];
  }
}

/** Longest time for which a picture is said to be shown, where one frame came long after another. */
const MAX_DURATION_US = 1_000_000;
