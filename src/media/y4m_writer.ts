/**
 * YUV4MPEG2 made of frames: of those that have been such a stream, and of raw ones with its samples.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import { layoutOf, pictureBytes } from "../core/pixel_format.ts";
import { y4mColourSpace } from "../split/y4m_header.ts";
import type { LiveFrame, LiveWriter } from "./live_writer.ts";

/** What players are told where nothing tells how many frames a second there are. */
const USUAL_RATE = 30;
const FRAME_LINE = bytesOf("FRAME\n");

/** The header line, without its LF, of frames of `config`; `undefined` where they cannot be such a stream. */
export function y4mHeader(config: StreamConfig): string | undefined {
  const { format, codec, width, height, pixelFormat, frameRate, header } = config;
  if (format === "y4m") return header ?? undefined;
  const isPixels = format === "raw" && (codec === null || codec === "raw");
  if (!isPixels || width === null || height === null || pixelFormat === null) return undefined;
  const space = y4mColourSpace(pixelFormat);
  if (space === undefined) return undefined;
  const rate = Math.round((frameRate ?? USUAL_RATE) * 1000);
  return `YUV4MPEG2 W${width} H${height} F${rate}:1000 Ip A1:1 C${space}`;
}

/** Writes the header line and then frame by frame. */
export class Y4mWriter implements LiveWriter {
  readonly #config: StreamConfig;
  /** Bytes of a picture of raw frames, which have no line in front. */
  readonly #rawBytes: number | undefined;
  #hasBegun = false;

  constructor(config: StreamConfig) {
    this.#config = config;
    const { format, pixelFormat, width, height } = config;
    const layout = format === "y4m" || pixelFormat === null ? undefined : layoutOf(pixelFormat);
    this.#rawBytes = layout && pictureBytes(layout, width!, height!);
  }

  write({ data }: LiveFrame): Uint8Array[] {
    // Samples that are too few or too many would move all that follow.
    if (this.#rawBytes !== undefined && data.length !== this.#rawBytes) return [];
    const header = this.#hasBegun ? [] : [bytesOf(`${y4mHeader(this.#config)}\n`)];
    this.#hasBegun = true;
    return [...header, ...this.#rawBytes === undefined ? [] : [FRAME_LINE], data];
  }
}
