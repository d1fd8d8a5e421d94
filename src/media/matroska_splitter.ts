/**
 * Matroska and WebM that are read as they come: RFC 9559, of which clauses are named.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { hasBytesAt, hex } from "../bytes/text.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { FrameInput } from "../split/frame_input.ts";
import type { FrameFinder } from "../split/resync.ts";
import type { SplitFrame } from "../split/splitter.ts";
import { DamageError } from "./damage.ts";
import { type Element, elementsOf, readElement, readVint, unsignedOf } from "./ebml.ts";
import { JoinedTimes } from "./joined_times.ts";
import { LACING, readLace } from "./lacing.ts";
import {
  type ContainerOptions,
  failForGood,
  LiveTrack,
  maxDescriptionBytes,
  presentationOf,
  stretched,
} from "./live_track.ts";
import {
  BESIDE_CLUSTERS,
  CLUSTER_BEGINNINGS,
  DEFAULT_TIMESTAMP_SCALE,
  MATROSKA_ID as ID,
  MAX_INFO_BYTES,
  MAX_TRACKS_BYTES,
  WITHIN_CLUSTERS,
} from "./matroska_ids.ts";
import { type MatroskaTrack, readTracks } from "./matroska_tracks.ts";
import { otherVideosNote, soundNote, STANDARD_INPUT, transparencyNote } from "./messages.ts";

/** The header in front of a film, RFC 8794 clause 11.2.1, and the list of its tracks. */
const HEADER = 0x1a45dfa3;
const TRACKS = 0x1654ae6b;
/** Most bytes of that header, and of an element that is passed over. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_PASSED_BYTES = 64 * 1024 * 1024;
/** Bytes that are enough to read where an element's data begins, or of which track a block is. */
const ELEMENT_HEADER_BYTES = 12;
/** Most bytes of a group beside its frame and what makes that transparent. */
const MAX_GROUP_BYTES = 64 * 1024;

const FORMATS: ReadonlyMap<string, StreamFormat> = new Map([
  ["V_MPEG4/ISO/AVC", "h264"],
  ["V_MPEGH/ISO/HEVC", "hevc"],
  ["V_VP8", "vp8"],
  ["V_VP9", "vp9"],
  ["V_AV1", "av1"],
  ["V_MJPEG", "mjpeg"],
]);

/** The track that is followed. */
interface FollowedTrack extends Pick<MatroskaTrack, "number" | "frameUs" | "prefix"> {
  readonly packets: LiveTrack;
}

/** An element at the first unread byte. */
interface FirstElement {
  readonly id: number;
  /** Bytes of its header, and of it all. */
  readonly start: number;
  readonly end: number;
}

/**
 * Gives the frames of the first video. Segments and clusters may be of unknown size; what is no
 * element is left out up to the next cluster, and a block that is broken up to the next element.
 */
