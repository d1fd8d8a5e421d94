/**
 * What the parameter sets of a video stream tell of its pictures.
 *
 * @module
 */

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
