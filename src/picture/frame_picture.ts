/**
 * The pixels in a frame that is not compressed.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { StreamError } from "../errors.ts";
import { type Picture, toRgb } from "./rgb.ts";

const NEWLINE = 0x0a;
/** `FRAME`, with which each frame of Y4M begins. */
const FRAME_LINE: readonly number[] = [0x46, 0x52, 0x41, 0x4d, 0x45];

/**
 * The picture in one frame of a `raw` or `y4m` stream. It may share its bytes with `data`.
 *
 * @throws {StreamError} `failed`, when the stream has another format, its size or pixel format is
 * not known, or the frame is not what the configuration says.
 */
export function framePicture(data: Uint8Array, config: StreamConfig): Picture {
  const { format, width, height, pixelFormat } = config;
  if (format !== "raw" && format !== "y4m") {
    throw new StreamError("failed", `Cannot make a picture of a frame: its format is ${format}`);
  }
  if (width === null || height === null || pixelFormat === null) {
    throw new StreamError(
      "failed",
      `Cannot make a picture of a ${format} frame: its size and pixel format are not known; ` +
        `publish with --size and --pixel-format`,
    );
  }
  const pixels = pixelsOf(data, format);
  if (pixels === undefined) {
    throw new StreamError(
      "failed",
      "Cannot make a picture of a Y4M frame: it does not begin with a line FRAME",
    );
  }
  return toRgb(pixels, { pixelFormat, width, height, fullRange: hasFullRange(config) });
}

/**
 * The pixels alone: of Y4M what follows the line `FRAME[ parameters]`, `undefined` where there is no
 * such line.
 */
export function pixelsOf<Buffer extends ArrayBufferLike>(
  data: Uint8Array<Buffer>,
  format: "raw" | "y4m",
): Uint8Array<Buffer> | undefined {
  if (format === "raw") return data;
  const lineEnd = data.indexOf(NEWLINE);
  const isFrame = FRAME_LINE.every((code, at) => data[at] === code) &&
    (data[5] === 0x20 || data[5] === NEWLINE);
  return isFrame && lineEnd > 0 ? data.subarray(lineEnd + 1) : undefined;
}

/**
 * Whether samples of YUV use all their values: only where Y4M's header line says
 * `XCOLORRANGE=FULL`, as ffmpeg writes it.
 */
export function hasFullRange({ header }: Pick<StreamConfig, "header">): boolean {
  return header?.trim().split(" ").includes("XCOLORRANGE=FULL") === true;
}
