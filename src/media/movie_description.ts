/**
 * What an MP4 that is read as it comes says of its video in front of the frames: ISO/IEC 14496-12
 * (2022), of which clauses are named.
 *
 * @module
 */
import { hasBytesAt, latin1 } from "../bytes/text.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { boxesOf, boxOf } from "./boxes.ts";
import { type LiveTrackInfo, presentationOf, stretched } from "./live_track.ts";
import { AV1_RECORD_BYTES, readColours, readTrackId, VISUAL_ENTRY_BYTES } from "./movie.ts";
import { readEdits, readTimescale } from "./presentation_edits.ts";

/** Most descriptions of one track that are read. */
const MAX_DESCRIPTIONS = 256;
/** Media time of an edit that shows nothing: 8.6.6. */
const EMPTY = -1;
/** Where the matrix of TrackHeaderBox is, in its two versions: 8.3.2. */
const MATRIX_AT = [40, 52] as const;

/** Sample entries, and the boxes in them that have what a decoder needs. */
const ENTRIES: ReadonlyMap<string, readonly [format: StreamFormat, record: string]> = new Map([
  ["avc1", ["h264", "avcC"]],
  ["avc3", ["h264", "avcC"]],
  ["hvc1", ["hevc", "hvcC"]],
  ["hev1", ["hevc", "hvcC"]],
  ["vp08", ["vp8", ""]],
  ["vp09", ["vp9", ""]],
  ["av01", ["av1", "av1C"]],
]);

/** What is not told of samples in fragments one by one: 8.8.3, 8.8.7. */
export interface SampleDefaults {
  /** Index of the description, from 0. */
  readonly description: number;
  /** In units of the track's time. */
  readonly duration: number;
  readonly size: number;
}

/** The video of a movie. */
export interface MovieVideo {
  readonly id: number;
  /** Units of time in a second. */
  readonly timescale: number;
  /** The time in these units at which the film begins. */
  readonly startTime: number;
  readonly defaults: SampleDefaults;
  readonly descriptions: readonly LiveTrackInfo[];
  /** What lists samples that do not come in fragments: 8.5.1. */
  readonly table: Uint8Array;
}

/** What a movie has. */
export interface MovieDescription {
  /** The first video; `undefined` where there is none that can be read. */
  readonly video: MovieVideo | undefined;
  /** How many videos there are besides it. */
  readonly otherVideos: number;
  readonly hasSound: boolean;
  readonly isEncrypted: boolean;
}

/** Reads what is in a MovieBox. */
export function readMovie(movie: Uint8Array): MovieDescription {
  const videos: Uint8Array[] = [];
  let hasSound = false;
  for (const { type, data } of boxesOf(movie)) {
    if (type !== "trak") continue;
    const handler = handlerOf(data);
    if (handler === "vide") videos.push(data);
    if (handler === "soun") hasSound = true;
  }
  const tables = videos.map((track) => boxOf(track, "mdia", "minf", "stbl", "stsd"));
  const [track] = videos;
  return {
    video: track && readVideo(movie, track),
    otherVideos: Math.max(0, videos.length - 1),
    hasSound,
    isEncrypted: tables[0] !== undefined &&
      [...boxesOf(tables[0].subarray(8))].some(({ type }) => type === "encv"),
  };
}

/** handler_type, 8.4.3. */
function handlerOf(track: Uint8Array): string {
  return latin1((boxOf(track, "mdia", "hdlr") ?? new Uint8Array(0)).subarray(8, 12));
}

function readVideo(movie: Uint8Array, track: Uint8Array): MovieVideo | undefined {
  const header = boxOf(track, "tkhd");
  const id = header && readTrackId(header);
  const timescale = scaleOf(boxOf(track, "mdia", "mdhd"));
  const table = boxOf(track, "mdia", "minf", "stbl");
  const list = table && boxOf(table, "stsd");
  if (id === undefined || timescale === 0 || list === undefined) return undefined;
  const rotation = rotationOf(header!);
  const descriptions = [...boxesOf(list.subarray(8))].slice(0, MAX_DESCRIPTIONS)
    .map(({ type, data }) => descriptionOf(type, data, rotation));
  if (descriptions.length === 0) return undefined;
  const startTime = startOf(track, { timescale, movieScale: scaleOf(boxOf(movie, "mvhd")) });
  return { id, timescale, startTime, defaults: defaultsOf(movie, id), descriptions, table: table! };
}

function scaleOf(header: Uint8Array | undefined): number {
  return header === undefined ? 0 : readTimescale(header);
}

/** When the first part that an edit list shows begins, less what is empty in front of it. */
function startOf(
  track: Uint8Array,
  { timescale, movieScale }: { readonly timescale: number; readonly movieScale: number },
): number {
  const list = boxOf(track, "edts", "elst");
  if (list === undefined || movieScale === 0) return 0;
  const edits = readEdits(viewOf(list));
  const first = edits.findIndex(({ mediaTime }) => mediaTime !== EMPTY);
  if (first < 0) return 0;
  const emptyTime = edits.slice(0, first).reduce((sum, { duration }) => sum + duration, 0);
  return edits[first]!.mediaTime - Math.round(emptyTime / movieScale * timescale);
}

/** TrackExtendsBox, 8.8.3. */
function defaultsOf(movie: Uint8Array, id: number): SampleDefaults {
  for (const { type, data } of boxesOf(boxOf(movie, "mvex") ?? new Uint8Array(0))) {
    const view = viewOf(data);
    if (type !== "trex" || data.length < 20 || view.getUint32(4) !== id) continue;
    return {
      description: view.getUint32(8) - 1,
      duration: view.getUint32(12),
      size: view.getUint32(16),
    };
  }
  return { description: 0, duration: 0, size: 0 };
}

/** VisualSampleEntry, 12.1.3. */
function descriptionOf(type: string, entry: Uint8Array, rotation: number): LiveTrackInfo {
  const [format, recordBox] = ENTRIES.get(type) ?? [];
  const boxes = entry.subarray(VISUAL_ENTRY_BYTES);
  const isWhole = entry.length >= VISUAL_ENTRY_BYTES;
  const [width, height] = isWhole ? [viewOf(entry).getUint16(24), viewOf(entry).getUint16(26)] : [];
  const size = width && height ? { width, height } : undefined;
  const record = recordBox ? boxOf(boxes, recordBox) : undefined;
  const shape = boxOf(boxes, "pasp");
  const shown = size && shape !== undefined && shape.length >= 8
    ? stretched(size, viewOf(shape).getUint32(0), viewOf(shape).getUint32(4))
    : undefined;
  const colours = [...boxesOf(boxes)].filter(({ type }) => type === "colr")
    .map(({ data }) => readColours(data)).find((colours) => colours !== undefined) ?? {};
  return {
    codecId: type,
    format,
    record: format === "av1" ? record?.slice(AV1_RECORD_BYTES) : record?.slice(),
    size,
    frameRate: null,
    presentation: presentationOf({ size, shown, rotation, colours }),
  };
}

/** Degrees clockwise by which the matrix of a TrackHeaderBox turns pictures: 8.3.2. */
function rotationOf(header: Uint8Array): number {
  const at = MATRIX_AT[header[0] === 1 ? 1 : 0];
  if (header.length < at + 36) return 0;
  const view = viewOf(header);
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => view.getInt32(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const isMirrored = a * d - b * c < 0;
  const degrees = Math.round(Math.atan2(b, isMirrored ? -a : a) * 2 / Math.PI) * 90;
  return (degrees + 360) % 360;
}

/** Whether two descriptions are the same, byte for byte. */
export function isSameMovie(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && hasBytesAt(one, 0, other);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
