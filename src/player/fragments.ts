/**
 * Frames as pieces of a fragmented MP4 on one line of time, as the browser's own player takes them.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { liveTimes } from "../media/decode_times.ts";
import { LiveMp4Writer } from "../media/live_mp4.ts";
import { MP4_FORMATS } from "../media/movie_boxes.ts";
import { RecordingTimes } from "../media/recording_times.ts";
import { trackOf } from "../media/track.ts";
import type { ReceivedFrame } from "./connection.ts";

/**
 * For how long each picture is said to be shown at least, in microseconds. A browser takes a frame whose
 * time of decoding is more than twice that behind the one before for one of another part of the film,
 * and passes over all up to the next key frame ("coded frame processing" of Media Source Extensions,
 * step 6). When the next frame comes nobody knows, so that it is said generously.
 */
const MIN_DURATION_US = 500_000;
/** A longer time without a frame is made as short as this, in microseconds. */
const MAX_GAP_US = 900_000;
/** Time between two runs, in microseconds. */
const RUN_GAP_US = 2 * MIN_DURATION_US;

/** A frame, boxed. */
export interface Fragment {
  readonly parts: readonly Uint8Array[];
  /** Bytes of all parts. */
  readonly size: number;
  /** When it is shown on the line of time, in microseconds. */
  readonly shownUs: number;
  readonly frame: ReceivedFrame;
  /**
   * Where a run begins on the line of time, in microseconds, with the first fragment of one: to be added
   * to all times within it.
   */
  readonly runUs?: number;
}

/** The media type of a stream that is boxed; `undefined` for one that cannot be. */
export function fragmentType({ format, codec }: StreamConfig, usual: string): string | undefined {
  if (!MP4_FORMATS.includes(format)) return undefined;
  // The boxes are those of hvc1, whose parameter sets stand in front.
  return `video/mp4; codecs="${
    (codec ?? usual).replace(/^hev1/, "hvc1").replace(/^avc3/, "avc1")
  }"`;
}

/**
 * Boxes the frames of one configuration. It begins with a key frame, and after each gap with another: a
 * new run, which stands behind all that there was.
 */
export class FragmentLine {
  readonly #config: StreamConfig;
  #run:
    | { readonly writer: LiveMp4Writer; readonly times: RecordingTimes; delayUs: number }
    | undefined;
  #runUs = 0;
  #shiftUs = 0;
  #newestUs = -Infinity;
  #lagUs = 0;

  constructor(config: StreamConfig) {
    const { rotation: _, displayWidth: _width, displayHeight: _height, ...plain } = config;
    // Whoever draws the pictures turns and stretches them.
    this.#config = plain;
  }

  /** Up to when all pictures are there, in microseconds of the line of time. */
  get edgeUs(): number {
    return this.#newestUs - this.#lagUs;
  }

  /** Whether only a key frame helps. */
  get needsKey(): boolean {
    return this.#run === undefined;
  }

  /** Frames are left out: the next run begins with a key frame. */
  breakOff(): void {
    this.#run = undefined;
  }

  /** The frame, boxed; `undefined` where it cannot be decoded, or not be boxed. */
  push(frame: ReceivedFrame): Fragment | undefined {
    const { key, leading, ptsUs, captureUs, discontinuity } = frame.header;
    const isStart = key && (this.#run === undefined || discontinuity);
    if (isStart) this.#begin(frame);
    const run = this.#run;
    if (run === undefined) return undefined;
    const kind = key ? "key" : "delta";
    const ownUs = run.times.next({
      ...{ kind, leading, ptsUs, captureUs, config: this.#config },
      discontinuity: false,
    });
    if (ownUs === undefined) return undefined;
    const shownUs = this.#place(ownUs, run.delayUs);
    const timeUs = shownUs - this.#runUs - run.delayUs;
    const parts = run.writer.write({ data: frame.data, kind, timeUs });
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    return { parts, size, shownUs, frame, ...isStart ? { runUs: this.#runUs } : {} };
  }

  #begin({ data, header: { ptsUs } }: ReceivedFrame): void {
    const track = trackOf(this.#config, data);
    this.#run = undefined;
    if (track === undefined) return;
    const times = liveTimes({ config: this.#config, hasTimes: ptsUs !== null });
    const options = { hasEdits: false, minDurationUs: MIN_DURATION_US };
    const writer = new LiveMp4Writer(track, times, options);
    this.#runUs = this.#newestUs === -Infinity ? 0 : this.#newestUs + RUN_GAP_US;
    this.#shiftUs = 0;
    this.#newestUs = this.#runUs;
    this.#lagUs = 0;
    this.#run = { writer, times: new RecordingTimes(), delayUs: times.delayUs };
  }

  /** Where a frame stands on the line of time, of which long gaps are left out. */
  #place(ownUs: number, delayUs: number): number {
    const wantedUs = this.#runUs + delayUs + Math.round(ownUs) - this.#shiftUs;
    const beyondUs = Math.max(0, wantedUs - delayUs - this.#newestUs - MAX_GAP_US);
    this.#shiftUs += beyondUs;
    const shownUs = wantedUs - beyondUs;
    if (shownUs < this.#newestUs) this.#lagUs = Math.max(this.#lagUs, this.#newestUs - shownUs);
    this.#newestUs = Math.max(this.#newestUs, shownUs);
    return shownUs;
  }
}
