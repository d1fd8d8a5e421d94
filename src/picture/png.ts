/**
 * Snapshots of uncompressed streams as PNG.
 *
 * @module
 */
import { encode } from "fast-png";
import type { StreamConfig } from "../core/frame.ts";
import { framePicture } from "./frame_picture.ts";
import type { Picture } from "./rgb.ts";

/** Of the zlib levels 0 to 6, 2 and 3 are the fastest for flat graphics, by measurement. */
const ZLIB_LEVEL = 3;

/** Encodes a picture as PNG (ISO/IEC 15948), 8 bits a sample, rows without filters. */
export function encodePng(picture: Picture): Uint8Array<ArrayBuffer> {
  const { data, width, height, channels } = picture;
  // The encoder's result is a window on a larger buffer; the copy lets go of the rest.
  return new Uint8Array(
    encode({ data, width, height, channels, depth: 8 }, { zlib: { level: ZLIB_LEVEL } }),
  );
}

/**
 * The PNG of one frame of a `raw` or `y4m` stream.
 *
 * @throws {StreamError} as {@linkcode framePicture}.
 */
export function frameToPng(data: Uint8Array, config: StreamConfig): Uint8Array<ArrayBuffer> {
  return encodePng(framePicture(data, config));
}
