/**
 * Matroska and WebM files: RFC 9559, and RFC 8794 for EBML.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { bytesOf } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { float64, sizeOf, uint64, uint8 } from "./layout.ts";
import type { MediaWriter, Output, Patch, TimedFrame } from "./media_writer.ts";
import type { Track } from "./track.ts";

/** What Matroska calls the formats; WebM has no other than the last three. */
const CODECS: Readonly<Partial<Record<StreamFormat, string>>> = {
  h264: "V_MPEG4/ISO/AVC",
  hevc: "V_MPEGH/ISO/HEVC",
  mjpeg: "V_MJPEG",
  vp8: "V_VP8",
  vp9: "V_VP9",
  av1: "V_AV1",
};

/** Formats that a Matroska file can hold. */
export const MATROSKA_FORMATS: readonly StreamFormat[] = Object.keys(CODECS) as StreamFormat[];
/** Formats that a WebM file can hold. */
export const WEBM_FORMATS: readonly StreamFormat[] = ["vp8", "vp9", "av1"];

/** A cluster ends at a key frame once it is so long, and at any frame once it is longer. */
const CLUSTER_MS = 1000;
const MAX_CLUSTER_MS = 5000;
/** Most entries of the index; then every second one is left out. */
const MAX_CUES = 65_536;
/** Bytes of a block in front of its frame. */
const BLOCK_BYTES = 4;
/** Room for the list of where things are, written at the end. */
const SEEK_HEAD_BYTES = 96;
/** Bytes that are sent while no frame comes. */
const IDLE_BYTES = 8;
const UNKNOWN_SIZE = uint8(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const UINT64_MAX = 2 ** 53 - 1;

const ID = {
  ebml: [0x1a, 0x45, 0xdf, 0xa3],
  segment: [0x18, 0x53, 0x80, 0x67],
  seekHead: [0x11, 0x4d, 0x9b, 0x74],
  info: [0x15, 0x49, 0xa9, 0x66],
  tracks: [0x16, 0x54, 0xae, 0x6b],
  cluster: [0x1f, 0x43, 0xb6, 0x75],
  cues: [0x1c, 0x53, 0xbb, 0x6b],
  duration: [0x44, 0x89],
  void: [0xec],
} as const;

interface Cue {
  readonly timeMs: number;
  /** Offset of the cluster within the segment's data. */
  readonly position: number;
}

/**
 * Writes a file frame by frame. Sizes are unknown until what has them ends; an index, the duration
 * and where to find them are added at the end.
 */
export class MatroskaWriter implements MediaWriter {
  readonly #track: Track;
  readonly #docType: "matroska" | "webm";
  #bytes = 0;
  /** Offset of the segment's data. */
  #segment = 0;
  #info = 0;
  #tracks = 0;
  #duration = 0;
  /** Offset and time of the cluster that is being written. */
  #cluster: { readonly at: number; readonly timeMs: number } | undefined;
  #cues: Cue[] = [];
  #cueDistance = 1;
  #clusters = 0;
  #endMs = 0;
  #stepMs = 0;

  readonly #hasIndex: boolean;

  /** Nothing that only the end tells is kept of a file that has none: `hasIndex` is false. */
  constructor(track: Track, docType: "matroska" | "webm", { hasIndex = true } = {}) {
    this.#track = track;
    this.#docType = docType;
    this.#hasIndex = hasIndex;
  }

  write({ data, kind, timeUs }: TimedFrame): Output {
    const append = this.#bytes === 0 ? this.#begin() : [];
    const patches: Patch[] = [];
    const timeMs = Math.round(timeUs / 1000);
    const ageMs = this.#cluster === undefined ? Infinity : timeMs - this.#cluster.timeMs;
    if (Math.abs(ageMs) >= MAX_CLUSTER_MS || (kind === "key" && ageMs >= CLUSTER_MS)) {
      patches.push(...this.#endCluster());
      append.push(this.#beginCluster(timeMs, kind === "key"));
    }
    if (timeMs > this.#endMs) {
      this.#stepMs = timeMs - this.#endMs;
      this.#endMs = timeMs;
    }
    const sample = this.#track.sample(data, kind);
    const header = blockHead(sample.length, timeMs - this.#cluster!.timeMs, kind === "key");
    append.push(header, sample);
    this.#bytes += header.length + sample.length;
    return { append, patches };
  }

  /** A Void element, RFC 8794 section 11.3.2: it may stand between any two others, so behind a block. */
  idle(): Uint8Array[] {
    const nothing = voidOf(IDLE_BYTES);
    this.#bytes += nothing.length;
    return [nothing];
  }

  finish(): Output {
    if (this.#bytes === 0) return { append: this.#begin(), patches: [] };
    const patches = this.#endCluster();
    const position = this.#bytes - this.#segment;
    const cues = element(
      ID.cues,
      ...this.#cues.map(({ timeMs, position }) =>
        element(
          [0xbb],
          element([0xb3], unsigned(timeMs)),
          element([0xb7], element([0xf7], uint8(1)), element([0xf1], unsigned(position))),
        )
      ),
    );
    this.#bytes += cues.length;
    const seekHead = element(
      ID.seekHead,
      seek(ID.info, this.#info),
      seek(ID.tracks, this.#tracks),
      seek(ID.cues, position),
    );
    return {
      append: [cues],
      patches: [
        ...patches,
        { at: this.#segment - 8, bytes: fixedVint(this.#bytes - this.#segment) },
        { at: this.#segment, bytes: concat([seekHead, voidOf(SEEK_HEAD_BYTES - seekHead.length)]) },
        { at: this.#duration, bytes: element(ID.duration, float64(this.#endMs + this.#stepMs)) },
      ],
    };
  }

  /** All that stands in front of the first cluster. */
  #begin(): Uint8Array[] {
    const header = element(
      ID.ebml,
      element([0x42, 0x86], uint8(1)), // EBMLVersion
      element([0x42, 0xf7], uint8(1)), // EBMLReadVersion
      element([0x42, 0xf2], uint8(4)), // EBMLMaxIDLength
      element([0x42, 0xf3], uint8(8)), // EBMLMaxSizeLength
      element([0x42, 0x82], bytesOf(this.#docType)),
      element([0x42, 0x87], uint8(4)), // DocTypeVersion
      element([0x42, 0x85], uint8(2)), // DocTypeReadVersion
    );
    const segment = concat([uint8(...ID.segment), UNKNOWN_SIZE]);
    const duration = element(ID.duration, float64(0));
    const info = element(
      ID.info,
      element([0x2a, 0xd7, 0xb1], unsigned(1_000_000)), // TimestampScale: milliseconds
      element([0x4d, 0x80], bytesOf("stream")), // MuxingApp
      element([0x57, 0x41], bytesOf("stream")), // WritingApp
      voidOf(duration.length),
    );
    const tracks = element(ID.tracks, trackEntry(this.#track));
    this.#segment = header.length + segment.length;
    this.#info = SEEK_HEAD_BYTES;
    this.#tracks = this.#info + info.length;
    this.#duration = this.#segment + this.#tracks - duration.length;
    const parts = [header, segment, voidOf(SEEK_HEAD_BYTES), info, tracks];
    this.#bytes = sizeOf(parts);
    return parts;
  }

  #beginCluster(timeMs: number, isKey: boolean): Uint8Array {
    const at = this.#bytes;
    this.#cluster = { at, timeMs };
    if (this.#hasIndex && isKey && this.#clusters++ % this.#cueDistance === 0) {
      this.#cues.push({ timeMs, position: at - this.#segment });
    }
    if (this.#cues.length > MAX_CUES) {
      this.#cues = this.#cues.filter((_, index) => index % 2 === 0);
      this.#cueDistance *= 2;
    }
    const bytes = concat([
      uint8(...ID.cluster),
      UNKNOWN_SIZE,
      element([0xe7], unsigned(timeMs)), // Timestamp
    ]);
    this.#bytes += bytes.length;
    return bytes;
  }

  #endCluster(): Patch[] {
    if (this.#cluster === undefined) return [];
    const at = this.#cluster.at + ID.cluster.length;
    return [{ at, bytes: fixedVint(this.#bytes - at - UNKNOWN_SIZE.length) }];
  }
}

/**
 * A SimpleBlock, RFC 9559 10.1, up to its frame of so many bytes. One is made for each reader of each
 * frame: so it is written without parts of its own.
 */
function blockHead(bytes: number, sinceClusterMs: number, isKey: boolean): Uint8Array {
  const sizeBytes = vintBytes(BLOCK_BYTES + bytes);
  const head = new Uint8Array(1 + sizeBytes + BLOCK_BYTES);
  head[0] = 0xa3;
  writeVint(head, { at: 1, value: BLOCK_BYTES + bytes, length: sizeBytes });
  let at = 1 + sizeBytes;
  head[at++] = 0x81; // Track number
  head[at++] = sinceClusterMs >> 8;
  head[at++] = sinceClusterMs;
  head[at] = isKey ? 0x80 : 0;
  return head;
}

function trackEntry({ config, record }: Track): Uint8Array {
  const { format, width, height, frameRate, displayWidth, displayHeight }: StreamConfig = config;
  return element(
    [0xae],
    element([0xd7], uint8(1)), // TrackNumber
    element([0x73, 0xc5], uint8(1)), // TrackUID
    element([0x83], uint8(1)), // TrackType: video
    element([0x9c], uint8(0)), // FlagLacing
    element([0x86], bytesOf(CODECS[format]!)), // CodecID
    ...record.length > 0 ? [element([0x63, 0xa2], record)] : [], // CodecPrivate
    ...frameRate === null
      ? []
      : [element([0x23, 0xe3, 0x83], unsigned(Math.round(1e9 / frameRate)))], // DefaultDuration
    element(
      [0xe0],
      element([0xb0], unsigned(width ?? 0)), // PixelWidth
      element([0xba], unsigned(height ?? 0)), // PixelHeight
      ...displayWidth === undefined || displayHeight === undefined ? [] : [
        element([0x54, 0xb0], unsigned(displayWidth)), // DisplayWidth
        element([0x54, 0xba], unsigned(displayHeight)), // DisplayHeight
      ],
      ...colour(config),
      ...projection(config),
    ),
  );
}

/** Colour, 5.1.4.1.28.16; the code points are those of ITU-T H.273. */
function colour({ primaries, transfer, matrix, fullRange }: StreamConfig): Uint8Array[] {
  const parts = [
    ...matrix === undefined ? [] : [element([0x55, 0xb1], unsigned(matrix))],
    ...fullRange === undefined ? [] : [element([0x55, 0xb9], uint8(fullRange ? 2 : 1))],
    ...transfer === undefined ? [] : [element([0x55, 0xba], unsigned(transfer))],
    ...primaries === undefined ? [] : [element([0x55, 0xbb], unsigned(primaries))],
  ];
  return parts.length === 0 ? [] : [element([0x55, 0xb0], ...parts)];
}

/** Projection, 5.1.4.1.28.41: a rectangle that is rolled, against the clock. */
function projection({ rotation }: StreamConfig): Uint8Array[] {
  if (rotation === undefined) return [];
  const roll = rotation > 180 ? 360 - rotation : -rotation;
  return [element(
    [0x76, 0x70],
    element([0x76, 0x71], uint8(0)), // ProjectionType: rectangular
    element([0x76, 0x75], float64(roll)), // ProjectionPoseRoll
  )];
}

function seek(id: readonly number[], position: number): Uint8Array {
  return element(
    [0x4d, 0xbb],
    element([0x53, 0xab], uint8(...id)),
    element([0x53, 0xac], unsigned(position)),
  );
}

function element(id: readonly number[], ...parts: readonly Uint8Array[]): Uint8Array {
  return concat([uint8(...id), vint(sizeOf(parts)), ...parts]);
}

/** An element of so many bytes, at least 2 and at most 128, that stands for nothing. */
function voidOf(bytes: number): Uint8Array {
  return concat([uint8(...ID.void, 0x80 | (bytes - 2)), new Uint8Array(bytes - 2)]);
}

/** A size in as few bytes as it takes, RFC 8794 section 4. */
function vint(value: number): Uint8Array {
  const bytes = new Uint8Array(vintBytes(value));
  writeVint(bytes, { at: 0, value, length: bytes.length });
  return bytes;
}

function vintBytes(value: number): number {
  let length = 1;
  while (value >= 2 ** (7 * length) - 1) length++;
  return length;
}

function writeVint(
  bytes: Uint8Array,
  { at, value, length }: { readonly at: number; readonly value: number; readonly length: number },
): void {
  let rest = value;
  for (let index = at + length - 1; index >= at; index--) {
    bytes[index] = rest;
    rest = Math.floor(rest / 256);
  }
  bytes[at]! |= 0x80 >> (length - 1);
}

/** A size in eight bytes. */
function fixedVint(value: number): Uint8Array {
  const bytes = uint64(Math.min(value, UINT64_MAX));
  bytes[0] = 0x01;
  return bytes;
}

function unsigned(value: number): Uint8Array {
  const bytes = uint64(value);
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first < 0 ? 7 : first);
}
