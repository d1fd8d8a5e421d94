/**
 * What inputs begin with: the formats that are split here, and those that are known by name only.
 *
 * @module
 */
import { beginnings, type InputFormat } from "./formats.ts";
import { type Pattern, pattern } from "./pattern.ts";

/** What an input begins with, and what that makes it. */
export interface Signature {
  /** All of these must be there. */
  readonly patterns: readonly Pattern[];
  /** A format that is split here, or the name of one that is not. */
  readonly meaning: { readonly format: InputFormat } | ForeignInput;
}

/** An input that is known but cannot be split. */
export interface ForeignInput {
  /** What it is, as a person calls it. */
  readonly name: string;
  /** What to do with it instead. */
  readonly advice: string;
  /** Whether it is a container, which is not split here; a file of it is read at any place. */
  readonly isMedia: boolean;
  /** Whether so little says so that a frame may come behind it all the same. Absent: false. */
  readonly isGuess?: boolean;
  /** Whether its first four bytes must be a length that a frame may have. Absent: false. */
  readonly hasLength?: boolean;
}

const CONVERT = "pipe it through: ffmpeg -i INPUT -f mjpeg -q:v 3 -";
const GIVE_FILE = "give the file itself with --input, or pipe H.264 " +
  "through: ffmpeg -i INPUT -c copy " +
  "-f h264 -, and anything else through: ffmpeg -i INPUT -f mjpeg -q:v 3 -";

const AS_PICTURES = "pipe it through: ffmpeg -f image2pipe -i - -f mjpeg -q:v 3 -";
const WITH_START_CODES =
  "frames with lengths (AVCC) come from an MP4: give that file with --input, " +
  "or let the encoder write a byte stream (Annex B; GStreamer: h264parse ! " +
  "video/x-h264,stream-format=byte-stream)";
const AS_IVF = "let it write IVF: ffmpeg -f obu -i INPUT -c copy -f ivf -";
const NO_PICTURES = "it is audio, and only video is relayed";
const QUIET = "give gst-launch-1.0 -q, so that it writes nothing but frames";

/** Those of the formats that are split here. */
function known(isShort: boolean): Signature[] {
  return beginnings(isShort).map(({ format, pattern }) => ({
    patterns: [pattern],
    meaning: { format },
  }));
}

function foreign(name: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice: CONVERT, isMedia: false } };
}

function media(name: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice: GIVE_FILE, isMedia: true } };
}

function advised(name: string, advice: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice, isMedia: false } };
}

/** What few bytes tell of, so that it is named only where nothing else is found. */
function guess(name: string, advice: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice, isMedia: false, isGuess: true } };
}

/** Compressed data, and the program that unpacks it. */
function packed(name: string, ...patterns: Pattern[]): Signature {
  return advised(`${name} data`, `unpack it first: ${name} -dc FILE | stream publish`, ...patterns);
}

function archive(name: string, ...patterns: Pattern[]): Signature {
  return advised(name, "unpack it, and give a file in it", ...patterns);
}

function sound(name: string, ...patterns: Pattern[]): Signature {
  return advised(name, NO_PICTURES, ...patterns);
}

function prefixed(name: string, ...patterns: Pattern[]): Signature {
  const meaning = { name, advice: "give --format lp32", isMedia: false, hasLength: true };
  return { patterns, meaning };
}

