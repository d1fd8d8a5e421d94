/**
 * The files that a stream can be sent as while it runs, by their extensions.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { IVF_FORMATS } from "../split/ivf_header.ts";
import { liveTimes } from "./decode_times.ts";
import { IvfWriter } from "./ivf_writer.ts";
import { LiveMp4Writer } from "./live_mp4.ts";
import type { LiveWriter } from "./live_writer.ts";
import { MATROSKA_FORMATS, MatroskaWriter, WEBM_FORMATS } from "./matroska_writer.ts";
import type { MediaWriter } from "./media_writer.ts";
import { MP4_FORMATS } from "./movie_boxes.ts";
import type { NalFormat } from "./nal_samples.ts";
import { isSameVideo, type Track, trackOf } from "./track.ts";
import { TRANSPORT_FORMATS, TransportWriter } from "./transport_writer.ts";
import { y4mHeader, Y4mWriter } from "./y4m_writer.ts";

/** What such a file begins with. */
export interface FirstFrame {
  /** A key frame. */
  readonly data: Uint8Array;
  readonly config: StreamConfig;
  /** Whether frames have times of presentation, and so may come in another order than that of those. */
  readonly hasTimes: boolean;
}

/** A kind of file. */
export interface LiveFile {
  /** Its media type. */
  readonly type: string;
  /** Whether it can hold a stream of that configuration. */
  holds(config: StreamConfig): boolean;
  /** Begins one; `undefined` where the first frame does not say what must stand in front of it. */
  open(first: FirstFrame): LiveWriter | undefined;
  /** Whether a file that has held `one` can go on with `other`. */
  goesOn(one: StreamConfig, other: StreamConfig): boolean;
}

/** Every kind of file, by extension without a point. */
export const LIVE_FILES: Readonly<Record<string, LiveFile>> = {
  mkv: container("video/x-matroska", MATROSKA_FORMATS, (track) => endless(track, "matroska")),
  webm: container("video/webm", WEBM_FORMATS, (track) => endless(track, "webm")),
  mp4: container(
    "video/mp4",
    MP4_FORMATS,
    (track, first) => new LiveMp4Writer(track, liveTimes(first)),
  ),
  ts: {
    type: "video/mp2t",
    holds: ({ format }) => TRANSPORT_FORMATS.some((other) => other === format),
    open: (first) => new TransportWriter(first.config.format as NalFormat, liveTimes(first)),
    goesOn: (one, other) => one.format === other.format,
  },
  ivf: container("video/x-ivf", IVF_FORMATS, (track) => appended(new IvfWriter(track))),
  h264: run("video/h264", "h264"),
  hevc: run("video/h265", "hevc"),
  y4m: {
    type: "video/x-yuv4mpeg",
    holds: (config) => y4mHeader(config) !== undefined,
    open: ({ config }) => new Y4mWriter(config),
    goesOn: (one, other) => y4mHeader(one) === y4mHeader(other),
  },
};

/** The extensions under which a stream of that configuration can be had. */
export function extensionsOf(config: StreamConfig): string[] {
  return Object.keys(LIVE_FILES).filter((extension) => LIVE_FILES[extension]!.holds(config));
}

/** A kind of file with times, of one video. */
function container(
  type: string,
  formats: readonly StreamFormat[],
  open: (track: Track, first: FirstFrame) => LiveWriter,
): LiveFile {
  return {
    type,
    holds: ({ format }) => formats.includes(format),
    open: (first) => {
      const track = trackOf(first.config, first.data);
      return track === undefined ? undefined : open(track, first);
    },
    goesOn: isSameVideo,
  };
}

/** trailing_zero_8bits behind a NAL unit: ITU-T H.264 B.1.1, ITU-T H.265 B.2.1. */
const TRAILING_ZERO = new Uint8Array(1);

/** Frames one behind the other, of which each key frame says what a decoder must know. */
function run(type: string, only: StreamFormat): LiveFile {
  return {
    type,
    holds: ({ format }) => format === only,
    open: () => ({ write: ({ data }) => [data], idle: () => [TRAILING_ZERO] }),
    goesOn: (one, other) => one.format === other.format,
  };
}

function endless(track: Track, docType: "matroska" | "webm"): LiveWriter {
  const writer = new MatroskaWriter(track, docType, { hasIndex: false });
  return { ...appended(writer), idle: () => writer.idle() };
}

/** What is only filled in later nobody sees who reads along. */
function appended(writer: MediaWriter): LiveWriter {
  return { write: (frame) => writer.write(frame).append };
}
