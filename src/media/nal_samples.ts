/**
 * Access units as files hold them: NAL units behind their lengths, ISO/IEC 14496-15 clauses 5 and 8.
 *
 * @module
 */
import { emptyWithHeadroom } from "../bytes/headroom.ts";
import {
  H264_NAL,
  h264NalType,
  HEVC_NAL,
  hevcNalType,
  isH264ParameterSet,
  isHevcParameterSet,
} from "../split/nal.ts";

/** The formats whose frames are made of NAL units. */
export type NalFormat = "h264" | "hevc";

/** Bytes of a length, as this program writes them. */
export const LENGTH_BYTES = 4;

const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** What differs between the formats. */
interface Syntax {
  readonly typeOf: (byte0: number) => number;
  readonly isParameterSet: (type: number) => boolean;
  readonly accessUnitDelimiter: number;
  /** Types of parameter sets in the order in which a decoder wants them. */
  readonly parameterSets: readonly number[];
}

/** How to read the NAL units of a format. */
export const NAL_SYNTAX: Readonly<Record<NalFormat, Syntax>> = {
  h264: {
    typeOf: h264NalType,
    isParameterSet: isH264ParameterSet,
    accessUnitDelimiter: H264_NAL.accessUnitDelimiter,
    parameterSets: [H264_NAL.sps, H264_NAL.pps],
  },
  hevc: {
    typeOf: hevcNalType,
    isParameterSet: isHevcParameterSet,
    accessUnitDelimiter: HEVC_NAL.accessUnitDelimiter,
    parameterSets: [HEVC_NAL.vps, HEVC_NAL.sps, HEVC_NAL.pps],
  },
};

/** The NAL units of a sample; `undefined` where a length leads beyond its end. */
export function sampleUnits(sample: Uint8Array, lengthBytes: number): Uint8Array[] | undefined {
  const units: Uint8Array[] = [];
  for (let at = 0; at < sample.length;) {
    if (at + lengthBytes > sample.length) return undefined;
    let length = 0;
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + sample[at + index]!;
    at += lengthBytes + length;
    if (at > sample.length) return undefined;
    if (length > 0) units.push(sample.subarray(at - length, at));
  }
  return units;
}

/** The sample that holds `units`. */
export function writeSample(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const sample = new Uint8Array(sizeOf(units, LENGTH_BYTES));
  const view = new DataView(sample.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.length);
    sample.set(unit, at + LENGTH_BYTES);
    at += LENGTH_BYTES + unit.length;
  }
  return sample;
}

/** The byte stream of `units` (Annex B), with headroom before it. */
export function writeByteStream(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = emptyWithHeadroom(sizeOf(units, START_CODE.length));
  let at = 0;
  for (const unit of units) {
    bytes.set(START_CODE, at);
    bytes.set(unit, at + START_CODE.length);
    at += START_CODE.length + unit.length;
  }
  return bytes;
}

function sizeOf(units: readonly Uint8Array[], prefixBytes: number): number {
  return units.reduce((size, unit) => size + prefixBytes + unit.length, 0);
}
