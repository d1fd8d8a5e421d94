/**
 * Headers of AV1 temporal units: "AV1 Bitstream & Decoding Process Specification", version 1.0.0
 * with errata 1.
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import { hasBytesAt } from "../bytes/text.ts";
import type { KeyFrame } from "./key_frame.ts";

/** Largest sequence header in bytes that is believed; 32 operating points make some 500. */
export const MAX_SEQUENCE_HEADER_BYTES = 1024;

/** A temporal delimiter OBU, AV1 5.6: IVF has them in front of every temporal unit, files do not. */
export const TEMPORAL_DELIMITER: Uint8Array<ArrayBuffer> = Uint8Array.of(0x12, 0);

// obu_type, 6.2.2.
const OBU_SEQUENCE_HEADER = 1;
const OBU_TEMPORAL_DELIMITER = 2;
const OBU_FRAME_HEADER = 3;
const OBU_FRAME = 6;

/** The most bytes of a leb128() number, 4.10.5. */
const MAX_LEB128_BYTES = 8;

/** Where an OBU and its payload lie in a temporal unit. */
interface Obu {
  readonly type: number;
  readonly start: number;
  readonly payload: number;
  readonly end: number;
}

/** What stands in a temporal unit up to its first frame header. */
interface Opening {
  /** Where the temporal delimiter ends, 0 where there is none. */
  readonly delimiterEnd: number;
  /** The last sequence header in front of the frame header. */
  readonly sequenceHeader: Obu | undefined;
  /** The first frame header, or the frame that it is part of. */
  readonly frameHeader: Obu;
}

/** What is used of a sequence header. */
interface Sequence extends Pick<KeyFrame, "codec" | "width" | "height"> {
  /** Its OBU, whole. */
  readonly bytes: Uint8Array;
  readonly isReducedStillPicture: boolean;
}

/**
 * Tells key frames in a run of temporal units, of which it remembers the last sequence header.
 *
 * A key frame is a temporal unit whose first frame header is that of a key frame which is shown at
 * once: there, with a sequence header, a decoder can begin (7.6.1). A key frame that is shown
 * later, by show_existing_frame, is none: whoever begins where it is shown has not got it.
 */
export class Av1Reader {
  #sequence: Sequence | undefined;

  /**
   * What the headers of a key frame tell; `undefined` for any other temporal unit, for one whose
   * headers no decoder takes, and for one that neither has nor ever had a sequence header.
   *
   * The size is the largest that the sequence header allows, which is what a decoder gets ready for.
   */
  read(unit: Uint8Array): KeyFrame | undefined {
    const opening = readOpening(unit);
    if (opening === undefined) return undefined;
    const { delimiterEnd, sequenceHeader, frameHeader } = opening;
    const sequence = sequenceHeader === undefined
      ? this.#sequence
      : this.#readSequence(unit.subarray(sequenceHeader.start, sequenceHeader.end));
    if (sequence === undefined) return undefined;
    this.#sequence = sequence;
    const { codec, width, height, bytes, isReducedStillPicture } = sequence;
    if (!isReducedStillPicture && !isShownKeyFrame(unit, frameHeader)) return undefined;
    const keyFrame = { codec, width, height };
    return sequenceHeader === undefined
      ? { ...keyFrame, missing: { at: delimiterEnd, bytes } }
      : keyFrame;
  }

  /** Takes the sequence header of a run of OBUs, as if it had stood in a unit before. */
  know(obus: Uint8Array): void {
    for (let at = 0; at < obus.length;) {
      const obu = readObu(obus, at);
      if (obu === undefined) return;
      if (obu.type === OBU_SEQUENCE_HEADER) {
        this.#sequence = this.#readSequence(obus.slice(obu.start, obu.end)) ?? this.#sequence;
      }
      at = obu.end;
    }
  }

  /** The sequence of a header, which seldom differs from the one before. */
  #readSequence(obu: Uint8Array): Sequence | undefined {
    const last = this.#sequence;
    const isSame = last?.bytes.length === obu.length && hasBytesAt(obu, 0, last.bytes);
    return isSame ? last : readSequence(obu);
  }
}

/** The sequence header OBU in front of a temporal unit's first frame; `undefined` without one. */
export function av1SequenceHeader(unit: Uint8Array): Uint8Array | undefined {
  const obu = readOpening(unit)?.sequenceHeader;
  return obu === undefined ? undefined : unit.subarray(obu.start, obu.end);
}

/** Walks the OBUs up to the first frame header; `undefined` where they are not whole, or lack it. */
function readOpening(unit: Uint8Array): Opening | undefined {
  let delimiterEnd = 0;
  let sequenceHeader: Obu | undefined;
  for (let at = 0; at < unit.length;) {
    const obu = readObu(unit, at);
    if (obu === undefined) return undefined;
    if (obu.type === OBU_FRAME_HEADER || obu.type === OBU_FRAME) {
      return { delimiterEnd, sequenceHeader, frameHeader: obu };
    }
    if (obu.type === OBU_TEMPORAL_DELIMITER && at === 0) delimiterEnd = obu.end;
    if (obu.type === OBU_SEQUENCE_HEADER) sequenceHeader = obu;
    at = obu.end;
  }
  return undefined;
}

