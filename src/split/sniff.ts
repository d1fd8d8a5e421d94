/**
 * What one whole frame tells of itself, read from its first bytes.
 *
 * @module
 */
import { bareConfig, type FrameKind, type StreamConfig } from "../core/frame.ts";
import { pictureConfig, type PictureInfo, videoConfig } from "./config.ts";
import { readJpegSize } from "./jpeg.ts";
import { readPngSize } from "./png.ts";
import { type AnnexBFormat, sniffAccessUnit, type SniffedAccessUnit } from "./sniff_annex_b.ts";

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
 * with the size, `h264` or `hevc` for an access unit behind a start code, else `raw` with nothing
 * known. An access unit without parameter sets is taken for one only behind another, or as the very
 * first frame, so that no raw picture that begins with the same bytes is.
 *
 * Takes time in proportion to the headers of the frame, not to its size.
 *
 * @param previous returned itself when it says the same.
 */
export function sniffFrame(bytes: Uint8Array, previous?: StreamConfig): StreamConfig {
  const unit = sniffAccessUnit(bytes, annexBFormatOf(previous));
  if (unit !== undefined && isLikely(unit, previous)) {
    const config = previous?.format === unit.format ? previous : bareConfig(unit.format);
    return unit.facts === undefined ? config : videoConfig(config, unit.format, unit.facts);
  }
  const picture = sniffPicture(bytes);
  const format = picture.codec === "jpeg" ? "mjpeg" : picture.codec ?? "raw";
  return pictureConfig(previous, format, picture);
}

/**
 * Whether a viewer can begin at one whole frame from a client that says nothing about it: an access
 * unit only with its parameter sets, any other frame always.
 *
 * @param config what {@linkcode sniffFrame} says of the same frame.
 */
export function sniffKind(bytes: Uint8Array, config: StreamConfig): FrameKind {
  const format = annexBFormatOf(config);
  return format === undefined ? "key" : sniffAccessUnit(bytes, format)?.kind ?? "delta";
}

function annexBFormatOf(config: StreamConfig | undefined): AnnexBFormat | undefined {
  const format = config?.format;
  return format === "h264" || format === "hevc" ? format : undefined;
}

function isLikely({ facts }: SniffedAccessUnit, previous: StreamConfig | undefined): boolean {
  return facts !== undefined || previous === undefined || annexBFormatOf(previous) !== undefined;
}
