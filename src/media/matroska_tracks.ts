/**
 * What of a Matroska or WebM file the library that reads it does not tell: RFC 9559.
 *
 * @module
 */
import { latin1 } from "../bytes/text.ts";
import { elementAt, elementsOf, unsignedOf } from "./ebml.ts";
import { MAX_TRACKS_BYTES } from "./matroska_ids.ts";
import type { Colours } from "./movie.ts";
import type { ByteSource } from "./random_access_file.ts";

const ID = {
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  defaultDuration: 0x23e383,
  codecPrivate: 0x63a2,
  video: 0xe0,
  width: 0xb0,
  height: 0xba,
  displayWidth: 0x54b0,
  displayHeight: 0x54ba,
  projection: 0x7670,
  roll: 0x7675,
  alphaMode: 0x53c0,
  colour: 0x55b0,
  matrix: 0x55b1,
  range: 0x55b9,
  transfer: 0x55ba,
  primaries: 0x55bb,
  encodings: 0x6d80,
  encoding: 0x6240,
  encodingType: 0x5033,
  compression: 0x5034,
  compressionAlgorithm: 0x4254,
  compressionSettings: 0x4255,
} as const;

/** Track types, clause 5.1.4.1.3. */
const VIDEO = 1;
const SOUND = 2;
/** Most elements in front of the tracks. */
const MAX_ELEMENTS = 1000;
/** ContentCompAlgo that takes only the same first bytes off every frame, clause 5.1.4.1.31. */
const HEADER_STRIPPING = 3;

/** A width and a height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** The tracks of a file. */
export interface MatroskaTracks {
  readonly videos: readonly MatroskaTrack[];
  readonly hasSound: boolean;
}

/** A video track. */
export interface MatroskaTrack {
  readonly number: number;
  /** Time from frame to frame in microseconds, clause 5.1.4.1.13; `undefined` where it is not told. */
  readonly frameUs: number | undefined;
  readonly codecId: string;
  readonly colours: Colours;
  /** Whether blocks have transparency beside their frames, clause 5.1.4.1.28.4. */
  readonly isTransparent: boolean;
  /** What a decoder needs besides the frames: clause 5.1.4.1.22. */
  readonly record: Uint8Array | undefined;
  readonly size: PixelSize | undefined;
  /** What pictures are stretched to, by its shape only: clause 5.1.4.1.28.11. */
  readonly display: PixelSize | undefined;
  /** Degrees clockwise by which pictures are turned: clause 5.1.4.1.28.46, the other way round. */
  readonly rotation: number;
  /** OBUs that stand outside the frames of AV1. */
  readonly obus: Uint8Array | undefined;
  /** Bytes that every frame begins with and that are left out of the file; mostly none. */
  readonly prefix: Uint8Array;
  /** What was done to its frames that cannot be undone here. */
  readonly obstacle: "encrypted" | "compressed" | undefined;
}

/** The video tracks of a file; none where it does not have the list of them in front. */
export async function matroskaTracks(file: ByteSource): Promise<MatroskaTrack[]> {
  const header = await elementAt(file, 0);
  const segment = header?.end === undefined ? undefined : await elementAt(file, header.end);
  if (segment?.id !== ID.segment) return [];
  for (let count = 0, at = segment.start; count < MAX_ELEMENTS; count++) {
    const element = await elementAt(file, at);
    if (element?.end === undefined || element.id === ID.cluster) return [];
    if (element.id === ID.tracks && element.end - element.start <= MAX_TRACKS_BYTES) {
      return [...readTracks(await file.read(element.start, element.end)).videos];
    }
    at = element.end;
  }
  return [];
}

/** Reads what a Tracks element holds: clause 5.1.4. */
export function readTracks(bytes: Uint8Array): MatroskaTracks {
  const videos: MatroskaTrack[] = [];
  let hasSound = false;
  for (const { id, data } of elementsOf(bytes)) {
    const track = id === ID.trackEntry ? trackOf(data) : undefined;
    if (track === "sound") hasSound = true;
    else if (track !== undefined) videos.push(track);
  }
  return { videos, hasSound };
}

