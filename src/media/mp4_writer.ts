/**
 * Fragmented MP4 files: ISO/IEC 14496-12 (2022), of which clauses are named.
 *
 * @module
 */
import { joined } from "../bytes/joined.ts";
import type { FrameKind } from "../core/frame.ts";
import { DecodeTimes } from "./decode_times.ts";
import { sizeOf, uint32, uint64, uint8 } from "./layout.ts";
import {
  type MediaWriter,
  NOTHING,
  type Output,
  type Patch,
  type TimedFrame,
} from "./media_writer.ts";
import {
  box,
  fragmentOf,
  fullBox,
  movieStart,
  type Sample,
  type TimedSample,
  trackExtends,
} from "./movie_boxes.ts";
import type { Track } from "./track.ts";

/** A fragment ends at a key frame once it is so long, and at any frame once it is longer, in µs. */
const FRAGMENT_US = 250_000;
const MAX_FRAGMENT_US = 1_000_000;
/** Most bytes and samples of a fragment: what a crash may cost, and what is held in memory. */
const MAX_FRAGMENT_BYTES = 8 * 1024 * 1024;
const MAX_FRAGMENT_SAMPLES = 1000;
/** Most entries of the index; then every second one is left out. */
const MAX_INDEX = 65_536;
const MAX_UINT32 = 2 ** 32 - 1;

/**
 * Writes a file fragment by fragment, each of a second or less, so that a file whose writer was
 * killed is whole up to there. An index and the duration are added at the end.
 */
export class Mp4Writer implements MediaWriter {
  readonly #track: Track;
  #bytes = 0;
  #fragments = 0;
  #pending: Sample[] = [];
  #pendingBytes = 0;
  #times: DecodeTimes | undefined;
  #durationAt = 0;
  #endUs = 0;
  #index: { readonly timeUs: number; readonly at: number }[] = [];
  #indexDistance = 1;
  #indexed = 0;

  constructor(track: Track) {
    this.#track = track;
  }

  write({ data, kind, timeUs }: TimedFrame): Output {
    const append = this.#isFull(kind, timeUs) ? this.#writeFragment(timeUs) : [];
    const sample = this.#track.sample(data, kind);
    // What is held is a copy: the frame belongs to whoever gave it.
    const bytes = sample.buffer === data.buffer ? sample.slice() : sample;
    this.#pending.push({ bytes, kind, timeUs });
    this.#pendingBytes += bytes.length;
    return append.length === 0 ? NOTHING : { append, patches: [] };
  }

  finish(): Output {
    const append = this.#pending.length === 0 ? [] : this.#writeFragment();
    const patches: Patch[] = this.#bytes === 0
      ? []
      : [{ at: this.#durationAt, bytes: durationBox(this.#endUs) }];
    return { append: [...append, this.#indexBox()], patches };
  }

  /** Whether the fragment ends in front of a frame. */
  #isFull(kind: FrameKind, timeUs: number): boolean {
    const [first] = this.#pending;
    if (first === undefined) return false;
    const ageUs = Math.abs(timeUs - first.timeUs);
    return ageUs >= MAX_FRAGMENT_US || (kind === "key" && ageUs >= FRAGMENT_US) ||
      this.#pendingBytes >= MAX_FRAGMENT_BYTES || this.#pending.length >= MAX_FRAGMENT_SAMPLES;
  }

  /** @param nextUs time of the frame that follows, where there is one. */
  #writeFragment(nextUs?: number): Uint8Array[] {
    const append: Uint8Array[] = [];
    if (this.#times === undefined) {
      this.#times = DecodeTimes.of(this.#pending.map(({ timeUs }) => timeUs));
      append.push(...this.#begin(this.#times.delayUs));
    }
    const times = this.#times;
    const samples = this.#pending.map((sample): TimedSample => ({
      ...sample,
      decodeUs: times.next(sample.timeUs),
      shownUs: sample.timeUs + times.delayUs,
    }));
    const durations = durationsOf(samples, times, nextUs);
    for (const [index, { shownUs }] of samples.entries()) {
      this.#endUs = Math.max(this.#endUs, shownUs - times.delayUs + durations[index]!);
    }
    const first = samples[0]!;
    if (first.kind === "key") this.#addToIndex(first.shownUs, this.#bytes);
    const fragment = fragmentOf({ number: ++this.#fragments, samples, durations });
    append.push(...fragment);
    this.#bytes += sizeOf(fragment);
    this.#pending = [];
    this.#pendingBytes = 0;
    return append;
  }

  #begin(delayUs: number): Uint8Array[] {
    // Room for the duration, which nobody knows yet.
    const room = box("free", new Uint8Array(durationBox(0).length - 8));
    const parts = movieStart(this.#track, delayUs, room);
    this.#bytes = sizeOf(parts);
    this.#durationAt = this.#bytes - room.length - trackExtends().length;
    return parts;
  }

  #addToIndex(timeUs: number, at: number): void {
    if (this.#indexed++ % this.#indexDistance === 0) this.#index.push({ timeUs, at });
    if (this.#index.length <= MAX_INDEX) return;
    this.#index = this.#index.filter((_, index) => index % 2 === 0);
    this.#indexDistance *= 2;
  }

  /** Where key frames are: 8.8.9 to 8.8.11. */
  #indexBox(): Uint8Array {
    const entries = this.#index.map(({ timeUs, at }) =>
      // The first sample of the first run of the first track fragment.
      joined([uint64(timeUs), uint64(at), uint8(1, 1, 1)])
    );
    const version = { version: 1, flags: 0 };
    const fragments = fullBox(
      "tfra",
      version,
      uint32(1),
      uint32(0),
      uint32(entries.length),
      ...entries,
    );
    const size = 8 + fragments.length + 16;
    return box("mfra", fragments, fullBox("mfro", { version: 0, flags: 0 }, uint32(size)));
  }
}

/** Time from each sample to the next, in order of decoding. */
function durationsOf(
  samples: readonly TimedSample[],
  times: DecodeTimes,
  nextUs: number | undefined,
): number[] {
  const starts = samples.map(({ decodeUs }) => decodeUs);
  const last = starts.at(-1)!;
  const end = nextUs === undefined ? last + times.stepUs : times.peek(nextUs);
  return starts.map((start, index) =>
    Math.min(MAX_UINT32, Math.max(0, (starts[index + 1] ?? end) - start))
  );
}

/** Duration of all fragments: 8.8.2. */
function durationBox(durationUs: number): Uint8Array {
  return fullBox("mehd", { version: 1, flags: 0 }, uint64(durationUs));
}
