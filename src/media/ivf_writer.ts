/**
 * IVF files made of frames: what players and ffmpeg need around the frames of VP8, VP9 and AV1.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import {
  IVF_FOURCC,
  IVF_FRAME_HEADER_BYTES,
  IVF_HEADER_BYTES,
  IVF_SIGNATURE,
  type IvfFormat,
} from "../split/ivf_header.ts";
import { type MediaWriter, NOTHING, type Output, type TimedFrame } from "./media_writer.ts";
import type { Track } from "./track.ts";

/** Units of time in a second: the times of frames are microseconds. */
const TIME_UNITS_PER_SECOND = 1_000_000;
/** Largest side that the header can name. */
const MAX_SIDE_PIXELS = 65_535;

/** Whether frames of `config` can stand in an IVF file. */
export function isIvfConfig(
  config: StreamConfig,
): config is StreamConfig & { readonly format: IvfFormat } {
  return Object.hasOwn(IVF_FOURCC, config.format);
}

/**
 * The bytes that begin an IVF file of frames of `config`. The number of frames, which nobody knows
 * yet, stays 0, as do sides that are not known.
 *
 * @throws {TypeError} for a format that IVF does not hold: see {@linkcode isIvfConfig}
 */
export function ivfHeader(config: StreamConfig): Uint8Array<ArrayBuffer> {
  if (!isIvfConfig(config)) throw new TypeError(`Cannot write an IVF file of ${config.format}`);
  const header = new Uint8Array(IVF_HEADER_BYTES);
  header.set(IVF_SIGNATURE);
  header.set(bytesOf(IVF_FOURCC[config.format]), 8);
  const view = new DataView(header.buffer);
  view.setUint16(6, IVF_HEADER_BYTES, true);
  view.setUint16(12, Math.min(config.width ?? 0, MAX_SIDE_PIXELS), true);
  view.setUint16(14, Math.min(config.height ?? 0, MAX_SIDE_PIXELS), true);
  view.setUint32(16, TIME_UNITS_PER_SECOND, true);
  view.setUint32(20, 1, true);
  return header;
}

/**
 * The bytes in front of a frame of `size` bytes that is shown at `ptsUs` microseconds; a time
 * before 0, which readers would take for one far away, becomes 0.
 */
export function ivfFrameHeader(size: number, ptsUs: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(IVF_FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, size, true);
  view.setBigUint64(4, BigInt(Math.max(0, Math.round(ptsUs))), true);
  return header;
}

/** VP8, VP9 and AV1 as ffmpeg's IVF has them. */
export class IvfWriter implements MediaWriter {
  readonly #config: StreamConfig;
  #hasBegun = false;

  constructor({ config }: Track) {
    this.#config = config;
  }

  write({ data, timeUs }: TimedFrame): Output {
    const header = this.#hasBegun ? [] : [ivfHeader(this.#config)];
    this.#hasBegun = true;
    return { append: [...header, ivfFrameHeader(data.length, timeUs), data], patches: [] };
  }

  finish(): Output {
    return NOTHING;
  }
}
