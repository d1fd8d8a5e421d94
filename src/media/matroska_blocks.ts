/**
 * The frames of one track of a Matroska or WebM file: RFC 9559, of which clauses are named.
 *
 * @module
 */
import { type Element, elementAt, elementsOf, readVint, unsignedOf } from "./ebml.ts";
import { cutOffFault, type MediaFault, strayFault } from "./media_reader.ts";
import { LACING, readLace } from "./lacing.ts";
import {
  BESIDE_CLUSTERS,
  CLUSTER_BEGINNINGS,
  DEFAULT_TIMESTAMP_SCALE,
  MATROSKA_ID as ID,
  MAX_INFO_BYTES,
  WITHIN_CLUSTERS,
} from "./matroska_ids.ts";
import type { ByteSource } from "./random_access_file.ts";

/** Most bytes of what stands around a block. */
const MAX_GROUP_HEADER_BYTES = 64;
/** Bytes that are searched at once for the next cluster. */
const SEARCHED_BYTES = 64 * 1024;
/** Blocks behind and in front of one that are looked at to know how long it is shown. */
const LOOKAHEAD = 16;
/** Most bytes of the sizes of frames that are in one block. */
const MAX_LACE_BYTES = 64 * 1024;
/** Time from frame to frame in a block where nothing tells it, in microseconds. */
const DEFAULT_STEP_US = 40_000;

/** A frame of the track. */
export interface Block {
  /** Offset of its bytes. */
  readonly at: number;
  /** How many there are. */
  readonly bytes: number;
  /** When it is shown, in microseconds. */
  readonly timeUs: number;
  /** Time to the next frame that is shown in microseconds, 0 where it is not known. */
  readonly durationUs: number;
}

type TimedBlock = Omit<Block, "durationUs">;

/** The frames of a block, of which mostly there is one. */
interface BlockFrames {
  /** When the first is shown, in microseconds. */
  readonly timeUs: number;
  /** Time from one to the next in microseconds; `undefined` where only the next block tells. */
  readonly stepUs: number | undefined;
  readonly frames: readonly Pick<Block, "at" | "bytes">[];
}

/** What tells the blocks of a track from others. */
export interface MatroskaTrackId {
  readonly number: number;
  /** Time from frame to frame in microseconds, where the track tells it. */
  readonly frameUs: number | undefined;
}

/** How often something was passed over, and why the last time. */
interface Damage {
  readonly count: number;
  readonly fault: MediaFault | undefined;
}

/**
 * Finds the blocks of a track one after another. Where something is no part of the file, it goes on
 * at the next cluster; blocks that are whole are found even in a cluster that is cut off.
 */
export class MatroskaBlocks {
  readonly #file: ByteSource;
  readonly #track: MatroskaTrackId;
  /** Frames of a block that wait for the time of the next one. */
  #untimed: BlockFrames | undefined;
  #stepInBlockUs = DEFAULT_STEP_US;
  /** Whether the segment says that it ends behind the file. */
  readonly #isCutOff: boolean;
  #at: number;
  /** Where the segment and the cluster end, as far as they tell. */
  #end: number;
  #cluster: { readonly end: number; timestamp: number } | undefined;
  #scale = DEFAULT_TIMESTAMP_SCALE;
  /** What was passed over up to where the file has been read, and up to the block given last. */
  #found: Damage = { count: 0, fault: undefined };
  #told = this.#found;
  #endsWithin = false;
  #blocks = 0;
  #ahead: { readonly block: TimedBlock; readonly damage: Damage }[] = [];
  /** When the blocks are shown that were given last. */
  readonly #behindUs: number[] = [];
  #stepUs = 0;

  private constructor(file: ByteSource, track: MatroskaTrackId, segment: Element) {
    this.#file = file;
    this.#track = track;
    this.#at = segment.start;
    this.#end = Math.min(segment.end ?? file.size, file.size);
    this.#isCutOff = (segment.end ?? 0) > file.size;
  }

  /** The blocks of that track; `undefined` where the file has no segment. */
  static async open(file: ByteSource, track: MatroskaTrackId): Promise<MatroskaBlocks | undefined> {
    const header = await elementAt(file, 0);
    const segment = header?.end === undefined ? undefined : await elementAt(file, header.end);
    return segment?.id === ID.segment ? new MatroskaBlocks(file, track, segment) : undefined;
  }