export class MatroskaFinder implements FrameFinder {
  readonly input: FrameInput;
  readonly #options: ContainerOptions;
  readonly #times = new JoinedTimes();
  #track: FollowedTrack | undefined;
  #scale = DEFAULT_TIMESTAMP_SCALE;
  #cluster: { readonly end: number; timestamp: number } | undefined;
  /** Bytes of the element at the first unread byte that are still to be passed over. */
  #passing = 0;
  /** Whether a cluster at the first unread byte was found by a search. */
  #isSearched = false;
  /** Frames that have been read and not been given. */
  readonly #ready: SplitFrame[] = [];
  #passed = 0;
  /** Offset at which elements go on behind one that was broken. */
  #goesOnAt = -1;
  #hasNoted = false;
  /** What the list of tracks was that is followed. */
  #tracks: Uint8Array = new Uint8Array(0);
  /** Offset up to which a block has been searched for a cluster. */
  #searchedTo = 0;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#passed;
  }

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    for (;;) {
      const frame = this.#ready.shift();
      if (frame !== undefined) return frame;
      if (!this.#step()) return undefined;
    }
  }

  findStart(from: number): number {
    const { bytes, offset } = this.input;
    if (offset + from === this.#goesOnAt) return from;
    this.#goesOnAt = -1;
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] !== 0x1f && bytes[at] !== 0x1a) continue;
      if (mayBe(bytes, at, ID.cluster) || mayBe(bytes, at, HEADER)) return at;
    }
    return bytes.length;
  }

  restart(): void {
    if (this.input.offset === this.#goesOnAt) return;
    this.#cluster = undefined;
    this.#passing = 0;
    this.#isSearched = true;
  }

  /** Deals with one element, or a part of it; false where bytes are missing. */
  #step(): boolean {
    const { input } = this;
    if (this.#passing > 0) return this.#pass();
    if (input.finished) return this.#checkEnd();
    const { bytes } = input;
    const element = readElement(viewOf(bytes.subarray(0, ELEMENT_HEADER_BYTES)), 0);
    if (element === undefined) {
      if (bytes.length >= ELEMENT_HEADER_BYTES) this.#failAtElement();
      return this.#lack("an element of Matroska");
    }
    if (this.#cluster !== undefined && input.offset >= this.#cluster.end) {
      this.#cluster = undefined;
    }
    if (element.id === ID.cluster) return this.#enterCluster(element);
    if (element.id === ID.segment) {
      input.skip(element.start);
      return true;
    }
    const { id, start, end } = element;
    const limit = this.#cluster?.end ?? Infinity;
    if (end === undefined || input.offset + end > limit || !this.#isKnown(id)) {
      return this.#failAtElement();
    }
    return this.#read({ id, start, end });
  }

  /** Fails where the input ends within a cluster that says where it ends. */
  #checkEnd(): false {
    const end = this.#cluster?.end ?? Infinity;
    this.#cluster = undefined;
    if (end !== Infinity && end > this.input.offset) this.input.cutOff("the rest of a cluster");
    return false;
  }

  #isKnown(id: number): boolean {
    if (id === HEADER || BESIDE_CLUSTERS.has(id)) return true;
    return this.#cluster !== undefined &&
      (WITHIN_CLUSTERS.has(id) || id === ID.simpleBlock || id === ID.blockGroup);
  }

  #enterCluster({ start, end }: Element): boolean {
    const { input } = this;
    if (this.#track === undefined) {
      failForGood(input, {
        expected: "the list of tracks in front of the frames",
        found: "frames",
        advice: "start the program that writes it again, so that the input begins at its beginning",
      });
    }
    if (this.#isSearched) {
      // Four bytes may be a cluster's name by chance.
      const isShort = input.length < start + ELEMENT_HEADER_BYTES;
      if (!isCluster(input.bytes, 0)) {
        return isShort ? this.#lack("a cluster") : this.#failAtElement();
      }
    }
    this.#isSearched = false;
    const clusterEnd = end === undefined ? Infinity : input.offset + end;
    this.#cluster = { end: clusterEnd, timestamp: 0 };
    input.skip(start);
    return true;
  }

  #read(element: FirstElement): boolean {
    switch (element.id) {
      case ID.simpleBlock:
      case ID.blockGroup:
        return this.#readFrames(element);
      case HEADER:
        return this.#readWhole(element, MAX_HEADER_BYTES, () => {
          this.#times.restart();
          this.#scale = DEFAULT_TIMESTAMP_SCALE;
          this.#cluster = undefined;
          this.#isSearched = false;
        });
      case ID.info:
        return this.#readWhole(element, MAX_INFO_BYTES, (data) => {
          for (const { id, data: value } of elementsOf(data)) {
            if (id === ID.timestampScale) {
              this.#scale = unsignedOf(value) || DEFAULT_TIMESTAMP_SCALE;
            }
          }
        });
      case TRACKS:
        return this.#readWhole(
          element,
          maxDescriptionBytes(this.#options, MAX_TRACKS_BYTES),
          (data) => this.#follow(data),
        );
      case ID.timestamp:
        return this.#readWhole(element, ELEMENT_HEADER_BYTES, (data) => {
          if (this.#cluster !== undefined) this.#cluster.timestamp = unsignedOf(data);
        });
      default:
        return this.#passOver(element);
    }
  }

  #readWhole(
    { start, end }: FirstElement,
    maxBytes: number,
    read: (data: Uint8Array) => void,
  ): boolean {
    const { input } = this;
    if (end - start > maxBytes) this.#failAtElement();
    input.expect(end);
    if (input.length < end) return this.#lack(`an element of ${end} bytes`);
    read(input.bytes.subarray(start, end));
    input.skip(end);
    return true;
  }

  #passOver({ end }: FirstElement): boolean {
    if (end > MAX_PASSED_BYTES) this.#failAtElement();
    this.#passing = end;
    return true;
  }

  #pass(): boolean {
    const { input } = this;
    if (input.length === 0) {
      if (input.ended) this.#passing = 0;
      return input.ended ? input.cutOff("the rest of an element") : false;
    }
    const count = Math.min(this.#passing, input.length);
    input.skip(count);
    this.#passing -= count;
    return true;
  }

  /** Takes the first video of the list. */
  #follow(tracks: Uint8Array): void {
    const { input } = this;
    // A program that is started again mostly writes what it wrote before.
    const isSame = tracks.length === this.#tracks.length && hasBytesAt(tracks, 0, this.#tracks);
    if (isSame) return;
    this.#tracks = tracks.slice();
    const { videos, hasSound } = readTracks(tracks);
    const [video] = videos;
    if (video === undefined) {
      const found = hasSound ? "only audio" : "none";
      return failForGood(input, { expected: "video", found, advice: "give an input with video" });
    }
    if (video.obstacle !== undefined) {
      failForGood(input, {
        expected: "frames as their encoder made them",
        found: video.obstacle === "encrypted" ? "encrypted ones" : "frames compressed with zlib",
        advice: video.obstacle === "encrypted"
          ? "give a film without encryption"
          : "let ffmpeg unpack them: ffmpeg -i INPUT -c copy -f matroska -",
      });
    }
    const { number, frameUs, prefix, codecId, size, display, record, obus } = video;
    const format = FORMATS.get(codecId);
    const shown = size && display && stretched(size, ...shapeOf(size, display));
    const info = {
      codecId,
      format,
      record: format === "av1" ? obus : record,
      size,
      frameRate: frameUs === undefined ? null : Math.round(1e9 / frameUs) / 1000,
      presentation: presentationOf({ ...video, shown }),
    };
    this.#track = { number, frameUs, prefix, packets: new LiveTrack(info, input, this.#options) };
    this.#note(video, { hasSound, others: videos.length - 1 });
  }

  /** Says once what is left out. */
  #note(
    { isTransparent, codecId }: MatroskaTrack,
    { hasSound, others }: { readonly hasSound: boolean; readonly others: number },
  ): void {
    const { name = STANDARD_INPUT, onNote } = this.#options;
    if (this.#hasNoted) return;
    this.#hasNoted = true;
    if (hasSound) onNote?.(soundNote(name));
    if (others > 0) onNote?.(otherVideosNote(name, others));
    if (isTransparent) onNote?.(transparencyNote(name, codecId));
  }

  #readFrames(element: FirstElement): boolean {
    const { input } = this;
    const { start, end, id } = element;
    const { bytes, maxFrameBytes } = input;
    const isGroup = id === ID.blockGroup;
    if (!isGroup) {
      const header = bytes.subarray(start, Math.min(end, start + ELEMENT_HEADER_BYTES));
      if (start + header.length < Math.min(end, start + ELEMENT_HEADER_BYTES)) {
        return this.#lack("a block");
      }
      if (readVint(viewOf(header), 0)?.value !== this.#track!.number) {
        return this.#passOver(element);
      }
    }
    // What makes a frame transparent stands in the same group, and may have as many bytes.
    if (end - start > (isGroup ? 2 * maxFrameBytes : maxFrameBytes) + MAX_GROUP_BYTES) {
      this.#failAndPass(element, () => input.checkFrameBytes(end - start));
    }
    input.expect(end);
    this.#checkWithin(element);
    if (bytes.length < end) return this.#lack(`a block of ${end - start} bytes`);
    const data = bytes.subarray(start, end);
    const frames = this.#framesOf(element, isGroup ? readGroup(data) : { block: data });
    this.#ready.push(...frames);
    input.pass(end, frames.length);
    return true;
  }

  /** Fails where a cluster begins within a block, of which bytes are missing then. */
  #checkWithin({ start, end }: FirstElement): void {
    const { input } = this;
    const { bytes, offset } = input;
    const to = Math.min(end, bytes.length) - 2 * ELEMENT_HEADER_BYTES;
    const from = Math.max(start, this.#searchedTo - offset);
    for (let at = bytes.indexOf(0x1f, from); at >= 0 && at < to; at = bytes.indexOf(0x1f, at + 1)) {
      if (!mayBe(bytes, at, ID.cluster) || !isCluster(bytes, at)) continue;
      this.#passed = at;
      this.#goesOnAt = -1;
      this.input.fail({ at, expected: "the rest of a block", found: "a cluster" });
    }
    this.#searchedTo = Math.max(this.#searchedTo, offset + to);
  }

  /** Block structure, clause 10.1; nothing of another track. */
  #framesOf(element: FirstElement, { block, duration }: Group): SplitFrame[] {
    const track = this.#track!;
    const view = viewOf(block);
    const number = readVint(view, 0);
    if (number?.value !== track.number) return [];
    if (number.end + 3 > block.length) this.#failAndPass(element, () => this.#failAtBlock(LACKS));
    const at = number.end + 3;
    const unitsUs = this.#scale / 1000;
    const timeUs = (this.#cluster!.timestamp + view.getInt16(number.end)) * unitsUs;
    const flags = view.getUint8(number.end + 2);
    const lace = (flags & LACING) === 0
      ? { start: at, sizes: [block.length - at] }
      : readLace(view, { at, flags, bytes: block.length });
    if (lace === undefined) {
      return this.#failAndPass(element, () => this.#failAtBlock("sizes that do not fit in it"));
    }
    const { sizes } = lace;
    const stepUs = track.frameUs ?? (duration ?? 0) * unitsUs / sizes.length;
    let next = lace.start;
    return sizes.map((size, index) => {
      const data = block.subarray(next, next += size);
      return this.#frameOf(element, data, Math.round(timeUs + index * stepUs));
    });
  }

  #frameOf(element: FirstElement, data: Uint8Array, timeUs: number): SplitFrame {
    const { prefix, packets } = this.#track!;
    const bytes = prefix.length + data.length;
    if (bytes > this.input.maxFrameBytes) {
      this.#failAndPass(element, () => this.input.checkFrameBytes(bytes));
    }
    const packet = prefix.length === 0 ? data : concat([prefix, data]);
    try {
      const frame = packets.read({ data: packet, ptsUs: timeUs });
      return { ...frame, ptsUs: this.#times.next(timeUs) };
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return this.#failAndPass(
        element,
        () => this.#failAtBlock(`something else: ${error.message}`),
      );
    }
  }

  #failAtBlock(found: string): never {
    this.input.fail({ at: 0, expected: "a block with a frame", found });
  }

  /** Fails at an element that is passed over as it comes, and behind which others go on. */
  #failAndPass({ end }: FirstElement, fail: () => void): never {
    this.#passing = end;
    this.#passed = 0;
    this.#goesOnAt = this.input.offset;
    fail();
    throw new TypeError("Cannot go on behind an element that is not broken");
  }

  #failAtElement(): never {
    this.#passed = 1;
    this.#goesOnAt = -1;
    this.input.fail({ at: 0, expected: "an element of Matroska", found: hex(this.input.bytes) });
  }

  #lack(expected: string): false {
    this.#passed = Math.min(1, this.input.length);
    this.#goesOnAt = -1;
    this.input.lack(expected);
    return false;
  }
}

