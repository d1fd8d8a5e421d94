/**
 * Which part of a movie's track is shown, and how: ISO/IEC 14496-12 (2022), of which clauses are
 * named.
 *
 * @module
 */
import { type Box, boxesIn, boxWithin } from "./boxes.ts";
import { trackId } from "./movie.ts";
import type { ByteSource } from "./random_access_file.ts";

/** Most bytes of an edit list that are read. */
const MAX_LIST_BYTES = 1024 * 1024;
/** Bytes of a TrackHeaderBox's fields: 8.3.2. */
const TRACK_HEADER_BYTES = 96;
/** Media time of an edit that shows nothing: 8.6.6. */
const EMPTY = -1;

/** What of a track is shown. */
export interface PresentationEdits {
  /** When the film ends, in microseconds from its beginning; `undefined` where its frames tell. */
  readonly endUs: number | undefined;
  /** How many parts of the frames are shown, one behind another. */
  readonly parts: number;
  /** Whether pictures are to be shown as in a mirror. */
  readonly isMirrored: boolean;
}

/** An entry of an edit list. */
export interface Edit {
  readonly duration: number;
  readonly mediaTime: number;
}

/** The edits of the track of that id, which tells nothing where it has none. */
export async function presentationEdits(file: ByteSource, id: number): Promise<PresentationEdits> {
  const nothing = { endUs: undefined, parts: 1, isMirrored: false };
  const movie = await boxWithin(file, { content: 0, end: file.size }, "moov");
  if (movie === undefined) return nothing;
  for await (const track of boxesIn(file, movie.content, movie.end)) {
    if (track.type !== "trak" || await trackId(file, track) !== id) continue;
    return { ...await editsOf(file, movie, track), isMirrored: await isMirrored(file, track) };
  }
  return nothing;
}

async function editsOf(
  file: ByteSource,
  movie: Box,
  track: Box,
): Promise<Omit<PresentationEdits, "isMirrored">> {
  const list = await boxWithin(file, track, "edts", "elst");
  const scale = await timescaleOf(file, await boxWithin(file, movie, "mvhd"));
  const mediaScale = await timescaleOf(file, await boxWithin(file, track, "mdia", "mdhd"));
  const whole = { endUs: undefined, parts: 1 };
  if (list === undefined || list.end - list.content > MAX_LIST_BYTES) return whole;
  const edits = readEdits(viewOf(await file.read(list.content, list.end)));
  const first = edits.findIndex(({ mediaTime }) => mediaTime !== EMPTY);
  if (first < 0 || scale === 0 || mediaScale === 0) return whole;
  let parts = 1;
  let end = edits.slice(0, first + 1).reduce((sum, { duration }) => sum + duration, 0);
  let last = edits[first]!;
  for (const edit of edits.slice(first + 1)) {
    if (edit.duration === 0) continue;
    const followsSeconds = last.mediaTime / mediaScale + last.duration / scale;
    const isNext = edit.mediaTime !== EMPTY &&
      Math.abs(edit.mediaTime / mediaScale - followsSeconds) <= 1 / scale + 1 / mediaScale;
    if (!isNext) parts++;
    end += edit.duration;
    last = edit;
  }
  // Fragments add to what the list was written for: 8.6.6.1.
  const isOpen = edits.slice(first).some(({ duration }) => duration === 0) ||
    await boxWithin(file, movie, "mvex") !== undefined;
  return { endUs: isOpen || parts > 1 ? undefined : end / scale * 1e6, parts };
}

/** EditListBox, 8.6.6. */
export function readEdits(view: DataView): Edit[] {
  const edits: Edit[] = [];
  if (view.byteLength < 8) return edits;
  const isLong = view.getUint8(0) === 1;
  const bytes = isLong ? 20 : 12;
  const count = Math.min(view.getUint32(4), Math.floor((view.byteLength - 8) / bytes));
  for (let index = 0; index < count; index++) {
    const at = 8 + bytes * index;
    edits.push({
      duration: isLong ? Number(view.getBigUint64(at)) : view.getUint32(at),
      mediaTime: isLong ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4),
    });
  }
  return edits;
}

/** Units of a second, in MovieHeaderBox and MediaHeaderBox alike, 8.2.2 and 8.4.2; 0 without one. */
async function timescaleOf(file: ByteSource, header: Box | undefined): Promise<number> {
  if (header === undefined) return 0;
  return readTimescale(await file.read(header.content, header.content + 24));
}

/** The same of a header that has been read. */
export function readTimescale(header: Uint8Array): number {
  const view = viewOf(header);
  return view.byteLength < 24 ? 0 : view.getUint32(view.getUint8(0) === 1 ? 20 : 12);
}

/** Whether the matrix of TrackHeaderBox turns pictures over: 8.3.2. */
async function isMirrored(file: ByteSource, track: Box): Promise<boolean> {
  const header = await boxWithin(file, track, "tkhd");
  if (header === undefined) return false;
  const view = viewOf(await file.read(header.content, header.content + TRACK_HEADER_BYTES));
  const at = view.byteLength > 0 && view.getUint8(0) === 1 ? 52 : 40;
  if (at + 20 > view.byteLength) return false;
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => view.getInt32(at + offset));
  return a! * d! - b! * c! < 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
