/**
 * What of an MP4 or MOV file the library that reads it does not tell: ISO/IEC 14496-12 (2022), of
 * which clauses are named.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { latin1 } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import { type Box, boxesIn, boxWithin } from "./boxes.ts";
import { DamageError } from "./damage.ts";
import { readLayerRecord } from "./decoder_record.ts";
import { uint32 } from "./layout.ts";
import type { UpperLayers } from "./upper_layers.ts";
import { type ByteSource, PatchedBytes } from "./random_access_file.ts";

/** Most sample descriptions of a track; more than films joined from many have. */
const MAX_DESCRIPTIONS = 256;
/** Most bytes of the descriptions and of the table that assigns them. */
const MAX_DESCRIPTION_BYTES = 1024 * 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/** Fields of an AV1CodecConfigurationRecord in front of its OBUs. */
export const AV1_RECORD_BYTES = 4;
/** Fields of a VisualSampleEntry in front of its boxes: 12.1.3. */
export const VISUAL_ENTRY_BYTES = 78;

/** Fields of the boxes that count samples, as far as the count. */
const SAMPLE_COUNT_BYTES = 12;

/** Colours as a file tells them, in the code points of ITU-T H.273. */
export type Colours = Pick<StreamConfig, "primaries" | "transfer" | "matrix" | "fullRange">;

/** A run of samples with the same description. */
interface DescribedRun {
  /** Number of its first sample, from 0. */
  readonly sample: number;
  /** Index of its description, from 0. */
  readonly description: number;
}

/** A video track's sample descriptions. */
export class MovieTrack {
  readonly #file: ByteSource;
  readonly #id: number;
  readonly #list: Box;
  readonly #entries: readonly Box[];
  readonly #runs: readonly DescribedRun[];
  /** Description of samples of fragments that do not name one. */
  readonly #default: number;
  /** Boxes that say how many samples are listed, where others follow in fragments. */
  readonly #counts: readonly Box[];
  #isInFragments = false;
  #walk: AsyncGenerator<Box> | undefined;
  #fragment: { readonly start: number; readonly description: number } | undefined;
  #nextFragment: { readonly start: number; readonly description: number } | undefined;

  private constructor(
    file: ByteSource,
    { id, list, entries, runs, fallback, counts }: {
      readonly id: number;
      readonly list: Box;
      readonly entries: readonly Box[];
      readonly runs: readonly DescribedRun[];
      readonly fallback: number;
      readonly counts: readonly Box[];
    },
  ) {
    this.#file = file;
    this.#id = id;
    this.#list = list;
    this.#entries = entries;
    this.#runs = runs;
    this.#default = fallback;
    this.#counts = counts;
  }

  /** The track of that id; `undefined` where it has no sample description that can be read. */
  static async find(file: ByteSource, id: number): Promise<MovieTrack | undefined> {
    const movie = await boxWithin(file, { content: 0, end: file.size }, "moov");
    if (movie === undefined) return undefined;
    for await (const box of boxesIn(file, movie.content, movie.end)) {
      if (box.type !== "trak" || await trackId(file, box) !== id) continue;
      const table = await boxWithin(file, box, "mdia", "minf", "stbl");
      const list = table && await boxWithin(file, table, "stsd");
      if (list === undefined || list.end - list.content > MAX_DESCRIPTION_BYTES) return undefined;
      const entries: Box[] = [];
      for await (const entry of boxesIn(file, list.content + 8, list.end)) {
        if (entry.end > list.end || entries.length === MAX_DESCRIPTIONS) break;
        entries.push(entry);
      }
      if (entries.length === 0) return undefined;
      await checkChunks(file, table!);
      const runs = entries.length === 1 ? [] : await describedRuns(file, table!);
      const fallback = entries.length === 1 ? 0 : await defaultDescription(file, movie, id);
      const counts = await continuedCounts(file, movie, table!);
      return new MovieTrack(file, { id, list, entries, runs, fallback, counts });
    }
    return undefined;
  }

  /** How many descriptions it has. */
  get count(): number {
    return this.#entries.length;
  }

