/**
 * What one whole access unit tells of itself, from a client that says nothing of its format.
 *
 * @module
 */
import type { FrameKind } from "../core/frame.ts";
import type { AccessUnit, AccessUnitSyntax } from "./annex_b.ts";
import { H264Syntax } from "./h264.ts";
import { HevcSyntax } from "./hevc.ts";
import {
  findStartCode,
  H264_NAL,
  h264NalType,
  HEVC_NAL,
  hevcNalType,
  type NalUnit,
  START_CODE_BYTES,
} from "./nal.ts";
import type { VideoFacts } from "./video_facts.ts";

/** Formats of an access unit. */
export type AnnexBFormat = AccessUnitSyntax["format"];

/** Bytes of a message within which its first slice is looked for. */
const MAX_HEADER_BYTES = 65_536;

/** What an access unit tells of itself. */
export interface SniffedAccessUnit {
  readonly format: AnnexBFormat;
  /** `key` only where the parameter sets that it takes are within it. */
  readonly kind: FrameKind;
  /** What its own parameter sets say, `undefined` where it has none. */
  readonly facts: VideoFacts | undefined;
}

/**
 * What `bytes` tell of themselves, `undefined` where they are no access unit of a byte stream that
 * begins with a start code.
 *
 * Looks at the NAL units in front of the first slice, and at the beginning of that.
 *
 * @param before the format of the frames before, which decides where a header could be of both.
 */
export function sniffAccessUnit(
  bytes: Uint8Array,
  before: AnnexBFormat | undefined,
): SniffedAccessUnit | undefined {
  const format = formatOf(bytes, before);
  if (format === undefined) return undefined;
  const unit = readHead(bytes, format === "h264" ? new H264Syntax() : new HevcSyntax());
  return unit && { format, kind: unit.kind, facts: unit.facts };
}

/** Reads an access unit up to its first slice; `undefined` without one. */
function readHead(bytes: Uint8Array, syntax: AccessUnitSyntax): AccessUnit | undefined {
  const head = bytes.subarray(0, MAX_HEADER_BYTES);
  const units: NalUnit[] = [];
  let code = findStartCode(head, 0);
  while (code >= 0) {
    const start = code + START_CODE_BYTES;
    const role = syntax.roleOf(head, start, undefined);
    if (role === "picture" || role === "slice") {
      units.push({ start, end: bytes.length });
      return syntax.read(bytes, units);
    }
    code = findStartCode(head, start);
    let end = code < 0 ? head.length : code;
    while (end > start && head[end - 1] === 0) end--;
    if (end > start) units.push({ start, end });
  }
  return undefined;
}

/** The format that the first NAL unit shows: see the headers in signatures.ts, and those of deltas. */
function formatOf(bytes: Uint8Array, before: AnnexBFormat | undefined): AnnexBFormat | undefined {
  if (bytes[0] !== 0 || bytes[1] !== 0) return undefined;
  const code = bytes[2] === 1 ? 2 : bytes[2] === 0 && bytes[3] === 1 ? 3 : undefined;
  if (code === undefined) return undefined;
  const [first, second] = [bytes[code + 1], bytes[code + 2]];
  if (first === undefined || second === undefined) return undefined;
  const isH264 = canBeginH264(first);
  const isHevc = canBeginHevc(first, second);
  if (isH264 && isHevc) {
    // An SEI of H.264 is like a picture of H.265 at which none begins, a PPS like one where they do.
    return before ?? (h264NalType(first) === H264_NAL.sei ? "h264" : "hevc");
  }
  return isH264 ? "h264" : isHevc ? "hevc" : undefined;
}

function canBeginH264(header: number): boolean {
  const isReference = (header & 0x60) !== 0;
  if (header >= 0x80) return false;
  switch (h264NalType(header)) {
    case H264_NAL.slice:
      return true;
    case H264_NAL.idrSlice:
    case H264_NAL.sps:
    case H264_NAL.pps:
      return isReference;
    case H264_NAL.sei:
    case H264_NAL.accessUnitDelimiter:
      return !isReference;
    default:
      return false;
  }
}

function canBeginHevc(first: number, second: number): boolean {
  const type = hevcNalType(first);
  const isKnown = type <= HEVC_NAL.raslR || (type >= HEVC_NAL.irapFirst && type <= HEVC_NAL.cra) ||
    (type >= HEVC_NAL.vps && type <= HEVC_NAL.accessUnitDelimiter) || type === HEVC_NAL.prefixSei;
  return isKnown && (first & 0x81) === 0 && second >= 1 && second <= 7;
}
