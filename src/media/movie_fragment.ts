/**
 * The samples that a fragment of an MP4 announces: ISO/IEC 14496-12 (2022), of which clauses are
 * named.
 *
 * @module
 */
import { boxesOf, boxOf } from "./boxes.ts";
import { DamageError } from "./damage.ts";
import type { MovieVideo, SampleDefaults } from "./movie_description.ts";

/** Most samples of one fragment, in all of its tracks: an hour of video with sound. */
const MAX_SAMPLES = 500_000;

/** A sample of the video. */
export interface MovieSample {
  /** Offset of its bytes in the input. */
  readonly offset: number;
  readonly size: number;
  /** When it is shown, in units of the track's time. */
  readonly time: number;
  /** Index of its description, from 0. */
  readonly description: number;
}

/** The samples of a fragment. */
export interface MovieFragment {
  readonly samples: readonly MovieSample[];
  /** When the sample behind them is decoded. */
  readonly nextTime: number;
}

/** Flags of TrackFragmentHeaderBox, 8.8.7. */
const HEADER = { base: 1, description: 2, duration: 8, size: 16, flags: 32, isAtFragment: 0x20000 };
/** Flags of TrackRunBox, 8.8.8. */
const RUN = { offset: 1, first: 4, duration: 0x100, size: 0x200, flags: 0x400, shift: 0x800 };

/**
 * Reads what is in a MovieFragmentBox that begins at `start` of the input, in a file that begins at
 * `fileStart`; without a time of its own it goes on at `nextTime`.
 *
 * @throws {DamageError} when its parts do not fit
 */
export function readFragment(
  fragment: Uint8Array,
  { video, start, fileStart, nextTime }: {
    readonly video: MovieVideo;
    readonly start: number;
    readonly fileStart: number;
    readonly nextTime: number;
  },
): MovieFragment {
  const samples: MovieSample[] = [];
  let time = nextTime;
  let count = 0;
  // Without a base of its own, the data of a track follow those of the track before: 8.8.7.1.
  let dataEnd = start;
  for (const { type, data } of boxesOf(fragment)) {
    if (type !== "traf") continue;
    const header = readHeader(boxOf(data, "tfhd"), video.defaults);
    const base = header.base !== undefined
      ? fileStart + header.base
      : (header.isAtFragment ? start : dataEnd);
    const isVideo = header.id === video.id;
    if (isVideo) time = timeOf(boxOf(data, "tfdt")) ?? time;
    dataEnd = base;
    for (const box of boxesOf(data)) {
      if (box.type !== "trun") continue;
      const run = new Run(box.data, header);
      // Those that have no fields of their own take no bytes of the box.
      count += run.count;
      if (count > MAX_SAMPLES) throw new DamageError("it has too many frames");
      let offset = run.offset === undefined ? dataEnd : base + run.offset;
      for (let index = 0; index < run.count; index++) {
        const { size, duration, shift } = run.next();
        if (isVideo) {
          samples.push({ offset, size, time: time + shift, description: header.description });
          time += duration;
        }
        offset += size;
      }
      dataEnd = offset;
    }
  }
  return { samples, nextTime: time };
}

interface FragmentHeader extends SampleDefaults {
  readonly id: number;
  readonly base: number | undefined;
  readonly isAtFragment: boolean;
}

/** TrackFragmentHeaderBox, 8.8.7. */
function readHeader(box: Uint8Array | undefined, defaults: SampleDefaults): FragmentHeader {
  const fields = new Fields(box ?? new Uint8Array(0));
  const flags = fields.uint32() & 0xff_ffff;
  const has = (flag: number) => (flags & flag) !== 0;
  const id = fields.uint32();
  const base = has(HEADER.base) ? fields.uint64() : undefined;
  return {
    id,
    base,
    isAtFragment: has(HEADER.isAtFragment),
    description: has(HEADER.description) ? fields.uint32() - 1 : defaults.description,
    duration: has(HEADER.duration) ? fields.uint32() : defaults.duration,
    size: has(HEADER.size) ? fields.uint32() : defaults.size,
  };
}

/** baseMediaDecodeTime, 8.8.12. */
function timeOf(box: Uint8Array | undefined): number | undefined {
  if (box === undefined || box.length < 8) return undefined;
  const fields = new Fields(box);
  return fields.uint32() >>> 24 === 1 ? fields.uint64() : fields.uint32();
}

/** TrackRunBox, 8.8.8. */
class Run {
  readonly count: number;
  readonly offset: number | undefined;
  readonly #fields: Fields;
  readonly #flags: number;
  readonly #defaults: SampleDefaults;

  constructor(box: Uint8Array, defaults: SampleDefaults) {
    this.#fields = new Fields(box);
    this.#flags = this.#fields.uint32() & 0xff_ffff;
    this.#defaults = defaults;
    this.count = this.#fields.uint32();
    this.offset = this.#has(RUN.offset) ? this.#fields.int32() : undefined;
    if (this.#has(RUN.first)) this.#fields.uint32();
  }

  next(): { readonly size: number; readonly duration: number; readonly shift: number } {
    const duration = this.#has(RUN.duration) ? this.#fields.uint32() : this.#defaults.duration;
    const size = this.#has(RUN.size) ? this.#fields.uint32() : this.#defaults.size;
    if (this.#has(RUN.flags)) this.#fields.uint32();
    return { size, duration, shift: this.#has(RUN.shift) ? this.#fields.int32() : 0 };
  }

  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }
}

/** Reads numbers one behind another. */
class Fields {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Signed in both versions of a box: no offset is so large that it matters. */
  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8)));
  }

  #take(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#view.byteLength) throw new DamageError("its lists end too early");
    return at;
  }
}
