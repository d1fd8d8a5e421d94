/**
 * Decoder configuration records: the parameter sets of H.264 and H.265 as files carry them, ISO/IEC
 * 14496-15 (2019) clauses 5.3.3 and 8.3.3.
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import { H264_NAL, HEVC_NAL, unescapedNal } from "../split/nal.ts";
import { MAX_PARAMETER_SET_BYTES } from "../split/parameter_sets.ts";
import { LENGTH_BYTES, NAL_SYNTAX, type NalFormat } from "./nal_samples.ts";
import { isBaseLayer, type UpperLayers, upperLayersOf } from "./upper_layers.ts";

/** What a record says. */
export interface DecoderRecord {
  /** Bytes of the length in front of every NAL unit. */
  readonly lengthBytes: number;
  /** NAL units, in the order of {@linkcode NAL_SYNTAX}. */
  readonly parameterSets: readonly Uint8Array[];
  /** What it holds of layers above the base layer; absent where it has none, as in H.264. */
  readonly upperLayers?: UpperLayers;
}

/** Most parameter sets of a record: in H.264 31 of a sequence and 255 of pictures. */
export const MAX_SETS = 31 + 255;
/** Profiles of H.264 whose record ends with its parameter sets. */
const PLAIN_H264_PROFILES = [66, 77, 88];
const H264_HEADER_BYTES = 6;
const HEVC_HEADER_BYTES = 23;
/** Bytes of the record of upper layers in front of the number of its arrays. */
const LAYER_HEADER_BYTES = 5;
/** general_profile_space to general_level_idc, H.265 7.3.3. */
const PROFILE_TIER_LEVEL_BYTES = 12;

/** Reads a record; `undefined` where it is cut off or of an unknown version. */
export function readDecoderRecord(
  format: NalFormat,
  record: Uint8Array,
): DecoderRecord | undefined {
  const headerBytes = format === "h264" ? H264_HEADER_BYTES - 1 : HEVC_HEADER_BYTES - 1;
  // Version 0 has been seen in HEVC records of old writers.
  if (record.length <= headerBytes || record[0]! > 1) return undefined;
  const fields = new UnitReader(record, headerBytes);
  const units: Uint8Array[] = [];
  if (format === "h264") {
    units.push(...fields.units(fields.uint8() & 0x1f), ...fields.units(fields.uint8()));
  } else {
    units.push(...fields.arrays());
  }
  if (fields.isOverrun) return undefined;
  const lengthField = record[format === "h264" ? 4 : 21]!;
  const { typeOf, parameterSets: types } = NAL_SYNTAX[format];
  const base = format === "hevc" ? units.filter(isBaseLayer) : units;
  const upperLayers = format === "hevc" ? upperLayersOf(units) : undefined;
  return {
    lengthBytes: (lengthField & 3) + 1,
    // An HEVC record may hold SEI messages too, which belong to no frame.
    parameterSets: types.flatMap((type) => base.filter((unit) => typeOf(unit[0]!) === type)),
    ...upperLayers === undefined ? {} : { upperLayers },
  };
}

/** What the record of the layers above the base layer says, clause 9.5.3 (`lhvC`). */
export function readLayerRecord(record: Uint8Array): UpperLayers {
  return upperLayersOf(new UnitReader(record, LAYER_HEADER_BYTES).arrays()) ?? "unknown";
}

/**
 * The record that holds `parameterSets`; `undefined` where they have no sequence parameter set that
 * can be read, or one that is larger than those that are kept, or are more than a record counts.
 */