function trackOf(bytes: Uint8Array): MatroskaTrack | "sound" | undefined {
  let type = 0;
  let number = 0;
  let codecId = "";
  let isTransparent = false;
  let frameUs: number | undefined;
  let record: Uint8Array | undefined;
  let colours: Colours = {};
  let size: PixelSize | undefined;
  let display: PixelSize | undefined;
  let rotation = 0;
  let coding: Coding = { prefix: new Uint8Array(0), obstacle: undefined };
  for (const { id, data } of elementsOf(bytes)) {
    if (id === ID.trackType) type = unsignedOf(data);
    else if (id === ID.trackNumber) number = unsignedOf(data);
    else if (id === ID.codecId) codecId = latin1(data).replace(/\0+$/, "");
    else if (id === ID.defaultDuration) frameUs = unsignedOf(data) / 1000 || undefined;
    else if (id === ID.codecPrivate) record = data.slice();
    else if (id === ID.encodings) coding = codingOf(data);
    else if (id === ID.video) {
      for (const part of elementsOf(data)) {
        if (part.id === ID.colour) colours = coloursOf(part.data);
        if (part.id === ID.alphaMode) isTransparent = unsignedOf(part.data) === 1;
        if (part.id === ID.projection) rotation = rotationOf(part.data);
      }
      size = sizeOf(data, ID.width, ID.height);
      display = sizeOf(data, ID.displayWidth, ID.displayHeight);
    }
  }
  if (type === SOUND) return "sound";
  if (type !== VIDEO) return undefined;
  // The same record as in an MP4 file, of which the OBUs are the end.
  const obus = codecId === "V_AV1" ? record?.slice(4) : undefined;
  const picture = { isTransparent, colours, size, display, rotation };
  return { number, frameUs, codecId, ...picture, record, obus, ...coding };
}

/** Two numbers that stand in `bytes`; `undefined` where one is missing or nothing. */
function sizeOf(bytes: Uint8Array, widthId: number, heightId: number): PixelSize | undefined {
  let width = 0;
  let height = 0;
  for (const { id, data } of elementsOf(bytes)) {
    if (id === widthId) width = unsignedOf(data);
    if (id === heightId) height = unsignedOf(data);
  }
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** ProjectionPoseRoll is counter-clockwise; only quarters of a turn are shown. */
function rotationOf(projection: Uint8Array): number {
  let roll = 0;
  for (const { id, data } of elementsOf(projection)) {
    if (id !== ID.roll || (data.length !== 4 && data.length !== 8)) continue;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    roll = data.length === 4 ? view.getFloat32(0) : view.getFloat64(0);
  }
  const degrees = (((-roll) % 360) + 360) % 360;
  return degrees % 90 === 0 ? degrees : 0;
}

type Coding = Pick<MatroskaTrack, "prefix" | "obstacle">;

/** ContentEncodings, clause 5.1.4.1.31. */
function codingOf(encodings: Uint8Array): Coding {
  let prefix = new Uint8Array(0);
  let obstacle: MatroskaTrack["obstacle"];
  for (const { id, data } of elementsOf(encodings)) {
    if (id !== ID.encoding) continue;
    let isEncryption = false;
    let algorithm = 0;
    let settings = new Uint8Array(0);
    for (const part of elementsOf(data)) {
      if (part.id === ID.encodingType) isEncryption = unsignedOf(part.data) === 1;
      if (part.id !== ID.compression) continue;
      for (const { id, data } of elementsOf(part.data)) {
        if (id === ID.compressionAlgorithm) algorithm = unsignedOf(data);
        if (id === ID.compressionSettings) settings = data.slice();
      }
    }
    if (isEncryption) return { prefix, obstacle: "encrypted" };
    if (algorithm === HEADER_STRIPPING) prefix = settings;
    else obstacle = "compressed";
  }
  return { prefix, obstacle };
}

/** Clause 5.1.4.1.28.16 and those that follow; 2 stands for what is not told. */
function coloursOf(bytes: Uint8Array): Colours {
  const colours: { -readonly [Name in keyof Colours]: Colours[Name] } = {};
  for (const { id, data } of elementsOf(bytes)) {
    const value = unsignedOf(data);
    if (id === ID.primaries) colours.primaries = value;
    else if (id === ID.transfer) colours.transfer = value;
    else if (id === ID.matrix) colours.matrix = value;
    else if (id === ID.range && (value === 1 || value === 2)) colours.fullRange = value === 2;
  }
  return colours;
}
