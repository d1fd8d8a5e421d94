/**
 * IVF files and headers of VP8, VP9 and AV1 frames, made by hand; no decoder would find a picture.
 *
 * @module
 */
import { bytesOf } from "../../src/bytes/text.ts";
import { concat, ramp } from "./samples.ts";

/** A field of a header: its value and how many bits it has. */
export type Field = readonly [value: number, bits: number];

/** Fields one after another from the most significant bit on, filled up with zeros. */
export function fields(...parts: readonly Field[]): Uint8Array<ArrayBuffer> {
  const bits = parts.map(([value, width]) => value.toString(2).padStart(width, "0")).join("");
  const octets = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? [];
  return Uint8Array.from(octets, (octet) => parseInt(octet, 2));
}

export interface IvfOptions {
  readonly version?: number;
  readonly headerBytes?: number;
  readonly fourcc?: string;
  readonly width?: number;
  readonly height?: number;
  readonly rate?: number;
  readonly scale?: number;
}

export function ivfStart(options: IvfOptions = {}): Uint8Array<ArrayBuffer> {
  const { version = 0, headerBytes = 32, fourcc = "VP80", width = 16, height = 8 } = options;
  const header = new Uint8Array(Math.max(32, headerBytes)).fill(0xaa, 32);
  header.set(bytesOf("DKIF"));
  header.set(bytesOf(fourcc), 8);
  const view = new DataView(header.buffer);
  view.setUint16(4, version, true);
  view.setUint16(6, headerBytes, true);
  view.setUint16(12, width, true);
  view.setUint16(14, height, true);
  view.setUint32(16, options.rate ?? 30, true);
  view.setUint32(20, options.scale ?? 1, true);
  return header;
}

export function ivfFrameStart(size: number, pts: number | bigint = 0): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, size, true);
  view.setBigUint64(4, BigInt(pts), true);
  return header;
}

/** A file of `frames` whose times are 0, 1, 2 … */
export function ivf(
  options: IvfOptions,
  ...frames: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const parts = frames.flatMap((frame, index) => [ivfFrameStart(frame.length, index), frame]);
  return concat(ivfStart(options), ...parts);
}

export interface Vp8Options {
  readonly version?: number;
  readonly startCode?: readonly number[];
  readonly width?: number;
  readonly height?: number;
}

export function vp8KeyFrame(options: Vp8Options = {}): Uint8Array<ArrayBuffer> {
  const { version = 0, startCode = [0x9d, 0x01, 0x2a], width = 16, height = 8 } = options;
  const size = [width & 0xff, width >> 8, height & 0xff, height >> 8];
  return concat(Uint8Array.of(0x10 | (version << 1), 1, 0, ...startCode, ...size), ramp(20));
}

export const VP8_DELTA: Uint8Array<ArrayBuffer> = Uint8Array.of(0x11, 2, 0, 7, 7, 7, 7, 7, 7, 7, 7);

export interface Vp9Options {
  readonly marker?: number;
  readonly profile?: number;
  /** What follows the profile 3. */
  readonly reservedBit?: number;
  readonly showsExistingFrame?: number;
  readonly isInterFrame?: number;
  readonly isShown?: number;
  readonly syncCode?: number;
  /** Of profiles 2 and 3. */
  readonly isTwelveBit?: number;
  readonly colorSpace?: number;
  /** subsampling_x and subsampling_y of profiles 1 and 3. */
  readonly subsampling?: number;
  readonly colorReservedBit?: number;
  readonly width?: number;
  readonly height?: number;
}

/** A frame with the uncompressed header of a key frame, as far as `options` say nothing else. */
export function vp9Frame(options: Vp9Options = {}): Uint8Array<ArrayBuffer> {
  const { marker = 2, profile = 0, syncCode = 0x498342, colorSpace = 1 } = options;
  const { isShown = 1, subsampling = 0, width = 16, height = 8 } = options;
  const isOdd = profile % 2 === 1;
  const colour: Field[] = colorSpace === 7 ? [] : [[0, 1]];
  if (isOdd && colorSpace !== 7) colour.push([subsampling, 2]);
  if (isOdd) colour.push([options.colorReservedBit ?? 0, 1]);
  const header = fields(
    [marker, 2],
    [profile & 1, 1],
    [profile >> 1, 1],
    ...profile === 3 ? [[options.reservedBit ?? 0, 1] as const] : [],
    [options.showsExistingFrame ?? 0, 1],
    [options.isInterFrame ?? 0, 1],
    [isShown, 1],
    [0, 1],
    [syncCode, 24],
    ...profile > 1 ? [[options.isTwelveBit ?? 0, 1] as const] : [],
    [colorSpace, 3],
    ...colour,
    [width - 1, 16],
    [height - 1, 16],
  );
  return concat(header, ramp(20));
}