  /** The file as if this were the only description. */
  only(description: number): ByteSource {
    const { start, end } = this.#entries[description]!;
    const read = async () => {
      const entry = await this.#file.read(start, end);
      return concat([uint32(0), uint32(1), entry]);
    };
    return new PatchedBytes(this.#file, { at: this.#list.content, read });
  }

  /**
   * The file as if its samples were in fragments alone; `undefined` where none are, or all are. Its
   * samples come behind those that are listed in front.
   */
  async fragments(file: ByteSource): Promise<ByteSource | undefined> {
    if (this.#counts.length === 0) return undefined;
    let bytes = file;
    for (const { content, end } of this.#counts) {
      const at = content;
      const read = () => Promise.resolve(new Uint8Array(Math.min(SAMPLE_COUNT_BYTES, end - at)));
      bytes = new PatchedBytes(bytes, { at, read });
    }
    this.#isInFragments = true;
    return await boxWithin(file, { content: 0, end: file.size }, "moof") && bytes;
  }

  /** What a description tells of the colours; nothing where it does not. */
  async colours(description: number): Promise<Colours> {
    const entry = this.#entries[description]!;
    const content = entry.content + VISUAL_ENTRY_BYTES;
    for await (const box of boxesIn(this.#file, content, entry.end)) {
      if (box.type !== "colr") continue;
      const colours = readColours(await this.#file.read(box.content, box.end));
      if (colours !== undefined) return colours;
    }
    return {};
  }

  /** What a description of H.265 says of layers above the base layer; `undefined` where it has none. */
  async upperLayers(description: number): Promise<UpperLayers | undefined> {
    const entry = this.#entries[description]!;
    const content = entry.content + VISUAL_ENTRY_BYTES;
    const box = await boxWithin(this.#file, { content, end: entry.end }, "lhvC");
    return box && readLayerRecord(await this.#file.read(box.content, box.end));
  }

  /** OBUs that a description of AV1 holds: "AV1 Codec ISO Media File Format Binding" 2.3.3. */
  async obus(description: number): Promise<Uint8Array | undefined> {
    const entry = this.#entries[description]!;
    const content = entry.content + VISUAL_ENTRY_BYTES;
    const box = await boxWithin(this.#file, { content, end: entry.end }, "av1C");
    return box && (await this.#file.read(box.content, box.end)).subarray(AV1_RECORD_BYTES);
  }

  /**
   * The description of a sample. `number` is what the library calls it by: its number from 0, or in
   * a fragment the fragment's offset plus its number there. Those of fragments are asked for in order.
   */
  async descriptionOf(number: number): Promise<number> {
    if (this.#entries.length === 1) return 0;
    if (this.#isInFragments || this.#runs.length === 0) return await this.#ofFragment(number);
    const run = this.#runs.findLast(({ sample }) => sample <= number);
    return this.#clamped(run?.description ?? 0);
  }

  async #ofFragment(number: number): Promise<number> {
    this.#walk ??= boxesIn(this.#file, 0, this.#file.size);
    this.#nextFragment ??= await this.#findFragment();
    while (this.#nextFragment !== undefined && this.#nextFragment.start <= number) {
      this.#fragment = this.#nextFragment;
      this.#nextFragment = await this.#findFragment();
    }
    return this.#clamped(this.#fragment?.description ?? this.#default);
  }

  /** The next fragment of the track, and the description that its header names: 8.8.7. */
  async #findFragment() {
    for (;;) {
      const { value: box } = await this.#walk!.next() as { value: Box | undefined };
      if (box === undefined) return undefined;
      if (box.type !== "moof") continue;
      for await (const part of boxesIn(this.#file, box.content, box.end)) {
        const header = part.type === "traf" ? await boxWithin(this.#file, part, "tfhd") : undefined;
        if (header === undefined) continue;
        const view = viewOf(await this.#file.read(header.content, header.content + 20));
        if (view.byteLength < 8 || view.getUint32(4) !== this.#id) continue;
        const flags = view.getUint32(0) & 0xff_ffff;
        const at = 8 + ((flags & 1) !== 0 ? 8 : 0);
        const isNamed = (flags & 2) !== 0 && at + 4 <= view.byteLength;
        const description = isNamed ? view.getUint32(at) - 1 : this.#default;
        return { start: box.start, description };
      }
    }
  }

  #clamped(description: number): number {
    return Math.max(0, Math.min(description, this.#entries.length - 1));
  }
}

/** Whether samples of video are encrypted: 8.12. */
export async function hasEncryptedVideo(file: ByteSource): Promise<boolean> {
  const movie = await boxWithin(file, { content: 0, end: file.size }, "moov");
  if (movie === undefined) return false;
  for await (const track of boxesIn(file, movie.content, movie.end)) {
    if (track.type !== "trak") continue;
    const list = await boxWithin(file, track, "mdia", "minf", "stbl", "stsd");
    if (list === undefined) continue;
    for await (const { type } of boxesIn(file, list.content + 8, list.end)) {
      if (type === "encv") return true;
    }
  }
  return false;
}

/** The id that a track's header names: 8.3.2. */
export async function trackId(file: ByteSource, track: Box): Promise<number | undefined> {
  const header = await boxWithin(file, track, "tkhd");
  if (header === undefined) return undefined;
  return readTrackId(await file.read(header.content, header.content + 24));
}

/** The same of a header that has been read. */
export function readTrackId(header: Uint8Array): number | undefined {
  const view = viewOf(header);
  if (view.byteLength < 24) return undefined;
  return view.getUint32(view.getUint8(0) === 1 ? 20 : 12);
}

/**
 * Checks that no chunk has more samples than there are, for the library counts them one by one.
 *
 * @throws {DamageError} where one has
 */
async function checkChunks(file: ByteSource, table: Box): Promise<void> {
  const sizes = await boxWithin(file, table, "stsz") ?? await boxWithin(file, table, "stz2");
  const chunks = await boxWithin(file, table, "stsc");
  if (sizes === undefined || chunks === undefined) return;
  const counts = viewOf(await file.read(sizes.content, sizes.content + 12));
  if (chunks.end - chunks.content > MAX_TABLE_BYTES || counts.byteLength < 12) return;
  const samples = counts.getUint32(8);
  const view = viewOf(await file.read(chunks.content, chunks.end));
  for (let at = 12; at + 4 <= view.byteLength; at += 12) {
    if (view.getUint32(at) > samples) {
      throw new DamageError("a chunk has more frames than there are");
    }
  }
}

/**
 * The boxes of a sample table that count samples, 8.6.1 and 8.7.3; none where no samples are listed,
 * or where the movie says that no fragments follow, 8.8.1.
 */
async function continuedCounts(file: ByteSource, movie: Box, table: Box): Promise<Box[]> {
  if (await boxWithin(file, movie, "mvex") === undefined) return [];
  const sizes = await boxWithin(file, table, "stsz") ?? await boxWithin(file, table, "stz2");
  const times = await boxWithin(file, table, "stts");
  const offsets = await boxWithin(file, table, "ctts");
  const view = sizes && viewOf(await file.read(sizes.content, sizes.content + SAMPLE_COUNT_BYTES));
  const isEmpty = view === undefined || view.byteLength < SAMPLE_COUNT_BYTES ||
    view.getUint32(8) === 0;
  return isEmpty ? [] : [sizes, times, offsets].filter((box) => box !== undefined);
}

/** SampleToChunkBox, 8.7.4: runs of chunks of which all have as many samples. */
async function describedRuns(file: ByteSource, table: Box): Promise<DescribedRun[]> {
  const box = await boxWithin(file, table, "stsc");
  if (box === undefined || box.end - box.content > MAX_TABLE_BYTES) return [];
  const view = viewOf(await file.read(box.content, box.end));
  if (view.byteLength < 8) return [];
  const runs: DescribedRun[] = [];
  const count = Math.min(view.getUint32(4), Math.floor((view.byteLength - 8) / 12));
  let sample = 0;
  for (let index = 0; index < count; index++) {
    const at = 8 + 12 * index;
    const description = view.getUint32(at + 8) - 1;
    if (runs.at(-1)?.description !== description) runs.push({ sample, description });
    if (index + 1 === count) break;
    sample += Math.max(0, view.getUint32(at + 12) - view.getUint32(at)) * view.getUint32(at + 4);
  }
  return runs;
}

/** default_sample_description_index of TrackExtendsBox, 8.8.3. */
async function defaultDescription(file: ByteSource, movie: Box, id: number): Promise<number> {
  const extensions = await boxWithin(file, movie, "mvex");
  if (extensions === undefined) return 0;
  for await (const box of boxesIn(file, extensions.content, extensions.end)) {
    if (box.type !== "trex") continue;
    const view = viewOf(await file.read(box.content, box.content + 12));
    if (view.byteLength >= 12 && view.getUint32(4) === id) return view.getUint32(8) - 1;
  }
  return 0;
}

/** ColourInformationBox, 12.1.5; QuickTime's `nclc` has no range. */
export function readColours(box: Uint8Array): Colours | undefined {
  const type = latin1(box.subarray(0, 4));
  if ((type !== "nclx" && type !== "nclc") || box.length < 10) return undefined;
  const view = viewOf(box);
  return {
    primaries: view.getUint16(4),
    transfer: view.getUint16(6),
    matrix: view.getUint16(8),
    ...type === "nclx" && box.length > 10 ? { fullRange: (box[10]! & 0x80) !== 0 } : {},
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
