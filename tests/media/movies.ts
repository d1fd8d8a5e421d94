/**
 * MP4 and MOV files as old and odd writers make them, box by box.
 *
 * @module
 */
import { bytesOf } from "../../src/bytes/text.ts";
import { trackOf } from "../../src/media/track.ts";
import { h264Pps, h264Sps } from "../split/nal_samples.ts";
import { concat, uint16, uint32 } from "../split/samples.ts";
import { H264_SETS, h264Shots, type Shot } from "./files.ts";

const TIMESCALE = 1000;
const STEP = 40;

/** What a movie is made of. */
export interface MovieOptions {
  /** Frames by their description, one run behind another. */
  readonly runs: readonly (readonly Shot[])[];
  /** Boxes in front of all others. */
  readonly front?: readonly Uint8Array[];
  /** Whether the list of frames stands in front of the frames. @default {false} */
  readonly isMovieFirst?: boolean;
  /** Bytes behind all boxes. */
  readonly tail?: Uint8Array;
  /** Where the film begins in its frames, in milliseconds. @default {0} */
  readonly startMs?: number;
  /** What is shown of its frames: for how long, and from where on or -1 for nothing, in milliseconds. */
  readonly edits?: readonly (readonly [durationMs: number, startMs: number])[];
  /** How pictures are turned or mirrored: a, b, c and d of the matrix. @default {[1, 0, 0, 1]} */
  readonly matrix?: readonly [a: number, b: number, c: number, d: number];
  /** Type of the samples' entries. @default {"avc1"} */
  readonly entry?: string;
  /** Boxes within the samples' entries. */
  readonly inEntry?: readonly Uint8Array[];
  /** Whether it says that fragments follow, whose times are in microseconds. @default {false} */
  readonly isContinued?: boolean;
  /** Whether there is another track of the same frames. @default {false} */
  readonly hasOtherVideo?: boolean;
  /** Whether there is a track of sound beside it, of no samples. @default {false} */
  readonly hasSound?: boolean;
}

/** A box. */
export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  return concat(uint32(8 + content.length), bytesOf(type), content);
}

/** The box that says what a file is. */
export const FILE_TYPE = box("ftyp", bytesOf("isom"), uint32(0), bytesOf("isom"));

/** Shots without pictures out of order, in a size of so many macroblocks. */
export function plainShots(count: number, blocks: readonly [number, number]): Shot[] {
  const sets = concat(h264Sps({ blocks }), h264Pps());
  return h264Shots(count).map((shot, index) => ({
    ...shot,
    data: shot.kind === "key" ? concat(sets, shot.data.subarray(H264_SETS.length)) : shot.data,
    timeUs: index * STEP * 1000,
    config: { ...shot.config, width: blocks[0] * 16, height: blocks[1] * 16 },
  }));
}

/** The file. */
export function movieOf(options: MovieOptions): Uint8Array<ArrayBuffer> {
  const { front = [FILE_TYPE], isMovieFirst = false, tail = new Uint8Array(0) } = options;
  const tracks = options.runs.map((run) => trackOf(run[0]!.config, run[0]!.data)!);
  const samples = options.runs.map((run, index) =>
    run.map(({ data, kind }) => tracks[index]!.sample(data, kind))
  );
  const before = concat(...front);
  const movie = (offset: number) => movieBox(options, { tracks, samples, offset });
  const data = box("mdat", ...samples.flat());
  const movieBytes = movie(0).length;
  const offset = before.length + (isMovieFirst ? movieBytes : 0) + 8;
  return isMovieFirst
    ? concat(before, movie(offset), data, tail)
    : concat(before, data, movie(offset), tail);
}

interface Samples {
  readonly tracks: readonly NonNullable<ReturnType<typeof trackOf>>[];
  readonly samples: readonly (readonly Uint8Array[])[];
  /** Where the first of them stands. */
  readonly offset: number;
}

