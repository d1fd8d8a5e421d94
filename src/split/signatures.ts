/**
 * What inputs begin with: the formats that are split here, and those that are known by name only.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";
import type { InputFormat } from "./format.ts";

/** Bytes that an input has at an offset. */
export interface Pattern {
  /** Offset in bytes from the start of the input. */
  readonly at: number;
  /** What stands there. */
  readonly bytes: Uint8Array;
}

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
}

const CONVERT = "pipe it through: ffmpeg -i INPUT -f mjpeg -q:v 3 -";

function pattern(bytes: string | readonly number[], at = 0): Pattern {
  return { at, bytes: typeof bytes === "string" ? bytesOf(bytes) : Uint8Array.from(bytes) };
}

function known(format: InputFormat, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { format } };
}

function foreign(name: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice: CONVERT } };
}

function advised(name: string, advice: string, ...patterns: Pattern[]): Signature {
  return { patterns, meaning: { name, advice } };
}

function annexB(name: string, demuxer: string, firstBytes: readonly number[]): Signature[] {
  const advice = `pipe it through: ffmpeg -f ${demuxer} -i INPUT -f mjpeg -q:v 3 -`;
  return firstBytes.flatMap((byte) => [
    advised(name, advice, pattern([0, 0, 1, byte])),
    advised(name, advice, pattern([0, 0, 0, 1, byte])),
  ]);
}

/** Signatures in the order in which they are tried. */
export const SIGNATURES: readonly Signature[] = [
  known("mjpeg", pattern([0xff, 0xd8, 0xff])),
  known("png", pattern("\x89PNG\r\n\x1a\n")),
  known("y4m", pattern("YUV4MPEG2 ")),
  known("ivf", pattern("DKIF")),
  known("mpjpeg", pattern("--")),
  known("mpjpeg", pattern("\n--")),
  known("mpjpeg", pattern("\r\n--")),
  foreign("FLV", pattern("FLV\x01")),
  foreign("Matroska or WebM", pattern([0x1a, 0x45, 0xdf, 0xa3])),
  foreign("AVI", pattern("RIFF"), pattern("AVI ", 8)),
  foreign("a WebP image", pattern("RIFF"), pattern("WEBP", 8)),
  foreign("a RIFF container", pattern("RIFF"), pattern([], 12)),
  foreign("MP4 or MOV", pattern("ftyp", 4)),
  foreign("MOV", pattern("moov", 4)),
  foreign("MOV", pattern("mdat", 4)),
  foreign("MPEG-TS", pattern([0x47]), pattern([0x47], 188)),
  foreign("MPEG-TS with time codes (M2TS)", pattern([0x47], 4), pattern([0x47], 196)),
  foreign("MPEG-PS", pattern([0, 0, 1, 0xba])),
  foreign("MPEG-1 or MPEG-2 video", pattern([0, 0, 1, 0xb3])),
  foreign("Ogg", pattern("OggS\0")),
  foreign("NUT", pattern("nut/multimedia container\0")),
  foreign("ASF or WMV", pattern([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])),
  foreign("a GIF image", pattern("GIF87a")),
  foreign("a GIF image", pattern("GIF89a")),
  foreign("a BMP image", pattern("BM"), pattern([0, 0, 0, 0], 6)),
  foreign("a TIFF image", pattern("II*\0")),
  foreign("a TIFF image", pattern("MM\0*")),
  foreign("a JPEG XL image", pattern([0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a])),
  foreign("a JPEG 2000 image", pattern([0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a])),
  foreign("a JPEG 2000 code stream", pattern([0xff, 0x4f, 0xff, 0x51])),
  // The first byte of a NAL unit: nal_ref_idc and type in H.264 (7.3.1), type and layer in H.265.
  ...annexB("H.264 (Annex B)", "h264", [0x67, 0x27, 0x47, 0x68, 0x28, 0x06, 0x09, 0x65, 0x25]),
  ...annexB("H.265 (Annex B)", "hevc", [0x40, 0x42, 0x44, 0x46, 0x4e]),
  advised("an HTTP response with its headers", "leave out curl's -i", pattern("HTTP/")),
  advised("JPEG behind 4 bytes", "give --format lp32", pattern([0xff, 0xd8, 0xff], 4)),
  advised("PNG behind 4 bytes", "give --format lp32", pattern("\x89PNG", 4)),
];