const LACKS = "one that ends within its header";

interface Group {
  readonly block: Uint8Array;
  /** How long it is shown, in units of time. */
  readonly duration?: number;
}

/** BlockGroup, clause 5.1.3.5. */
function readGroup(bytes: Uint8Array): Group {
  let group: Group = { block: new Uint8Array(0) };
  for (const { id, data } of elementsOf(bytes)) {
    if (id === ID.block) group = { ...group, block: data };
    if (id === ID.blockDuration) group = { ...group, duration: unsignedOf(data) };
  }
  return group;
}

/** How much wider and higher than its pixels a picture is shown. */
function shapeOf(
  size: { readonly width: number; readonly height: number },
  display: { readonly width: number; readonly height: number },
): [across: number, down: number] {
  return [display.width * size.height, display.height * size.width];
}

/** Whether what is at `at` has the name of a cluster and goes on as one. */
function isCluster(bytes: Uint8Array, at: number): boolean {
  const header = bytes.subarray(at, at + 2 * ELEMENT_HEADER_BYTES);
  const cluster = readElement(viewOf(header), 0);
  const first = cluster && readElement(viewOf(header), cluster.start);
  return first !== undefined && CLUSTER_BEGINNINGS.has(first.id);
}

/** Whether the bytes from `at` on are an element of that id, or may become one. */
function mayBe(bytes: Uint8Array, at: number, id: number): boolean {
  for (let index = 0; index < 4; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return true;
    if (byte !== (id >>> (24 - 8 * index) & 0xff)) return false;
  }
  return true;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
