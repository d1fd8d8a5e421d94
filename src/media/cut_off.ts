/**
 * Whether a media file ends before it says it does.
 *
 * @module
 */

import { type Box, boxesIn } from "./boxes.ts";
import { readVint } from "./ebml.ts";
import type { ByteSource } from "./random_access_file.ts";

/** Boxes of a movie that hold pictures, or say where they are: what a cut file lacks. */
const WITH_MEDIA = ["moov", "moof", "mdat"];

const EBML_MAGIC = 0x1a45dfa3;
const SEGMENT_ID = 0x18538067;
const EBML_HEADER_BYTES = 4096;

/**
 * Whether a file is cut off: the last box of an MP4 or MOV, or the segment of a Matroska, reaches
 * beyond its end. Other files do not tell, and what stands behind the last box of a whole film is
 * none of it.
 */
export async function isCutOff(file: ByteSource): Promise<boolean> {
  const start = await file.read(0, EBML_HEADER_BYTES);
  if (start.length < 8) return true;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  if (view.getUint32(0) === EBML_MAGIC) return isSegmentCutOff(view, file.size);
  let last: Box | undefined;
  let hasFragments = false;
  for await (const box of boxesIn(file, 0, file.size)) {
    last = box;
    hasFragments ||= box.type === "moof";
  }
  if (last === undefined) return false;
  if (last.end > file.size) return WITH_MEDIA.includes(last.type);
  // A fragment of which only the beginning of a header is left; no size has a first byte but 0.
  const rest = await file.read(last.end, last.end + 8);
  return hasFragments && last.type === "mdat" && rest.length > 0 && rest.length < 8 &&
    rest[0] === 0;
}

function isSegmentCutOff(view: DataView, size: number): boolean {
  const header = readVint(view, 4);
  if (header?.value === undefined) return false;
  const segment = header.end + header.value;
  if (segment + 4 > view.byteLength || view.getUint32(segment) !== SEGMENT_ID) return false;
  const length = readVint(view, segment + 4);
  return length?.value !== undefined && length.end + length.value > size;
}
