/**
 * What one whole frame tells of itself, read from its first bytes.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig, type PictureInfo } from "./config.ts";
import { readJpegSize } from "./jpeg.ts";
import { readPngSize } from "./png.ts";

const NOTHING: PictureInfo = { codec: null, width: null, height: null };

/** Codec and size of one whole picture; looks at its headers only, never at the picture. */
export function sniffPicture(bytes: Uint8Array): PictureInfo {
  const jpeg = readJpegSize(bytes);
  if (jpeg !== undefined) return { codec: "jpeg", ...jpeg };
  const png = readPngSize(bytes);
  if (png !== undefined) return { codec: "png", ...png };
  return NOTHING;
}

/**
 * The configuration of one whole frame from a client that says nothing about it: `mjpeg` or `png`
 * with the size, else `raw` with nothing known.
 *
 * Takes time in proportion to the headers of the frame, not to its size.
 *
 * @param previous returned itself when it says the same.
 */
export function sniffFrame(bytes: Uint8Array, previous?: StreamConfig): StreamConfig {
  const picture = sniffPicture(bytes);
  const format = picture.codec === "jpeg" ? "mjpeg" : picture.codec ?? "raw";
  return pictureConfig(previous, format, picture);
}
