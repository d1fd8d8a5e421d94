/**
 * The format of an input whose first frame begins behind other bytes: one that is joined in the
 * middle of a frame.
 *
 * @module
 */
import { bytesOf, hasBytesAt, latin1 } from "../bytes/text.ts";
import type { InputFormat } from "./formats.ts";
import { parseH264Sps } from "./h264_sps.ts";
import { parseHevcSps } from "./hevc_sps.ts";
import { IVF_FORMATS, IVF_FOURCC, IVF_SIGNATURE } from "./ivf_header.ts";
import { findStartCode, H264_NAL, h264NalType, HEVC_NAL, hevcNalType } from "./nal.ts";
import { START_CODE_BYTES, unescapedNal } from "./nal.ts";
import { PNG_SIGNATURE } from "./png.ts";
import { Y4M_SIGNATURE } from "./y4m_header.ts";

/** Most bytes of headers in front of an image by which a multipart body is known. */
const MAX_HEADER_BYTES = 1024;
/** Most bytes of a parameter set that is looked at. */
const MAX_SET_BYTES = 1024;
const PART_HEADERS = /(?:^|\n)[a-z][a-z0-9-]*:[^\r\n]*\r?\n\r?\n$/i;
const PNG_START = Uint8Array.of(...PNG_SIGNATURE, 0, 0, 0, 13, ...bytesOf("IHDR"));

type Answer = InputFormat | "no" | "more";

/** Looks for the first place in an input at which a frame certainly begins. */
export class FormatSearch {
  #searched = 0;

  /** The format of an input that begins with `bytes`; the next time, these with others behind. */
  next(bytes: Uint8Array): InputFormat | undefined {
    for (; this.#searched < bytes.length; this.#searched++) {
      const answer = answerAt(bytes, this.#searched);
      if (answer === "more") return undefined;
      if (answer !== "no") return answer;
    }
    return undefined;
  }
}

function answerAt(bytes: Uint8Array, at: number): Answer {
  switch (bytes[at]) {
    case 0xff:
      return jpegAt(bytes, at);
    case PNG_START[0]:
      return matchAt(bytes, at, PNG_START, "png");
    case Y4M_SIGNATURE[0]:
      return matchAt(bytes, at, Y4M_SIGNATURE, "y4m");
    case IVF_SIGNATURE[0]:
      return ivfAt(bytes, at);
    case 0:
      return annexBAt(bytes, at);
    default:
      return "no";
  }
}

function matchAt(bytes: Uint8Array, at: number, start: Uint8Array, format: InputFormat): Answer {
  const part = start.subarray(0, bytes.length - at);
  if (!hasBytesAt(bytes, at, part)) return "no";
  return part.length === start.length ? format : "more";
}

/** SOI with a segment that an image may begin with, and a marker behind that: ITU-T T.81 B.2. */
function jpegAt(bytes: Uint8Array, at: number): Answer {
  const [second = 0xd8, third = 0xff, code, high, low] = bytes.subarray(at + 1, at + 6);
  if (second !== 0xd8 || third !== 0xff) return "no";
  if (code === undefined) return "more";
  const isFirst = (code >= 0xe0 && code <= 0xef) || [0xc0, 0xc1, 0xc2, 0xc4, 0xdb, 0xdd, 0xfe]
    .includes(code);
  if (!isFirst) return "no";
  if (high === undefined || low === undefined) return "more";
  const next = at + 4 + ((high << 8) | low);
  if (next < at + 6) return "no";
  if (bytes[next + 1] === undefined) return "more";
  if (bytes[next] !== 0xff || bytes[next + 1]! < 0xc0) return "no";
  const before = latin1(bytes.subarray(Math.max(0, at - MAX_HEADER_BYTES), at));
  return PART_HEADERS.test(before) ? "mpjpeg" : "mjpeg";
}

function ivfAt(bytes: Uint8Array, at: number): Answer {
  const part = IVF_SIGNATURE.subarray(0, bytes.length - at);
  if (!hasBytesAt(bytes, at, part)) return "no";
  if (bytes.length < at + 12) return "more";
  const fourcc = latin1(bytes.subarray(at + 8, at + 12));
  return IVF_FORMATS.some((format) => IVF_FOURCC[format] === fourcc) ? "ivf" : "no";
}

/** A sequence parameter set that can be read, with another start code behind it. */
function annexBAt(bytes: Uint8Array, at: number): Answer {
  const code = bytes.subarray(at, at + START_CODE_BYTES);
  if ((code[1] ?? 0) !== 0 || (code[2] ?? 1) !== 1) return "no";
  const start = at + START_CODE_BYTES;
  const header = bytes[start];
  if (header === undefined) return "more";
  const isH264 = (header & 0x9f) === H264_NAL.sps && h264NalType(header) === H264_NAL.sps;
  const isHevc = (header & 0x81) === 0 && hevcNalType(header) === HEVC_NAL.sps;
  if (!isH264 && !isHevc) return "no";
  const length = findStartCode(bytes.subarray(start, start + MAX_SET_BYTES), 0);
  if (length < 0) return bytes.length < start + MAX_SET_BYTES ? "more" : "no";
  const nal = unescapedNal(bytes, { start, end: start + length }, MAX_SET_BYTES);
  if (isH264 && parseH264Sps(nal) !== undefined) return "h264";
  return isHevc && parseHevcSps(nal) !== undefined ? "hevc" : "no";
}