export function writeDecoderRecord(
  format: NalFormat,
  parameterSets: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> | undefined {
  const isTooMuch = parameterSets.length > MAX_SETS ||
    parameterSets.some(({ length }) => length > MAX_PARAMETER_SET_BYTES);
  if (isTooMuch) return undefined;
  return format === "h264" ? writeH264Record(parameterSets) : writeHevcRecord(parameterSets);
}

function writeH264Record(sets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | undefined {
  const { typeOf } = NAL_SYNTAX.h264;
  const sequence = sets.filter((unit) => typeOf(unit[0]!) === H264_NAL.sps);
  const picture = sets.filter((unit) => typeOf(unit[0]!) === H264_NAL.pps);
  const [first] = sequence;
  if (first === undefined || first.length < 4 || sequence.length > 31 || picture.length > 255) {
    return undefined;
  }
  const profile = first[1]!;
  const bytes = [
    ...[1, profile, first[2]!, first[3]!, 0xfc | (LENGTH_BYTES - 1)],
    ...[0xe0 | sequence.length, ...sequence.flatMap(withLength)],
    ...[picture.length, ...picture.flatMap(withLength)],
  ];
  if (PLAIN_H264_PROFILES.includes(profile)) return Uint8Array.from(bytes);
  const bits = new BitReader(unescaped(first).subarray(4));
  bits.unsignedGolomb(); // seq_parameter_set_id
  const chromaFormat = bits.unsignedGolomb();
  if (chromaFormat === 3) bits.skip(1);
  const lumaDepth = bits.unsignedGolomb();
  const chromaDepth = bits.unsignedGolomb();
  if (bits.isOverrun) return undefined;
  return Uint8Array.from([...bytes, 0xfc | chromaFormat, 0xf8 | lumaDepth, 0xf8 | chromaDepth, 0]);
}

function writeHevcRecord(sets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | undefined {
  const { typeOf, parameterSets: types } = NAL_SYNTAX.hevc;
  const sequence = sets.find((unit) => typeOf(unit[0]!) === HEVC_NAL.sps);
  const picture = sequence === undefined ? undefined : readHevcSequence(sequence);
  if (picture === undefined) return undefined;
  const arrays = types.map((type) => ({
    type,
    units: sets.filter((unit) => typeOf(unit[0]!) === type),
  })).filter(({ units }) => units.length > 0);
  return Uint8Array.from([
    1,
    ...picture.profileTierLevel,
    ...[0xf0, 0], // min_spatial_segmentation_idc: not known
    0xfc, // parallelismType: not known
    0xfc | picture.chromaFormat,
    0xf8 | picture.lumaDepth,
    0xf8 | picture.chromaDepth,
    ...[0, 0], // avgFrameRate: not known
    (picture.temporalLayers << 3) | (picture.isNested ? 4 : 0) | (LENGTH_BYTES - 1),
    arrays.length,
    ...arrays.flatMap(({ type, units }) => [
      0x80 | type,
      units.length >> 8,
      units.length & 0xff,
      ...units.flatMap(withLength),
    ]),
  ]);
}

/** What the record repeats of a sequence parameter set, H.265 7.3.2.2.1. */
interface HevcSequence {
  readonly profileTierLevel: Uint8Array;
  readonly temporalLayers: number;
  readonly isNested: boolean;
  readonly chromaFormat: number;
  /** Bits of a sample beyond 8. */
  readonly lumaDepth: number;
  readonly chromaDepth: number;
}

function readHevcSequence(unit: Uint8Array): HevcSequence | undefined {
  const payload = unescaped(unit).subarray(2);
  const bits = new BitReader(payload);
  bits.skip(4); // sps_video_parameter_set_id
  const subLayers = bits.read(3);
  const isNested = bits.flag();
  bits.skip(PROFILE_TIER_LEVEL_BYTES * 8);
  const present = Array.from({ length: subLayers }, () => ({
    profile: bits.flag(),
    level: bits.flag(),
  }));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const { profile, level } of present) bits.skip((profile ? 88 : 0) + (level ? 8 : 0));
  bits.unsignedGolomb(); // sps_seq_parameter_set_id
  const chromaFormat = bits.unsignedGolomb();
  if (chromaFormat === 3) bits.skip(1);
  bits.unsignedGolomb(); // pic_width_in_luma_samples
  bits.unsignedGolomb(); // pic_height_in_luma_samples
  const hasWindow = bits.flag();
  for (let side = 0; hasWindow && side < 4; side++) bits.unsignedGolomb();
  const lumaDepth = bits.unsignedGolomb();
  const chromaDepth = bits.unsignedGolomb();
  if (bits.isOverrun || chromaFormat > 3 || lumaDepth > 8 || chromaDepth > 8) return undefined;
  return {
    profileTierLevel: payload.subarray(1, 1 + PROFILE_TIER_LEVEL_BYTES),
    temporalLayers: subLayers + 1,
    isNested,
    chromaFormat,
    lumaDepth,
    chromaDepth,
  };
}

/** The payload of a NAL unit without emulation prevention. */
function unescaped(unit: Uint8Array): Uint8Array {
  return unescapedNal(unit, { start: 0, end: unit.length }, unit.length);
}

function withLength(unit: Uint8Array): number[] {
  return [unit.length >> 8, unit.length & 0xff, ...unit];
}

/** Reads counts and NAL units behind 16 bits of length; what is not there reads as nothing. */
class UnitReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isOverrun(): boolean {
    return this.#at > this.#bytes.length;
  }

  uint8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  uint16(): number {
    return this.uint8() * 256 + this.uint8();
  }

  /** The NAL units of all arrays of an HEVC record. */
  arrays(): Uint8Array[] {
    const units: Uint8Array[] = [];
    for (let arrays = this.uint8(); arrays > 0 && !this.isOverrun; arrays--) {
      this.uint8();
      units.push(...this.units(this.uint16()));
    }
    return units;
  }

  units(count: number): Uint8Array[] {
    const units: Uint8Array[] = [];
    for (let index = 0; index < count && !this.isOverrun; index++) {
      const length = this.uint16();
      const unit = this.#bytes.subarray(this.#at, this.#at + length);
      this.#at += length;
      if (unit.length > 0) units.push(unit);
    }
    return units;
  }
}
