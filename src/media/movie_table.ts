/**
 * The samples that an MP4 lists in front of all of them: ISO/IEC 14496-12 (2022), of which clauses
 * are named.
 *
 * @module
 */
import { boxOf } from "./boxes.ts";
import type { MovieSample } from "./movie_fragment.ts";

/** Bytes of a table in front of its entries: version, flags and their number. */
const HEADER_BYTES = 8;

/**
 * The samples of a SampleTableBox in their order, as far as its tables go; the file begins at
 * `fileStart` of the input.
 */
export function* listedSamples(table: Uint8Array, fileStart: number): Generator<MovieSample> {
  const sizeAt = sizesOf(table);
  const durations = new Runs(boxOf(table, "stts"));
  const shifts = new Runs(boxOf(table, "ctts"));
  const chunks = chunksOf(table);
  const groups = entriesOf(boxOf(table, "stsc"), 12);
  if (sizeAt === undefined || chunks === undefined || groups === undefined) return;
  let group = 0;
  let sample = 0;
  let time = 0;
  for (let chunk = 0; chunk < chunks.count; chunk++) {
    // Each entry holds up to the chunk of the next, of which the first is 1: 8.7.4.
    while (group + 1 < groups.count && groups.at(group + 1).getUint32(0) <= chunk + 1) group++;
    if (group >= groups.count) return;
    const entry = groups.at(group);
    const description = entry.getUint32(8) - 1;
    let offset = fileStart + chunks.offset(chunk);
    for (let left = entry.getUint32(4); left > 0; left--) {
      const size = sizeAt(sample++);
      if (size === undefined) return;
      yield { offset, size, time: time + shifts.next(), description };
      time += durations.next();
      offset += size;
    }
  }
}

/** SampleSizeBox, 8.7.3; `undefined` where it has none. */
function sizesOf(table: Uint8Array): ((sample: number) => number | undefined) | undefined {
  const box = boxOf(table, "stsz");
  if (box === undefined || box.length < HEADER_BYTES + 4) return undefined;
  const view = viewOf(box);
  const [all, count] = [view.getUint32(4), view.getUint32(8)];
  const listed = Math.floor((box.length - HEADER_BYTES - 4) / 4);
  return (sample) => {
    if (sample >= count || (all === 0 && sample >= listed)) return undefined;
    return all === 0 ? view.getUint32(HEADER_BYTES + 4 + 4 * sample) : all;
  };
}

/** ChunkOffsetBox, 8.7.5. */
function chunksOf(
  table: Uint8Array,
): { readonly count: number; readonly offset: (chunk: number) => number } | undefined {
  const short = entriesOf(boxOf(table, "stco"), 4);
  if (short !== undefined) {
    return { count: short.count, offset: (chunk) => short.at(chunk).getUint32(0) };
  }
  const long = entriesOf(boxOf(table, "co64"), 8);
  return long && { count: long.count, offset: (at) => Number(long.at(at).getBigUint64(0)) };
}

/** Numbers of which each holds for so many samples: 8.6.1. */
class Runs {
  readonly #entries: Entries | undefined;
  #entry = 0;
  #used = 0;

  constructor(box: Uint8Array | undefined) {
    this.#entries = entriesOf(box, 8);
  }

  /** The number of the next sample; 0 where none is listed. */
  next(): number {
    const entries = this.#entries;
    while (entries !== undefined && this.#entry < entries.count) {
      const entry = entries.at(this.#entry);
      // Signed in both versions: no offset is so large that it matters.
      if (this.#used++ < entry.getUint32(0)) return entry.getInt32(4);
      this.#entry++;
      this.#used = 0;
    }
    return 0;
  }
}

/** The entries of a table. */
interface Entries {
  readonly count: number;
  readonly at: (index: number) => DataView;
}

function entriesOf(box: Uint8Array | undefined, bytes: number): Entries | undefined {
  if (box === undefined || box.length < HEADER_BYTES) return undefined;
  const count = Math.min(viewOf(box).getUint32(4), Math.floor((box.length - HEADER_BYTES) / bytes));
  return {
    count,
    at: (index) => viewOf(box.subarray(HEADER_BYTES + bytes * index)),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
