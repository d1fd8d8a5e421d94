/**
 * Parameter sets of H.265: what they tell of the pictures.
 *
 * Clause numbers are those of ITU-T H.265 (08/2021).
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import {
  cropped,
  displaySize,
  NO_USABILITY,
  type PictureSize,
  rateOf,
  readPixelShape,
  type Usability,
  type VideoFacts,
} from "./video_facts.ts";

/** Bytes of the header of a NAL unit, 7.3.1.2. */
const HEADER_BYTES = 2;
/** Ids of video and of sequence parameter sets, 7.4.3.1 and 7.4.3.2.1. */
const SPS_IDS = 16;
/** Ids of picture parameter sets, 7.4.3.3.1. */
const PPS_IDS = 64;
const MAX_SUB_LAYERS = 7;
/** num_short_term_ref_pic_sets, 7.4.3.2.1. */
const MAX_REFERENCE_SETS = 64;
/** Pictures in one of them: sps_max_dec_pic_buffering_minus1 is at most 15, A.4.2. */
const MAX_REFERENCES = 16;
/** num_long_term_ref_pics_sps, 7.4.3.2.1. */
const MAX_LONG_TERM = 32;
/** vps_num_layer_sets_minus1, 7.4.3.1. */
const MAX_LAYER_SETS = 1024;

/** A video parameter set, 7.3.2.1. */
export interface HevcVps {
  readonly id: number;
  /** Frames a second, `null` where it does not tell. */
  readonly frameRate: number | null;
  /** Whether pictures may be shown in another order than that of decoding. */
  readonly isReordered: boolean;
}

/** A sequence parameter set, 7.3.2.2. */
export interface HevcSps {
  readonly id: number;
  /** Id of its VPS. */
  readonly parent: number;
  readonly facts: VideoFacts;
}

/** A picture parameter set, 7.3.2.3. */
export interface HevcPps {
  readonly id: number;
  /** Id of its SPS. */
  readonly parent: number;
}

/**
 * Reads a video parameter set from a NAL unit without emulation prevention; `undefined` where not
 * even its id can be read.
 */
export function parseHevcVps(nal: Uint8Array): HevcVps | undefined {
  const reader = new BitReader(nal.subarray(HEADER_BYTES));
  const id = reader.read(4);
  reader.skip(8);
  const subLayers = reader.read(3) + 1;
  reader.skip(17);
  if (reader.isOverrun) return undefined;
  if (subLayers > MAX_SUB_LAYERS) return { id, frameRate: null, isReordered: false };
  passProfile(reader, subLayers);
  const isReordered = readsReordering(reader, subLayers);
  const layers = reader.read(6) + 1;
  const layerSets = reader.unsignedGolomb() + 1;
  if (layerSets > MAX_LAYER_SETS) return { id, frameRate: null, isReordered };
  reader.skip((layerSets - 1) * layers);
  const frameRate = reader.flag() ? parseTiming(reader) : null;
  return { id, frameRate, isReordered };
}

/**
 * Reads a sequence parameter set from a NAL unit without emulation prevention; `undefined` where
 * not even its id can be read. Any other field that is broken makes facts that are `null`.
 */
export function parseHevcSps(nal: Uint8Array): HevcSps | undefined {
  const reader = new BitReader(nal.subarray(HEADER_BYTES));
  const parent = reader.read(4);
  const subLayers = reader.read(3) + 1;
  reader.skip(1);
  const codec = codecOf(nal.subarray(HEADER_BYTES + 1));
  if (subLayers > MAX_SUB_LAYERS) return undefined;
  passProfile(reader, subLayers);
  const id = reader.unsignedGolomb();
  if (reader.isOverrun || id >= SPS_IDS) return undefined;
  const size = parseSize(reader);
  if (size === undefined) {
    return { id, parent, facts: { codec, width: null, height: null, frameRate: null } };
  }
  const { frameRate, shape } = parseShown(reader, subLayers);
  return { id, parent, facts: { codec, ...size, frameRate, ...displaySize(size, shape) } };
}

/** Reads a picture parameter set from a NAL unit without emulation prevention. */
export function parseHevcPps(nal: Uint8Array): HevcPps | undefined {
  const reader = new BitReader(nal.subarray(HEADER_BYTES));
  const id = reader.unsignedGolomb();
  const parent = reader.unsignedGolomb();
  if (reader.isOverrun || id >= PPS_IDS || parent >= SPS_IDS) return undefined;
  return { id, parent };
}

/**
 * The codec string of ISO/IEC 14496-15 annex E.3, from the general part of profile_tier_level
 * (7.3.3). It begins with `hev1`: parameter sets stand within the stream.
 */
function codecOf(profile: Uint8Array): string {
  const reader = new BitReader(profile);
  const space = ["", "A", "B", "C"][reader.read(2)]!;
  const tier = reader.flag() ? "H" : "L";
  const idc = reader.read(5);
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit++) if (reader.flag()) compatibility += 2 ** bit;
  const constraints = Array.from({ length: 6 }, () => reader.read(8));
  const level = reader.read(8);
  const last = constraints.findLastIndex((byte) => byte !== 0);
  return [
    "hev1",
    `${space}${idc}`,
    hexDigits(compatibility),
    `${tier}${level}`,
    ...constraints.slice(0, last + 1).map(hexDigits),
  ].join(".");
}

