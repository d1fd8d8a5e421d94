/**
 * Whether a media file ends before it says it does.
 *
 * @module
 */

import type { RandomAccessFile } from "./random_access_file.ts";

const BOX_HEADER_BYTES = 16;
const BOX_TYPE = /^[\x20-\x7e\xa9]{4}$/;
/** Most boxes that are walked: fragments of a second for a month. */
const MAX_BOXES = 5_000_000;

const EBML_MAGIC = 0x1a45dfa3;
const SEGMENT_ID = 0x18538067;
const EBML_HEADER_BYTES = 4096;

/**
 * Whether a file is cut off: the last box of an MP4 or MOV, or the segment of a
 * Matroska, reaches beyond its end. Other files do not tell.
 */
export async function isCutOff(file: RandomAccessFile): Promise<boolean> {
  const { size } = file;
  const start = await file.read(0, EBML_HEADER_BYTES);
  if (start.length < 8) return true;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  if (view.getUint32(0) === EBML_MAGIC) return isSegmentCutOff(view, size);
  let end = 0;
  for (let count = 0; end < size && count < MAX_BOXES; count++) {
    const header = await file.read(end, end + BOX_HEADER_BYTES);
    const bytes = boxBytes(header);
    if (bytes === undefined) return header.length < 8 && count > 0;
    if (bytes === 0) return false;
    end += bytes;
  }
  return end > size;
}

/** The size of the box that begins with `header`; 0 for one that goes to the end of the file. */
function boxBytes(header: Uint8Array): number | undefined {
  if (header.length < 8) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (!BOX_TYPE.test(String.fromCharCode(...header.subarray(4, 8)))) return undefined;
  const size = view.getUint32(0);
  if (size !== 1) return size === 0 || size >= 8 ? size : undefined;
  return header.length < 16 ? undefined : Number(view.getBigUint64(8));
}

function isSegmentCutOff(view: DataView, size: number): boolean {
  const header = readVint(view, 4);
  if (header?.value === undefined) return false;
  const segment = header.end + header.value;
  if (segment + 4 > view.byteLength || view.getUint32(segment) !== SEGMENT_ID) return false;
  const length = readVint(view, segment + 4);
  return length?.value !== undefined && length.end + length.value > size;
}

/** An EBML variable-size integer, RFC 8794 clause 4; no value stands for an unknown size. */
function readVint(
  view: DataView,
  at: number,
): { readonly value: number | undefined; readonly end: number } | undefined {
  if (at >= view.byteLength) return undefined;
  const length = Math.clz32(view.getUint8(at)) - 23;
  if (length > 8 || at + length > view.byteLength) return undefined;
  let value = view.getUint8(at) & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (let index = 1; index < length; index++) {
    const byte = view.getUint8(at + index);
    isUnknown &&= byte === 0xff;
    value = value * 256 + byte;
  }
  return { value: isUnknown ? undefined : value, end: at + length };
}
