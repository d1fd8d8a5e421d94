/**
 * The formats of an input: what each begins with, and what splits it into frames.
 *
 * @module
 */
import { H264Splitter } from "./h264.ts";
import { HevcSplitter } from "./hevc.ts";
import { IvfSplitter } from "./ivf.ts";
import { Lp32Splitter } from "./lp32.ts";
import { MjpegSplitter } from "./mjpeg.ts";
import { MpjpegSplitter } from "./mpjpeg.ts";
import { type Pattern, pattern } from "./pattern.ts";
import { PngSplitter } from "./png.ts";
import { type FrameFinder, ResyncSplitter } from "./resync.ts";
import type { Splitter, SplitterOptions } from "./splitter.ts";
import { Y4mSplitter } from "./y4m.ts";

/** What is known of a format whose frames tell their own size. */
interface FormatRow {
  /** What splits it. */
  readonly split: (options: SplitterOptions) => Splitter;
  /** What an input of it begins with: one of these; none where the format must be named. */
  readonly beginnings: readonly Pattern[];
  /** Whether these say so little that a container may begin with the same bytes. Absent: false. */
  readonly isShort?: boolean;
}

/** A byte stream whose first NAL unit has one of these headers, behind a start code. */
function annexB(headers: readonly (readonly number[])[]): Pattern[] {
  return headers.flatMap((header) => [
    pattern([0, 0, 1, ...header]),
    pattern([0, 0, 0, 1, ...header]),
  ]);
}

/**
 * Headers of NAL units that an H.265 stream begins with, H.265 7.3.1.2: those of parameter sets, an
 * access unit delimiter, a prefix SEI or a picture to begin at, in the base layer and the lowest
 * temporal layer.
 */
const HEVC_HEADERS = [32, 33, 34, 35, 39, 16, 17, 18, 19, 20, 21].map((type) => [type << 1, 1]);

/**
 * Headers of NAL units that an H.264 stream begins with, H.264 7.3.1, as nal_ref_idc and type: those
 * of parameter sets and slices, and of SEI and delimiters, to which nothing refers. One can be the
 * first half of a header of H.265, but would be followed by what only H.265 has behind it.
 */
const H264_HEADERS = [
  ...[1, 2, 3].flatMap((reference) => [7, 8, 5, 1].map((type) => [(reference << 5) | type])),
  [6],
  [9],
];

/** The formats whose frames tell their own size. */
const ROWS = {
  mjpeg: { split: resyncing(MjpegSplitter), beginnings: [pattern([0xff, 0xd8, 0xff])] },
  mpjpeg: {
    split: resyncing(MpjpegSplitter),
    beginnings: [pattern("--"), pattern("\n--"), pattern("\r\n--")],
  },
  png: { split: resyncing(PngSplitter), beginnings: [pattern("\x89PNG\r\n\x1a\n")] },
  y4m: { split: resyncing(Y4mSplitter), beginnings: [pattern("YUV4MPEG2 ")] },
  h264: {
    split: (options: SplitterOptions) => new H264Splitter(options),
    beginnings: annexB(H264_HEADERS),
    isShort: true,
  },
  hevc: {
    split: (options: SplitterOptions) => new HevcSplitter(options),
    beginnings: annexB(HEVC_HEADERS),
    isShort: true,
  },
  ivf: { split: resyncing(IvfSplitter), beginnings: [pattern("DKIF")] },
  lp32: { split: (options: SplitterOptions) => new Lp32Splitter(options), beginnings: [] },
} as const satisfies Readonly<Record<string, FormatRow>>;

/** Formats whose frames tell their own size. */
export type SelfDelimitingFormat = keyof typeof ROWS;

/** Formats of an input that can be split into frames. */
export type InputFormat = "raw" | SelfDelimitingFormat;

/** The rows by their names. */
export const FORMATS: Readonly<Record<SelfDelimitingFormat, FormatRow>> = ROWS;

const SELF_DELIMITING = Object.keys(FORMATS) as SelfDelimitingFormat[];

/** All formats that can be split; `raw` is only known by its name and its size. */
export const INPUT_FORMATS: readonly InputFormat[] = ["raw", ...SELF_DELIMITING];

/** What inputs begin with whose format is found by that. */
export interface Beginning {
  readonly format: SelfDelimitingFormat;
  readonly pattern: Pattern;
}

/** What the formats begin with, the longest first; those that say little, or the others. */
export function beginnings(isShort: boolean): Beginning[] {
  return SELF_DELIMITING.filter((format) => (FORMATS[format].isShort === true) === isShort)
    .flatMap((format) => FORMATS[format].beginnings.map((pattern) => ({ format, pattern })))
    .sort((one, other) => other.pattern.bytes.length - one.pattern.bytes.length);
}

function resyncing(
  Finder: new (options: SplitterOptions) => FrameFinder,
): (options: SplitterOptions) => Splitter {
  return (options) => {
    const finder = new Finder(options);
    return options.resyncs === true ? new ResyncSplitter(finder) : finder;
  };
}
