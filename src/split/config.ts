/**
 * Configurations that stay the same object as long as they say the same.
 *
 * @module
 */
import { bareConfig, sameConfig, type StreamConfig } from "../core/frame.ts";
import type { VideoFacts } from "./video_facts.ts";

/** What one coded picture tells of itself. */
export interface PictureInfo {
  /** `jpeg`, `png`, or `null` where the bytes tell nothing. */
  readonly codec: "jpeg" | "png" | null;
  /** Width in pixels, `null` where it is not told. */
  readonly width: number | null;
  /** Height in pixels, `null` where it is not told. */
  readonly height: number | null;
}

/** `previous` itself when it fits `format` and `picture`, else a new configuration that does. */
export function pictureConfig(
  previous: StreamConfig | undefined,
  format: StreamConfig["format"],
  { codec, width, height }: PictureInfo,
): StreamConfig {
  const same = previous !== undefined && previous.format === format && previous.codec === codec &&
    previous.width === width && previous.height === height;
  return same ? previous : bareConfig(format, { codec, width, height });
}

/** `previous` itself when it fits `format` and `facts`, else a new configuration that does. */
export function videoConfig(
  previous: StreamConfig,
  format: StreamConfig["format"],
  facts: VideoFacts,
): StreamConfig {
  const config = bareConfig(format, facts);
  return sameConfig(previous, config) ? previous : config;
}