  /** How often something was passed over, in front of the last block, that is no part of the file. */
  get damaged(): number {
    return this.#told.count;
  }

  /** Why the last time. */
  get fault(): MediaFault | undefined {
    return this.#told.fault;
  }

  /** Whether the file ends within a part that has been read, which counts as damage. */
  get endsWithin(): boolean {
    return this.#endsWithin;
  }

  /** The next block; `undefined` at the end. */
  async next(): Promise<Block | undefined> {
    while (this.#ahead.length <= LOOKAHEAD) {
      const block = await this.#find();
      if (this.#untimed !== undefined) this.#add(this.#untimed, block?.timeUs);
      this.#untimed = undefined;
      if (block === undefined) break;
      if (block.stepUs === undefined && block.frames.length > 1) this.#untimed = block;
      else this.#add(block);
    }
    const next = this.#ahead.shift();
    this.#told = next?.damage ?? this.#found;
    if (next === undefined) return undefined;
    const { block } = next;
    // The picture that is shown next may have come before this one.
    const steps = [...this.#behindUs, ...this.#ahead.map(({ block: { timeUs } }) => timeUs)]
      .map((timeUs) => timeUs - block.timeUs)
      .filter((us) => us > 0);
    if (steps.length > 0) this.#stepUs = Math.min(...steps);
    this.#behindUs.push(block.timeUs);
    if (this.#behindUs.length > LOOKAHEAD) this.#behindUs.shift();
    return { ...block, durationUs: this.#stepUs };
  }

  /** Takes the frames of a block; `nextUs` is when the next one begins. */
  #add({ timeUs, stepUs, frames }: BlockFrames, nextUs = timeUs): void {
    const distanceUs = nextUs - timeUs;
    if (distanceUs > 0) this.#stepInBlockUs = distanceUs / frames.length;
    for (const [index, { at, bytes }] of frames.entries()) {
      const shownUs = Math.round(timeUs + index * (stepUs ?? this.#stepInBlockUs));
      this.#blocks++;
      this.#ahead.push({ block: { at, bytes, timeUs: shownUs }, damage: this.#found });
    }
  }

  async #find(): Promise<BlockFrames | undefined> {
    while (this.#at < this.#end) {
      if (this.#cluster !== undefined && this.#at >= this.#cluster.end) this.#cluster = undefined;
      const element = await elementAt(this.#file, this.#at);
      const limit = this.#cluster?.end ?? Infinity;
      if (element === undefined) {
        await this.#recover();
      } else if (element.id === ID.cluster) {
        this.#cluster = { end: element.end ?? Infinity, timestamp: 0 };
        this.#at = element.start;
      } else if (element.end === undefined || element.end > limit || !this.#isKnown(element.id)) {
        await this.#recover();
      } else if (element.end > this.#file.size) {
        this.#endsWithin = true;
        this.#leaveOut(cutOffFault(this.#blocks + 1));
        this.#at = this.#end;
      } else {
        const block = await this.#read(element.id, element.start, element.end);
        this.#at = element.end;
        if (block !== undefined) return block;
      }
    }
    return undefined;
  }

  #isKnown(id: number): boolean {
    if (BESIDE_CLUSTERS.has(id)) return true;
    return this.#cluster !== undefined &&
      (WITHIN_CLUSTERS.has(id) || id === ID.simpleBlock || id === ID.blockGroup);
  }

  async #read(
    id: number,
    start: number,
    end: number,
  ): Promise<BlockFrames | undefined> {
    if (id === ID.simpleBlock) return await this.#readBlock(start, end);
    if (id === ID.blockGroup) return await this.#readGroup(start, end);
    if (id === ID.timestamp) {
      if (end - start <= 8) {
        this.#cluster!.timestamp = unsignedOf(await this.#file.read(start, end));
      }
    } else if (id === ID.info && end - start <= MAX_INFO_BYTES) {
      for (const { id, data } of elementsOf(await this.#file.read(start, end))) {
        if (id === ID.timestampScale) this.#scale = unsignedOf(data) || DEFAULT_TIMESTAMP_SCALE;
      }
    }
    return undefined;
  }

  /** BlockGroup, clause 5.1.3.5: a block, and perhaps how long it is shown. */
  async #readGroup(start: number, end: number): Promise<BlockFrames | undefined> {
    let block: BlockFrames | undefined;
    for (let at = start; at < end;) {
      const part = await elementAt(this.#file, at);
      if (part?.end === undefined || part.end > end) return block;
      if (part.id === ID.block) block = await this.#readBlock(part.start, part.end);
      else if (part.id === ID.blockDuration && block !== undefined && part.end - part.start <= 8) {
        const durationUs = unsignedOf(await this.#file.read(part.start, part.end)) * this.#scale /
          1000;
        const stepUs = block.stepUs ?? durationUs / block.frames.length;
        block = { ...block, ...stepUs > 0 ? { stepUs } : {} };
      }
      // What else a block may have says nothing of one frame.
      if (block?.frames.length === 1) return block;
      at = part.end;
    }
    return block;
  }

  /** Block structure, clause 10.1; `undefined` for one of another track. */
  async #readBlock(start: number, end: number): Promise<BlockFrames | undefined> {
    const header = await this.#file.read(start, Math.min(end, start + MAX_GROUP_HEADER_BYTES));
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    const track = readVint(view, 0);
    if (track?.value !== this.#track.number || track.end + 3 > header.length) return undefined;
    const timestamp = this.#cluster!.timestamp + view.getInt16(track.end);
    const timeUs = Math.round(timestamp * this.#scale / 1000);
    const at = start + track.end + 3;
    const flags = view.getUint8(track.end + 2);
    if ((flags & LACING) === 0) {
      return { timeUs, stepUs: undefined, frames: [{ at, bytes: end - at }] };
    }
    const frames = await this.#readLace({ end, at, flags });
    if (frames === undefined) {
      this.#leaveOut(strayFault(this.#blocks + 1, start));
      return undefined;
    }
    const { frameUs } = this.#track;
    return { timeUs, stepUs: frameUs, frames };
  }

  /** Where the frames of a block lie that has several; `undefined` where they do not fit in it. */
  async #readLace({ end, at, flags }: {
    readonly end: number;
    readonly at: number;
    readonly flags: number;
  }): Promise<Pick<Block, "at" | "bytes">[] | undefined> {
    const bytes = await this.#file.read(at, Math.min(end, at + MAX_LACE_BYTES));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const lace = readLace(view, { at: 0, flags, bytes: end - at });
    if (lace === undefined) return undefined;
    let next = at + lace.start;
    return lace.sizes.map((bytes) => ({ at: (next += bytes) - bytes, bytes }));
  }

  #leaveOut(fault: MediaFault): void {
    this.#found = { count: this.#found.count + 1, fault };
  }

  /** Goes on at the next cluster. */
  async #recover(): Promise<void> {
    const stray = strayFault(this.#blocks + 1, this.#at);
    this.#cluster = undefined;
    // What does not belong there has moved the end too.
    this.#end = this.#file.size;
    for (let from = this.#at + 1; from < this.#end;) {
      const bytes = await this.#file.read(from, Math.min(this.#end, from + SEARCHED_BYTES));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = bytes.indexOf(0x1f); at >= 0; at = bytes.indexOf(0x1f, at + 1)) {
        if (at + 4 > bytes.length || view.getUint32(at) !== ID.cluster) continue;
        const cluster = await elementAt(this.#file, from + at);
        const first = cluster && await elementAt(this.#file, cluster.start);
        if (first === undefined || !CLUSTER_BEGINNINGS.has(first.id)) continue;
        this.#at = from + at;
        this.#leaveOut(stray);
        return;
      }
      // A cluster's name may lie across two parts.
      from += Math.max(1, bytes.length - 3);
      if (bytes.length <= 3) break;
    }
    this.#at = this.#end;
    this.#endsWithin = this.#isCutOff;
    this.#leaveOut(this.#isCutOff ? cutOffFault(this.#blocks + 1) : stray);
  }
}