/** Frames with the index of Annex B behind them. */
export function vp9Superframe(...frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const marker = Uint8Array.of(0xc0 | (1 << 3) | (frames.length - 1));
  const sizes = frames.map(({ length }) => Uint8Array.of(length & 0xff, length >> 8));
  return concat(...frames, marker, ...sizes, marker);
}

export interface ObuOptions {
  /** Bytes of the number that tells the size. @default {1} */
  readonly sizeBytes?: number;
  /** Whether an extension header is there. @default {false} */
  readonly isExtended?: boolean;
}

export function obu(
  type: number,
  payload: Uint8Array,
  { sizeBytes = 1, isExtended = false }: ObuOptions = {},
): Uint8Array<ArrayBuffer> {
  const size = Array.from({ length: sizeBytes }, (_, index) => {
    const isLast = index === sizeBytes - 1;
    return (Math.floor(payload.length / 2 ** (7 * index)) & 0x7f) | (isLast ? 0 : 0x80);
  });
  const extension = isExtended ? [0x20] : [];
  return concat(Uint8Array.of((type << 3) | (isExtended ? 6 : 2), ...extension, ...size), payload);
}

export interface SequenceOptions {
  readonly profile?: number;
  readonly width?: number;
  readonly height?: number;
  /** high_bitdepth, and twelve_bit where the profile has it. */
  readonly depth?: Field;
  /** Level and tier of operating point 0. */
  readonly level?: number;
  readonly tier?: number;
  /** What stands between reduced_still_picture_header and the operating points. */
  readonly timing?: readonly Field[];
  /** What every operating point ends with. */
  readonly pointEnd?: readonly Field[];
  readonly points?: number;
  /** What stands between the size and enable_superres. */
  readonly tools?: readonly Field[];
}

/** No timing information, no initial display delay. */
export const NO_TIMING: readonly Field[] = [[0, 1], [0, 1]];
/** All tools off but the choice of screen content tools and order hints of 7 bits. */
export const TOOLS: readonly Field[] = [[0, 1], [0, 3], [0, 4], [1, 1], [0, 2], [1, 1], [1, 1], [
  6,
  3,
]];

/** The payload of a sequence header OBU. */
export function sequence(options: SequenceOptions = {}): Uint8Array<ArrayBuffer> {
  const { profile = 0, width = 16, height = 8, depth = [0, 1], level = 5, tier = 0 } = options;
  const { timing = NO_TIMING, pointEnd = [], points = 1, tools = TOOLS } = options;
  const point = (level: number): Field[] => [
    [0, 12],
    [level, 5],
    ...level > 7 ? [[tier, 1] as const] : [],
    ...pointEnd,
  ];
  return fields(
    [profile, 3],
    [0, 1],
    [0, 1],
    ...timing,
    [points - 1, 5],
    ...point(level),
    ...Array.from({ length: points - 1 }, () => point(1)).flat(),
    ...sides(width, height),
    ...tools,
    [0, 3],
    depth,
    [0, 1],
    [1, 1],
  );
}

/** The payload of a sequence header OBU with reduced_still_picture_header. */
export function stillSequence(width: number, height: number): Uint8Array<ArrayBuffer> {
  return fields([0, 3], [1, 1], [1, 1], [5, 5], ...sides(width, height), [0, 3], [0, 3], [0, 5]);
}

function sides(width: number, height: number): Field[] {
  return [[15, 4], [15, 4], [width - 1, 16], [height - 1, 16]];
}

export const TEMPORAL_DELIMITER: Uint8Array<ArrayBuffer> = obu(2, new Uint8Array(0));

export function sequenceObu(options: SequenceOptions = {}): Uint8Array<ArrayBuffer> {
  return obu(1, sequence(options));
}

/** A frame OBU whose header begins with the four bits `start`. */
export function frameObu(start: number, type = 6): Uint8Array<ArrayBuffer> {
  return obu(type, Uint8Array.of(start << 4, 9, 8, 7));
}

/** show_existing_frame 0, frame_type KEY_FRAME, show_frame 1. */
export const KEY_FRAME_OBU: Uint8Array<ArrayBuffer> = frameObu(0b0001);
/** The same with frame_type INTER_FRAME. */
export const INTER_FRAME_OBU: Uint8Array<ArrayBuffer> = frameObu(0b0011);
