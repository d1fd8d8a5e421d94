/**
 * The boxes of MP4 and MOV files: ISO/IEC 14496-12 (2022) clause 4.2, and the QuickTime File Format.
 *
 * @module
 */
import { latin1 } from "../bytes/text.ts";
import type { ByteSource } from "./random_access_file.ts";

/** Where a box lies in a file. */
export interface Box {
  readonly type: string;
  /** Offset of its header. */
  readonly start: number;
  /** Offset of what is in it. */
  readonly content: number;
  /** Offset behind it; it may lie beyond the end of the file. */
  readonly end: number;
}

/** Bytes of a header that are enough to read any. */
export const BOX_HEADER_BYTES = 16;
/** Letters of a type: printable, or the © of QuickTime. */
const TYPE = /^[\x20-\x7e\xa9]{4}$/;
/** Most boxes beside one another: fragments of a second for a month. */
const MAX_BOXES = 5_000_000;

/** The box at `start`; `undefined` where none can be. One of size 0 reaches to `end`. */
export async function boxAt(
  file: ByteSource,
  start: number,
  end: number,
): Promise<Box | undefined> {
  return readBox(await file.read(start, Math.min(end, start + BOX_HEADER_BYTES)), start, end);
}

/** The same of a box that lies at `start` and of which `header` are the first bytes. */
export function readBox(header: Uint8Array, start: number, end: number): Box | undefined {
  if (header.length < 8) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const type = latin1(header.subarray(4, 8));
  if (!TYPE.test(type)) return undefined;
  const size = view.getUint32(0);
  if (size === 0) return { type, start, content: start + 8, end };
  if (size !== 1) {
    return size < 8 ? undefined : { type, start, content: start + 8, end: start + size };
  }
  if (header.length < 16) return undefined;
  const large = Number(view.getBigUint64(8));
  return large < 16 ? undefined : { type, start, content: start + 16, end: start + large };
}

/** The boxes within `bytes`, up to what is none or reaches beyond their end, and what is in them. */
export function* boxesOf(
  bytes: Uint8Array,
): Generator<{ readonly type: string; readonly data: Uint8Array }> {
  for (let at = 0; at < bytes.length;) {
    const box = readBox(bytes.subarray(at, at + BOX_HEADER_BYTES), at, bytes.length);
    if (box === undefined || box.end > bytes.length) return;
    yield { type: box.type, data: bytes.subarray(box.content, box.end) };
    at = box.end;
  }
}

/** What is in the first box that is reached by going into one of each type in turn. */
export function boxOf(
  bytes: Uint8Array,
  ...[type, ...inner]: readonly string[]
): Uint8Array | undefined {
  for (const box of boxesOf(bytes)) {
    if (box.type !== type) continue;
    return inner.length === 0 ? box.data : boxOf(box.data, ...inner);
  }
  return undefined;
}

/** The boxes that stand behind one another from `start` to `end`, up to what is none. */
export async function* boxesIn(
  file: ByteSource,
  start: number,
  end: number,
): AsyncGenerator<Box> {
  for (let count = 0, at = start; at < end && count < MAX_BOXES; count++) {
    const box = await boxAt(file, at, end);
    if (box === undefined) return;
    yield box;
    at = box.end;
  }
}

/** The first box that is reached from within `box` by going into one of each type in turn. */
export async function boxWithin(
  file: ByteSource,
  { content, end }: Pick<Box, "content" | "end">,
  ...[type, ...inner]: readonly string[]
): Promise<Box | undefined> {
  for await (const box of boxesIn(file, content, end)) {
    if (box.type !== type) continue;
    return inner.length === 0 ? box : await boxWithin(file, box, ...inner);
  }
  return undefined;
}