function movieBox(options: MovieOptions, all: Samples): Uint8Array<ArrayBuffer> {
  const count = all.samples.flat().length;
  const header = full(
    "mvhd",
    0,
    ...[0, 0, TIMESCALE, count * STEP, 0x10000].map(uint32),
    uint16(0x100),
    new Uint8Array(10),
    matrixOf([1, 0, 0, 1]),
    new Uint8Array(24),
    uint32(3),
  );
  const sound = options.hasSound === true
    ? [trackBox("soun", { id: 2, scale: TIMESCALE }, SOUND_TABLE)]
    : [];
  const { startMs } = options;
  const edits = options.edits ??
    (startMs === undefined ? [] : [[count * STEP - startMs, startMs] as const]);
  const edit = edits.length === 0 ? [] : [box(
    "edts",
    full(
      "elst",
      0,
      uint32(edits.length),
      ...edits.flat().map((value, index) =>
        index % 2 === 0 ? uint32(value) : concat(uint32(value >>> 0), uint32(0x10000))
      ),
    ),
  )];
  const { scale } = unitsOf(options);
  const video = trackBox(
    "vide",
    { id: 1, scale, matrix: options.matrix },
    sampleTable(options, all),
    ...edit,
  );
  // Fragments have the description of the last frames.
  const defaults = [1, options.runs.length, 0, 0, 0].map(uint32);
  const extends_ = box("mvex", full("trex", 0, ...defaults));
  const continued = options.isContinued === true ? [extends_] : [];
  const other = options.hasOtherVideo === true
    ? [trackBox("vide", { id: 3, scale }, sampleTable(options, all))]
    : [];
  return box("moov", header, video, ...sound, ...other, ...continued);
}

function unitsOf({ isContinued }: MovieOptions): { readonly scale: number; readonly step: number } {
  const factor = isContinued === true ? 1000 : 1;
  return { scale: TIMESCALE * factor, step: STEP * factor };
}

function trackBox(
  handler: string,
  { id, scale, matrix = [1, 0, 0, 1] }: {
    readonly id: number;
    readonly scale: number;
    readonly matrix?: MovieOptions["matrix"] | undefined;
  },
  table: Uint8Array,
  ...edits: readonly Uint8Array[]
): Uint8Array {
  const header = full(
    "tkhd",
    3,
    ...[0, 0, id, 0, 0].map(uint32),
    new Uint8Array(16),
    matrixOf(matrix),
    ...[0, 0].map(uint32),
  );
  const media = box(
    "mdia",
    full("mdhd", 0, ...[0, 0, scale, 0].map(uint32), uint16(0x55c4), uint16(0)),
    full("hdlr", 0, uint32(0), bytesOf(handler), new Uint8Array(13)),
    box("minf", table),
  );
  return box("trak", header, ...edits, media);
}

function sampleTable(options: MovieOptions, { tracks, samples, offset }: Samples): Uint8Array {
  const { entry = "avc1", inEntry = [] } = options;
  const entries = tracks.map(({ config, record }) =>
    box(
      entry,
      new Uint8Array(6),
      uint16(1),
      new Uint8Array(16),
      uint16(config.width!),
      uint16(config.height!),
      new Uint8Array(14),
      new Uint8Array(32),
      uint16(24),
      uint16(0xffff),
      box("avcC", record),
      ...inEntry,
    )
  );
  const all = samples.flat();
  let at = offset;
  const chunks = samples.map((run) => {
    const start = at;
    at += run.reduce((sum, { length }) => sum + length, 0);
    return start;
  });
  const keys = options.runs.flat().flatMap(({ kind }, index) => kind === "key" ? [index + 1] : []);
  return box(
    "stbl",
    full("stsd", 0, uint32(entries.length), ...entries),
    full("stts", 0, ...[1, all.length, unitsOf(options).step].map(uint32)),
    full(
      "stsc",
      0,
      uint32(samples.length),
      ...samples.flatMap((run, index) => [index + 1, run.length, index + 1].map(uint32)),
    ),
    full("stsz", 0, uint32(0), uint32(all.length), ...all.map(({ length }) => uint32(length))),
    full("stco", 0, uint32(chunks.length), ...chunks.map(uint32)),
    full("stss", 0, uint32(keys.length), ...keys.map(uint32)),
  );
}

const SOUND_TABLE = box(
  "stbl",
  full(
    "stsd",
    0,
    uint32(1),
    box(
      "Opus",
      new Uint8Array(6),
      uint16(1),
      new Uint8Array(8),
      uint16(2),
      uint16(16),
      new Uint8Array(4),
      uint32(48_000 * 65_536),
    ),
  ),
  ...["stts", "stsc", "stco"].map((type) => full(type, 0, uint32(0))),
  full("stsz", 0, uint32(0), uint32(0)),
);

function full(type: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(type, uint32(flags), ...parts);
}

function matrixOf([a, b, c, d]: readonly [number, number, number, number]): Uint8Array {
  const one = 0x10000;
  const values = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000];
  return concat(...values.map((value) => uint32(value >>> 0)));
}
