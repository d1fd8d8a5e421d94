/**
 * What stands between and behind the boxes of an MP4 or MOV file and is none.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { bytesOf, latin1 } from "../bytes/text.ts";
import { boxAt } from "./boxes.ts";
import { uint32 } from "./layout.ts";
import { type ByteSource, PatchedBytes } from "./random_access_file.ts";

/** Boxes at which a film goes on. */
const NEXT = new Set(["moof", "moov", "mfra", "sidx", "styp"]);
/** Most boxes that are looked at before a file is played; those of some minutes of fragments. */
const MAX_BOXES = 2000;
/** Most gaps that are closed. */
const MAX_GAPS = 100;
/** Bytes that are searched at once, and those that two such parts share. */
const SEARCHED_BYTES = 64 * 1024;
const SHARED_BYTES = 8;
const HEADER_BYTES = 8;

/** A film whose boxes stand behind one another. */
export interface ClosedFilm {
  readonly bytes: ByteSource;
  /** Where bytes between boxes begin that pass for a box of nothing now. */
  readonly gaps: readonly number[];
  /** Bytes behind the last box. */
  readonly tail: number;
}

/** Makes boxes that are to be passed over of what stands between boxes. */
export async function closeGaps(file: ByteSource): Promise<ClosedFilm> {
  let bytes = file;
  const gaps: number[] = [];
  let at = 0;
  for (let count = 0; at < file.size; count++) {
    if (count === MAX_BOXES) return { bytes, gaps, tail: 0 };
    const box = await boxAt(file, at, file.size);
    // A box with pictures, or with the list of them, is cut off where it is too long: no gap.
    if (box !== undefined && (box.end <= file.size || NEXT.has(box.type) || box.type === "mdat")) {
      at = Math.min(box.end, file.size);
      continue;
    }
    const next = at > 0 && gaps.length < MAX_GAPS
      ? await findBox(file, at + HEADER_BYTES)
      : undefined;
    if (next === undefined) break;
    const header = concat([uint32(next - at), bytesOf("free")]);
    bytes = new PatchedBytes(bytes, { at, read: () => Promise.resolve(header) });
    gaps.push(at);
    at = next;
  }
  return { bytes, gaps, tail: at === 0 ? 0 : file.size - at };
}

/** The first place from `from` on at which a film goes on. */
async function findBox(file: ByteSource, from: number): Promise<number | undefined> {
  for (let start = from; start < file.size; start += SEARCHED_BYTES - SHARED_BYTES) {
    const text = latin1(await file.read(start, start + SEARCHED_BYTES));
    for (const { index } of text.matchAll(/moof|moov|mfra|sidx|styp/g)) {
      const at = start + index - 4;
      const box = at < from ? undefined : await boxAt(file, at, file.size);
      if (box !== undefined && box.end <= file.size) return at;
    }
  }
  return undefined;
}
