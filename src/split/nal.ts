/**
 * NAL units of a byte stream: where they are and what they are.
 *
 * The byte stream is that of annex B of ITU-T H.264 (08/2021) and of ITU-T H.265 (08/2021), which
 * are the same in this.
 *
 * @module
 */

/** Where a NAL unit lies, without its start code and without the zeros behind it. */
export interface NalUnit {
  /** Offset in bytes of its header. */
  readonly start: number;
  /** Offset in bytes of what follows its last byte. */
  readonly end: number;
}

/** Bytes of a start code, 00 00 01; a zero in front of it makes the longer form. */
export const START_CODE_BYTES = 3;

/** Types of NAL units in H.264, Table 7-1. */
export const H264_NAL = {
  slice: 1,
  partitionA: 2,
  partitionB: 3,
  partitionC: 4,
  idrSlice: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  accessUnitDelimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
  spsExtension: 13,
  prefix: 14,
  subsetSps: 15,
  /** 16 to 18 are reserved, and begin an access unit as 14 does. */
  reservedLast: 18,
  auxiliarySlice: 19,
} as const;

/** Types of NAL units in H.265, Table 7-1. */
export const HEVC_NAL = {
  radlN: 6,
  radlR: 7,
  raslN: 8,
  raslR: 9,
  /** The first and the last of the pictures at which decoding can begin, IRAP: 16 to 23. */
  irapFirst: 16,
  irapLast: 23,
  idrWithRadl: 19,
  idrWithoutLeading: 20,
  cra: 21,
  vps: 32,
  sps: 33,
  pps: 34,
  accessUnitDelimiter: 35,
  endOfSequence: 36,
  endOfBitstream: 37,
  filler: 38,
  prefixSei: 39,
  suffixSei: 40,
  /** Reserved and unspecified ones that begin an access unit as a parameter set does. */
  reservedOpeningFirst: 41,
  reservedOpeningLast: 44,
  unspecifiedOpeningFirst: 48,
  unspecifiedOpeningLast: 55,
} as const;

/** The type of an H.264 NAL unit from the first byte of its header, H.264 7.3.1. */
export function h264NalType(byte0: number): number {
  return byte0 & 0x1f;
}

/** The type of an H.265 NAL unit from the first byte of its header, H.265 7.3.1.2. */
export function hevcNalType(byte0: number): number {
  return (byte0 >> 1) & 0x3f;
}

/** Whether an H.264 NAL unit of this type is a sequence or picture parameter set. */
export function isH264ParameterSet(type: number): boolean {
  return type === H264_NAL.sps || type === H264_NAL.pps;
}

/** Whether an H.265 NAL unit of this type is a video, sequence or picture parameter set. */
export function isHevcParameterSet(type: number): boolean {
  return type >= HEVC_NAL.vps && type <= HEVC_NAL.pps;
}

/** Offset of the first start code (00 00 01) that begins at `from` or later, or -1. */
export function findStartCode(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  // The third byte of a start code is the one looked at: above 1 it rules out three places at once.
  for (let at = from + 2; at < length;) {
    const byte = bytes[at]!;
    if (byte > 1) {
      at += 3;
    } else if (byte === 0) {
      at += 1;
    } else if (bytes[at - 1] === 0 && bytes[at - 2] === 0) {
      return at - 2;
    } else {
      at += 3;
    }
  }
  return -1;
}

/** Most NAL units that one access unit is taken apart into. */
export const MAX_NAL_UNITS = 65_536;

/**
 * The NAL units of a run of bytes that is whole, in order: of an access unit, or of a stream. Bytes
 * in front of the first start code are passed over, and so is a start code that nothing follows. Of
 * more than {@linkcode MAX_NAL_UNITS} the last one holds all the rest.
 */
export function nalUnits(bytes: Uint8Array): NalUnit[] {
  const units: NalUnit[] = [];
  let code = findStartCode(bytes, 0);
  while (code >= 0) {
    const start = code + START_CODE_BYTES;
    code = units.length + 1 < MAX_NAL_UNITS ? findStartCode(bytes, start) : -1;
    let end = code < 0 ? bytes.length : code;
    // B.1.1: zero_byte and trailing_zero_8bits; the last byte of a NAL unit is never 0.
    while (end > start && bytes[end - 1] === 0) end--;
    if (end > start) units.push({ start, end });
  }
  return units;
}

/**
 * At most `maxBytes` of a NAL unit from its header on, without the bytes 03 that stand behind two
 * zeros so that no start code appears within (emulation_prevention_three_byte in 7.3.1): what the
 * syntax of its payload is read from.
 */
export function unescapedNal(bytes: Uint8Array, unit: NalUnit, maxBytes: number): Uint8Array {
  const end = Math.min(unit.end, unit.start + maxBytes);
  const plain = new Uint8Array(end - unit.start);
  let length = 0;
  let zeros = 0;
  for (let at = unit.start; at < end; at++) {
    const byte = bytes[at]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain[length++] = byte;
  }
  return plain.subarray(0, length);
}
