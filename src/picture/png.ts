/**
 * Snapshots of uncompressed streams as PNG.
 *
 * @module
 */
import { encode } from "fast-png";
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS } from "../core/stream_format.ts";
import { StreamError } from "../errors.ts";
import { type Picture, toRgb } from "./rgb.ts";

/** Of the zlib levels 0 to 6, 2 and 3 are the fastest for flat graphics, by measurement. */
const ZLIB_LEVEL = 3;

const NEWLINE = 0x0a;

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

/**
 * The picture in one frame of a `raw` or `y4m` stream. It may share its bytes with `data`.
 *
 * YUV counts as limited range unless a Y4M header says `XCOLORRANGE=FULL`, as ffmpeg writes it.
 *
 * @throws {StreamError} `failed`, when the stream has another format, its size or pixel format is
 * not known, or the frame is not what the configuration says.
 */
export function framePicture(data: Uint8Array, config: StreamConfig): Picture {
  const { format, width, height, pixelFormat } = config;
  if (FORMAT_FACTS[format].picture !== "pixels") {
    throw new StreamError("failed", `Cannot make a picture of a frame: its format is ${format}`);
  }
  if (width === null || height === null || pixelFormat === null) {
    throw new StreamError(
      "failed",
      `Cannot make a picture of a ${format} frame: its size and pixel format are not known; ` +
        `publish with --size and --pixel-format`,
    );
  }
  const planes = format === "y4m" ? y4mPlanes(data) : data;
  const fullRange = hasFullRange(config.header ?? "");
  return toRgb(planes, { pixelFormat, width, height, fullRange });
}

/** What follows the line `FRAME[ parameters]` of a Y4M frame. */
function y4mPlanes(data: Uint8Array): Uint8Array {
  const start = String.fromCharCode(...data.subarray(0, 6));
  const lineEnd = data.indexOf(NEWLINE);
  if (!/^FRAME[ \n]$/.test(start) || lineEnd < 0) {
    throw new StreamError(
      "failed",
      "Cannot make a picture of a Y4M frame: it does not begin with a line FRAME",
    );
  }
  return data.subarray(lineEnd + 1);
}

function hasFullRange(header: string): boolean {
  return header.trim().split(" ").includes("XCOLORRANGE=FULL");
}
