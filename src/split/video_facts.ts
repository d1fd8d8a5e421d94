/**
 * What the parameter sets of a video stream tell of its pictures.
 *
 * @module
 */
import type { BitReader } from "../bytes/bit_reader.ts";

/** Largest width and height that are believed, in pixels. */
export const MAX_SIDE_PIXELS = 16_384;
/** Highest frame rate that is believed. */
const MAX_FRAME_RATE = 1000;

/** Size of a picture as it is shown; both are `null` where it is broken. */
export interface PictureSize {
  /** Width in pixels. */
  readonly width: number | null;
  /** Height in pixels. */
  readonly height: number | null;
}

/** What a stream's configuration says of its pictures. */
export interface VideoFacts extends PictureSize {
  /** RFC 6381 codec string. */
  readonly codec: string;
  /** Frames a second, `null` where the stream does not tell. */
  readonly frameRate: number | null;
  /** What a picture is stretched to when it is shown; absent where its pixels are square. */
  readonly displayWidth?: number;
  readonly displayHeight?: number;
}

/** What a video usability information tells, as far as it is used. */
export interface Usability {
  readonly frameRate: number | null;
  /** Shape of a pixel, as its width and its height; `undefined` where it is not told. */
  readonly shape: readonly [width: number, height: number] | undefined;
}

/** Nothing is told. */
export const NO_USABILITY: Usability = { frameRate: null, shape: undefined };

/** aspect_ratio_idc that two numbers of 16 bits follow: H.264 table E-1, H.265 table E.1. */
const EXTENDED_SHAPE = 255;
/** Shapes of pixels by aspect_ratio_idc, from 1 on: the same tables. */
const SHAPES = [
  ...[[1, 1], [12, 11], [10, 11], [16, 11], [40, 33], [24, 11], [20, 11], [32, 11], [80, 33]],
  ...[[18, 11], [15, 11], [64, 33], [160, 99], [4, 3], [3, 2], [2, 1]],
] as [number, number][];

/** Reads aspect_ratio_info_present_flag and what follows it: H.264 E.1.1, H.265 E.2.1. */
export function readPixelShape(reader: BitReader): Usability["shape"] {
  if (!reader.flag()) return undefined;
  const index = reader.read(8);
  return index === EXTENDED_SHAPE ? [reader.read(16), reader.read(16)] : SHAPES[index - 1];
}

/** The size to which a picture of pixels of that shape is stretched: one side grows. */
export function displaySize(
  { width, height }: PictureSize,
  shape: Usability["shape"],
): Pick<VideoFacts, "displayWidth" | "displayHeight"> {
  const [across, down] = shape ?? [0, 0];
  if (width === null || height === null || across === 0 || down === 0 || across === down) return {};
  const displayWidth = across > down ? Math.round(width * across / down) : width;
  const displayHeight = across > down ? height : Math.round(height * down / across);
  const isBelievable = Math.max(displayWidth, displayHeight) <= MAX_SIDE_PIXELS;
  return isBelievable ? { displayWidth, displayHeight } : {};
}

/** A picture as it is coded, and what of it is shown. */
export interface CodedSize {
  /** Coded width in pixels. */
  readonly width: number;
  /** Coded height in pixels. */
  readonly height: number;
  /** Pixels that a step of cropping takes off a row. */
  readonly unitX: number;
  /** Pixels that a step of cropping takes off a column. */
  readonly unitY: number;
  /** Steps off the left, right, top and bottom. */
  readonly crop: readonly number[];
}

/** The size of a picture as it is shown. */
export function cropped({ width, height, unitX, unitY, crop }: CodedSize): PictureSize {
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const shownWidth = width - unitX * (left + right);
  const shownHeight = height - unitY * (top + bottom);
  const isBelievable = width <= MAX_SIDE_PIXELS && height <= MAX_SIDE_PIXELS && shownWidth > 0 &&
    shownHeight > 0;
  return isBelievable ? { width: shownWidth, height: shownHeight } : { width: null, height: null };
}

/** The rate `units / per`, `null` where it cannot be one. */
export function rateOf(units: number, per: number): number | null {
  const rate = units / per;
  return rate > 0 && rate <= MAX_FRAME_RATE ? rate : null;
}