/** The OBU that begins at `at`, 5.3; `undefined` where it is not whole. */
function readObu(unit: Uint8Array, at: number): Obu | undefined {
  const first = unit[at]!;
  const isForbiddenBitSet = (first & 0x80) !== 0;
  if (isForbiddenBitSet) return undefined;
  const type = first >> 3;
  const hasExtension = (first & 4) !== 0;
  const hasSize = (first & 2) !== 0;
  let payload = at + (hasExtension ? 2 : 1);
  let size = 0;
  for (let count = 0, isLast = !hasSize; !isLast; count++) {
    const byte = unit[payload++];
    if (byte === undefined || count === MAX_LEB128_BYTES) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * count);
    isLast = byte < 0x80;
  }
  // Only the last OBU can do without its size: it takes what is left.
  const end = hasSize ? payload + size : unit.length;
  return payload <= end && end <= unit.length ? { type, start: at, payload, end } : undefined;
}

/** show_existing_frame 0, frame_type KEY_FRAME and show_frame 1: the header's first bits, 5.9.2. */
function isShownKeyFrame(unit: Uint8Array, { payload, end }: Obu): boolean {
  return payload < end && unit[payload]! >> 4 === 0b0001;
}

/** Reads a sequence header OBU, 5.5.1, up to the bits of a sample; keeps a copy of it. */
function readSequence(obu: Uint8Array): Sequence | undefined {
  if (obu.length > MAX_SEQUENCE_HEADER_BYTES) return undefined;
  const bytes = obu.slice();
  const { payload, end } = readObu(bytes, 0)!;
  const bits = new BitReader(bytes.subarray(payload, end));
  const profile = bits.read(3);
  bits.skip(1); // still_picture
  const isReducedStillPicture = bits.flag();
  const { level, isHighTier } = isReducedStillPicture
    ? { level: bits.read(5), isHighTier: false }
    : readOperatingPoints(bits);
  const widthBits = bits.read(4) + 1;
  const heightBits = bits.read(4) + 1;
  const width = bits.read(widthBits) + 1;
  const height = bits.read(heightBits) + 1;
  skipTools(bits, isReducedStillPicture);
  const bitDepth = readBitDepth(bits, profile);
  const isReserved = profile > 2;
  if (isReserved || bits.isOverrun) return undefined;
  const tier = isHighTier ? "H" : "M";
  const codec = `av01.${profile}.${twoDigits(level)}${tier}.${twoDigits(bitDepth)}`;
  return { codec, width, height, bytes, isReducedStillPicture };
}

/** Reads what belongs to time and layers, 5.5.1; returns level and tier of operating point 0. */
function readOperatingPoints(bits: BitReader): { level: number; isHighTier: boolean } {
  const delayBits = readTimingInfo(bits);
  const hasInitialDisplayDelay = bits.flag();
  const count = bits.read(5) + 1;
  const points = Array.from({ length: count }, () => {
    bits.skip(12); // operating_point_idc
    const level = bits.read(5);
    const isHighTier = level > 7 && bits.flag();
    if (delayBits !== undefined && bits.flag()) bits.skip(2 * delayBits + 1);
    if (hasInitialDisplayDelay && bits.flag()) bits.skip(4);
    return { level, isHighTier };
  });
  return points[0]!;
}

/** Reads 5.5.3 and 5.5.4; returns how many bits a decoder model's delays have, if there is one. */
function readTimingInfo(bits: BitReader): number | undefined {
  const hasTimingInfo = bits.flag();
  if (!hasTimingInfo) return undefined;
  bits.skip(64); // num_units_in_display_tick, time_scale
  const isPictureIntervalEqual = bits.flag();
  // uvlc(), 4.10.3, is the number that H.264 calls ue(v).
  if (isPictureIntervalEqual) bits.unsignedGolomb();
  const hasDecoderModel = bits.flag();
  if (!hasDecoderModel) return undefined;
  const delayBits = bits.read(5) + 1;
  bits.skip(32 + 5 + 5); // num_units_in_decoding_tick and two lengths
  return delayBits;
}

/** Passes over what lies between the size and color_config, 5.5.1. */
function skipTools(bits: BitReader, isReducedStillPicture: boolean): void {
  const hasFrameIds = !isReducedStillPicture && bits.flag();
  if (hasFrameIds) bits.skip(4 + 3);
  bits.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!isReducedStillPicture) {
    bits.skip(4); // enable_interintra_compound to enable_dual_filter
    const hasOrderHint = bits.flag();
    if (hasOrderHint) bits.skip(2);
    const choosesScreenContentTools = bits.flag();
    const mayHaveScreenContentTools = choosesScreenContentTools || bits.flag();
    if (mayHaveScreenContentTools) {
      const choosesIntegerMv = bits.flag();
      if (!choosesIntegerMv) bits.skip(1);
    }
    if (hasOrderHint) bits.skip(3);
  }
  bits.skip(3); // enable_superres, enable_cdef, enable_restoration
}

/** Reads the first of color_config, 5.5.2. */
function readBitDepth(bits: BitReader, profile: number): number {
  const isHighBitDepth = bits.flag();
  if (!isHighBitDepth) return 8;
  return profile === 2 && bits.flag() ? 12 : 10;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