function hexDigits(value: number): string {
  return value.toString(16).toUpperCase();
}

/** profile_tier_level with its general part, 7.3.3. */
function passProfile(reader: BitReader, subLayers: number): void {
  reader.skip(96);
  if (subLayers === 1) return;
  let bits = 0;
  for (let layer = 0; layer < subLayers - 1; layer++) {
    bits += reader.flag() ? 88 : 0;
    bits += reader.flag() ? 8 : 0;
  }
  reader.skip(2 * (9 - subLayers) + bits);
}

/** Whether max_num_reorder_pics of a sub-layer is not 0, 7.4.3.1 and 7.4.3.2.1. */
function readsReordering(reader: BitReader, subLayers: number): boolean {
  let isReordered = false;
  for (let count = reader.flag() ? subLayers : 1; count > 0; count--) {
    passNumbers(reader, 1);
    if (reader.unsignedGolomb() > 0) isReordered = true;
    passNumbers(reader, 1);
  }
  return isReordered && !reader.isOverrun;
}

/** Size in pixels within the conformance window, 7.4.3.2.1; `undefined` where it is overrun. */
function parseSize(reader: BitReader): PictureSize | undefined {
  const chroma = reader.unsignedGolomb();
  const hasSeparatePlanes = chroma === 3 && reader.flag();
  const width = reader.unsignedGolomb();
  const height = reader.unsignedGolomb();
  const crop = reader.flag()
    ? Array.from({ length: 4 }, () => reader.unsignedGolomb())
    : [0, 0, 0, 0];
  if (reader.isOverrun || chroma > 3) return undefined;
  const isShared = !hasSeparatePlanes;
  return cropped({
    width,
    height,
    unitX: isShared && (chroma === 1 || chroma === 2) ? 2 : 1,
    unitY: isShared && chroma === 1 ? 2 : 1,
    crop,
  });
}

/** What vui_parameters (E.2.1) tell, behind all that stands between them and the size. */
function parseShown(reader: BitReader, subLayers: number): Usability {
  passNumbers(reader, 2);
  const orderBits = 4 + reader.unsignedGolomb();
  readsReordering(reader, subLayers);
  passNumbers(reader, 6);
  if (reader.flag() && reader.flag()) passScalingLists(reader);
  reader.skip(2);
  if (reader.flag()) {
    reader.skip(8);
    passNumbers(reader, 2);
    reader.skip(1);
  }
  if (!passReferenceSets(reader)) return NO_USABILITY;
  if (reader.flag()) {
    const count = reader.unsignedGolomb();
    if (count > MAX_LONG_TERM || orderBits > 16) return NO_USABILITY;
    reader.skip(count * (orderBits + 1));
  }
  reader.skip(2);
  return reader.flag() ? parseUsability(reader) : NO_USABILITY;
}

/** scaling_list_data, 7.3.4. */
function passScalingLists(reader: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    for (let matrix = 0; matrix < 6; matrix += sizeId === 3 ? 3 : 1) {
      if (!reader.flag()) {
        passNumbers(reader, 1);
        continue;
      }
      const coefficients = Math.min(64, 1 << (4 + 2 * sizeId));
      passNumbers(reader, coefficients + (sizeId > 1 ? 1 : 0));
    }
  }
}

/** All st_ref_pic_set (7.3.7) of an SPS; false where they are broken. */
function passReferenceSets(reader: BitReader): boolean {
  const sets = reader.unsignedGolomb();
  if (sets > MAX_REFERENCE_SETS) return false;
  /** NumDeltaPocs of the set before, equation 7-71. */
  let references = 0;
  for (let set = 0; set < sets; set++) {
    if (set > 0 && reader.flag()) {
      reader.skip(1);
      passNumbers(reader, 1);
      let used = 0;
      for (let index = 0; index <= references; index++) {
        // use_delta_flag stands only where used_by_curr_pic_flag is 0, and is 1 where it does not.
        if (reader.flag() || reader.flag()) used++;
      }
      references = used;
    } else {
      references = reader.unsignedGolomb() + reader.unsignedGolomb();
      if (references > MAX_REFERENCES) return false;
      for (let index = 0; index < references; index++) {
        passNumbers(reader, 1);
        reader.skip(1);
      }
    }
    if (references > MAX_REFERENCES || reader.isOverrun) return false;
  }
  return true;
}

/** vui_parameters up to the timing, E.2.1. */
function parseUsability(reader: BitReader): Usability {
  const shape = readPixelShape(reader);
  if (reader.flag()) reader.skip(1);
  if (reader.flag()) {
    reader.skip(4);
    if (reader.flag()) reader.skip(24);
  }
  if (reader.flag()) passNumbers(reader, 2);
  reader.skip(3);
  if (reader.flag()) passNumbers(reader, 4);
  return { frameRate: reader.flag() ? parseTiming(reader) : null, shape };
}

/** num_units_in_tick and time_scale, the same in a VPS and in an SPS. */
function parseTiming(reader: BitReader): number | null {
  const unitsInTick = reader.read(32);
  const timeScale = reader.read(32);
  return reader.isOverrun ? null : rateOf(timeScale, unitsInTick);
}

/** Passes Exp-Golomb numbers, signed or not. */
function passNumbers(reader: BitReader, count: number): void {
  for (let index = 0; index < count && !reader.isOverrun; index++) reader.unsignedGolomb();
}