/** Signatures in the order in which they are tried. */
export const SIGNATURES: readonly Signature[] = [
  foreign("a JPEG-LS image", pattern([0xff, 0xd8, 0xff, 0xf7])),
  ...known(false),
  foreign("FLV", pattern("FLV\x01")),
  media("Matroska or WebM", pattern([0x1a, 0x45, 0xdf, 0xa3])),
  foreign("AVI", pattern("RIFF"), pattern("AVI ", 8)),
  foreign("a WebP image", pattern("RIFF"), pattern("WEBP", 8)),
  sound("WAV", pattern("RIFF"), pattern("WAVE", 8)),
  foreign("a RIFF container", pattern("RIFF"), pattern([], 12)),
  foreign("an AVIF image", pattern("ftypavi", 4)),
  foreign("a HEIF image", pattern("ftyphei", 4)),
  foreign("a HEIF image", pattern("ftypmif1", 4)),
  sound("M4A", pattern("ftypM4A", 4)),
  media("MP4 or MOV", pattern("ftyp", 4)),
  media("MOV", pattern("moov", 4)),
  media("MOV", pattern("mdat", 4)),
  ...["wide", "free", "skip", "pnot", "uuid", "styp", "moof", "sidx"].map((type) =>
    media("MP4 or MOV", pattern(type, 4))
  ),
  prefixed("JPEG after 4 bytes", pattern([0xff, 0xd8, 0xff], 4)),
  prefixed("PNG after 4 bytes", pattern("\x89PNG", 4)),
  ...known(true),
  advised("AV1 as OBUs", AS_IVF, pattern([0x12, 0x00, 0x0a])),
  advised("AV1 as OBUs with lengths (Annex B)", AS_IVF, pattern([0x01, 0x10], 2)),
  ...["Setting pipeline", "Use Windows high", "Pipeline is", "Progress: ", "Redistribute"].map(
    (text) => advised("text of gst-launch", QUIET, pattern(text)),
  ),
  ...["P1", "P2", "P3", "P4", "P5", "P6", "P7"].flatMap((name) =>
    ["\n", " ", "\r", "\t"].map((space) =>
      advised("a PPM, PGM or PBM image", AS_PICTURES, pattern(name + space))
    )
  ),
  advised("a QOI image", AS_PICTURES, pattern("qoif")),
  foreign("MPEG-PS", pattern([0, 0, 1, 0xba])),
  foreign("MPEG-4 Part 2 video", pattern([0, 0, 1, 0xb0])),
  ...[0x71, 0x79, 0xa1].flatMap((header) => [
    foreign("H.266", pattern([0, 0, 1, 0, header])),
    foreign("H.266", pattern([0, 0, 0, 1, 0, header])),
  ]),
  foreign("MPEG-1 or MPEG-2 video", pattern([0, 0, 1, 0xb3])),
  // An access unit delimiter, parameter sets or SEI behind a length of less than 2^16.
  ...[[0x67], [0x27], [0x47], [0x06], [0x09, 0x10], [0x09, 0x30], [0x09, 0xf0]].map((header) =>
    advised("H.264 with lengths", WITH_START_CODES, pattern([0, 0]), pattern(header, 4))
  ),
  ...[32, 33, 34, 35, 39].map((type) =>
    advised("H.265 with lengths", WITH_START_CODES, pattern([0, 0]), pattern([type << 1, 1], 4))
  ),
  foreign("Ogg", pattern("OggS\0")),
  foreign("NUT", pattern("nut/multimedia container\0")),
  foreign("ASF or WMV", pattern([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])),
  foreign("MXF", pattern([0x06, 0x0e, 0x2b, 0x34])),
  foreign("RealMedia", pattern(".RMF")),
  foreign("Flash", pattern("FWS")),
  foreign("Flash", pattern("CWS")),
  foreign("Dirac or VC-2 video", pattern("BBCD")),
  sound("MP3", pattern("ID3")),
  sound("FLAC", pattern("fLaC")),
  sound("AIFF", pattern("FORM"), pattern("AIF", 8)),
  sound("AU", pattern(".snd")),
  sound("CAF", pattern("caff")),
  sound("WavPack", pattern("wvpk")),
  packed("gzip", pattern([0x1f, 0x8b, 0x08])),
  packed("bzip2", pattern("BZh")),
  packed("xz", pattern([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])),
  packed("zstd", pattern([0x28, 0xb5, 0x2f, 0xfd])),
  archive("a ZIP archive", pattern([0x50, 0x4b, 3, 4])),
  archive("a 7z archive", pattern([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])),
  archive("a RAR archive", pattern("Rar!\x1a\x07")),
  advised(
    "a program",
    "run it, and pipe its output: PROGRAM | stream publish",
    pattern("\x7fELF"),
  ),
  foreign("an OpenEXR image", pattern([0x76, 0x2f, 0x31, 0x01])),
  foreign("a Photoshop image", pattern("8BPS")),
  foreign("a GIF image", pattern("GIF87a")),
  foreign("a GIF image", pattern("GIF89a")),
  foreign("a BMP image", pattern("BM"), pattern([0, 0, 0, 0], 6)),
  foreign("a TIFF image", pattern("II*\0")),
  foreign("a TIFF image", pattern("MM\0*")),
  foreign("a JPEG XL image", pattern([0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a])),
  foreign("a JPEG 2000 image", pattern([0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a])),
  foreign("a JPEG 2000 code stream", pattern([0xff, 0x4f, 0xff, 0x51])),
  advised("an HTTP response with its headers", "leave out curl's -i", pattern("HTTP/")),
  guess("a JPEG XL code stream", CONVERT, pattern([0xff, 0x0a])),
  guess("H.263", CONVERT, pattern([0, 0, 0x80])),
  guess("AC-3", NO_PICTURES, pattern([0x0b, 0x77])),
  ...[0xf1, 0xf9].map((second) => guess("AAC", NO_PICTURES, pattern([0xff, second]))),
  ...[0xfb, 0xfa, 0xf3, 0xf2].map((second) => guess("MP3", NO_PICTURES, pattern([0xff, second]))),
  // Last, because one byte is little to go by, and the other comes late.
  media("MPEG-TS", pattern([0x47]), pattern([0x47], 188)),
  media("MPEG-TS with time codes (M2TS)", pattern([0x47], 4), pattern([0x47], 196)),
];
