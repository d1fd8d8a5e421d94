/**
 * The formats of a stream, and all that differs from one to the other but how they are split.
 *
 * @module
 */

/**
 * What the bytes of one frame of a stream are. For `h264` and `hevc` that is an access unit as a byte
 * stream (Annex B of the standard) whose key frames have their parameter sets in front; for `vp8`,
 * `vp9` and `av1` it is one frame, superframe or temporal unit as IVF holds it.
 */
export type StreamFormat =
  | "raw"
  | "mjpeg"
  | "png"
  | "y4m"
  | "lp32"
  | "h264"
  | "hevc"
  | "vp8"
  | "vp9"
  | "av1";

/** What is known of a format. */
export interface FormatFacts {
  /** Its name for people. */
  readonly label: string;
  /** Whether its frames may depend on frames before them. */
  readonly isCodedInTime: boolean;
  /** Codec string (RFC 6381) of a stream that is coded in time and comes without one; else `null`. */
  readonly usualCodec: string | null;
  /** What a frame shows by itself: an image file, or samples; `null` where only a decoder tells. */
  readonly picture: "jpeg" | "png" | "pixels" | null;
  /** Media type of one frame, `null` where it has none. */
  readonly mediaType: string | null;
  /** Extension of a file that holds one frame, without a point. */
  readonly extension: string;
  /** All extensions that promise this format; none where any bytes are of it. */
  readonly extensions: readonly string[];
  /** Those of a file of frames one behind the other, the usual one first; none where that is no file. */
  readonly runExtensions: readonly string[];
}

/** All facts about each format. */
export const FORMAT_FACTS: Readonly<Record<StreamFormat, FormatFacts>> = {
  raw: {
    label: "Raw",
    isCodedInTime: false,
    usualCodec: null,
    picture: "pixels",
    mediaType: null,
    extension: "raw",
    extensions: [],
    runExtensions: [],
  },
  mjpeg: {
    label: "JPEG",
    isCodedInTime: false,
    usualCodec: null,
    picture: "jpeg",
    mediaType: "image/jpeg",
    extension: "jpg",
    extensions: ["jpg", "jpeg", "mjpeg", "mjpg"],
    runExtensions: ["mjpeg", "mjpg"],
  },
  png: {
    label: "PNG",
    isCodedInTime: false,
    usualCodec: null,
    picture: "png",
    mediaType: "image/png",
    extension: "png",
    extensions: ["png"],
    runExtensions: [],
  },
  y4m: {
    label: "Y4M",
    isCodedInTime: false,
    usualCodec: null,
    picture: "pixels",
    mediaType: null,
    extension: "y4m",
    extensions: ["y4m"],
    runExtensions: ["y4m"],
  },
  lp32: {
    label: "Bytes",
    isCodedInTime: false,
    usualCodec: null,
    picture: null,
    mediaType: null,
    extension: "bin",
    extensions: [],
    runExtensions: [],
  },
  h264: {
    label: "H.264",
    isCodedInTime: true,
    usualCodec: "avc1.640028",
    picture: null,
    mediaType: null,
    extension: "h264",
    extensions: ["h264", "264"],
    runExtensions: ["h264", "264"],
  },
  hevc: {
    label: "H.265",
    isCodedInTime: true,
    usualCodec: "hev1.1.6.L120.B0",
    picture: null,
    mediaType: null,
    extension: "hevc",
    extensions: ["hevc", "h265", "265"],
    runExtensions: ["hevc", "h265", "265"],
  },
  vp8: {
    label: "VP8",
    isCodedInTime: true,
    usualCodec: "vp8",
    picture: null,
    mediaType: null,
    extension: "vp8",
    extensions: ["vp8"],
    runExtensions: [],
  },
  vp9: {
    label: "VP9",
    isCodedInTime: true,
    usualCodec: "vp09.00.41.08",
    picture: null,
    mediaType: null,
    extension: "vp9",
    extensions: ["vp9"],
    runExtensions: [],
  },
  av1: {
    label: "AV1",
    isCodedInTime: true,
    usualCodec: "av01.0.08M.08",
    picture: null,
    mediaType: null,
    extension: "av1",
    extensions: ["av1"],
    runExtensions: [],
  },
};

/** The names of all formats. */
export const STREAM_FORMATS: readonly StreamFormat[] = Object.keys(
  FORMAT_FACTS,
) as StreamFormat[];

/** Whether frames of `format` may depend on frames before them. */
export function isCodedInTime(format: StreamFormat): boolean {
  return FORMAT_FACTS[format].isCodedInTime;
}

/**
 * The format that one frame is of by itself: where the format of its stream promises no image, the
 * frame may still be one, as its codec says.
 */
export function frameFormatOf(
  { format, codec }: { readonly format: StreamFormat; readonly codec: string | null },
): StreamFormat {
  if (codec === null || FORMAT_FACTS[format].mediaType !== null) return format;
  const isImage = (name: StreamFormat) =>
    FORMAT_FACTS[name].mediaType !== null && FORMAT_FACTS[name].picture === codec;
  return STREAM_FORMATS.find(isImage) ?? format;
}
