/**
 * Parameter sets of H.264: what they tell of the pictures and of the slice headers.
 *
 * Clause numbers are those of ITU-T H.264 (08/2021).
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

/** Ids of sequence parameter sets, 7.4.2.1.1. */
const SPS_IDS = 32;
/** Ids of picture parameter sets, 7.4.2.2. */
const PPS_IDS = 256;

/** Profiles whose SPS tells the chroma format, 7.3.2.1.1; all others have 4:2:0 in 8 bits. */
const PROFILES_WITH_CHROMA = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/** A sequence parameter set, 7.3.2.1.1. */
export interface H264Sps {
  readonly id: number;
  readonly facts: VideoFacts;
  /** What the headers of slices depend on; `undefined` where the set is broken. */
  readonly slices: H264SliceSyntax | undefined;
}

/** Fields of an SPS that say how a slice header is to be read. */
export interface H264SliceSyntax {
  /** separate_colour_plane_flag. */
  readonly hasSeparatePlanes: boolean;
  /** Bits of frame_num. */
  readonly frameNumBits: number;
  /** frame_mbs_only_flag: no picture is a field. */
  readonly isFramesOnly: boolean;
  /** Bits of pic_order_cnt_lsb, `undefined` where the order of output is told in another way. */
  readonly orderBits: number | undefined;
}

/** A picture parameter set, as far as a slice header needs it: 7.3.2.2. */
export interface H264Pps {
  readonly id: number;
  /** Id of its SPS. */
  readonly parent: number;
  /** bottom_field_pic_order_in_frame_present_flag. */
  readonly hasBottomOrder: boolean;
}

/**
 * Reads a sequence parameter set from a NAL unit without emulation prevention; `undefined` where
 * not even its id can be read. Any other field that is broken makes facts that are `null`.
 */
export function parseH264Sps(nal: Uint8Array): H264Sps | undefined {
  const reader = new BitReader(nal);
  reader.skip(8);
  const profile = reader.read(8);
  const codec = codecOf(profile, reader.read(8), reader.read(8));
  const id = reader.unsignedGolomb();
  if (reader.isOverrun || id >= SPS_IDS) return undefined;
  const chroma = parseChroma(reader, profile);
  const frameNumBits = 4 + reader.unsignedGolomb();
  const orderBits = parseOrder(reader);
  reader.unsignedGolomb();
  reader.skip(1);
  const size = parseSize(reader, chroma);
  const isBroken = reader.isOverrun || chroma.format > 3 || frameNumBits > 16 ||
    (orderBits ?? 0) > 16;
  if (isBroken) {
    const facts = { codec, width: null, height: null, frameRate: null };
    return { id, facts, slices: undefined };
  }
  const { isFramesOnly, ...sides } = size;
  const { frameRate, shape } = reader.flag() ? parseUsability(reader) : NO_USABILITY;
  const hasSeparatePlanes = chroma.hasSeparatePlanes;
  return {
    id,
    facts: { codec, ...sides, frameRate, ...displaySize(sides, shape) },
    slices: { hasSeparatePlanes, frameNumBits, isFramesOnly, orderBits },
  };
}

/** Reads a picture parameter set from a NAL unit without emulation prevention. */
export function parseH264Pps(nal: Uint8Array): H264Pps | undefined {
  const reader = new BitReader(nal);
  reader.skip(8);
  const id = reader.unsignedGolomb();
  const parent = reader.unsignedGolomb();
  reader.skip(1);
  const hasBottomOrder = reader.flag();
  if (reader.isOverrun || id >= PPS_IDS || parent >= SPS_IDS) return undefined;
  return { id, parent, hasBottomOrder };
}

/**
 * The codec string of RFC 6381 section 3.3: profile_idc, the constraint flags and level_idc. It
 * begins with `avc1`, although parameter sets stand within the stream: the registration of AVC in
 * WebCodecs has `avc1` for a byte stream too, and not every browser takes `avc3`.
 */
function codecOf(...bytes: readonly number[]): string {
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `avc1.${digits.toUpperCase()}`;
}

interface Chroma {
  /** chroma_format_idc. */
  readonly format: number;
  readonly hasSeparatePlanes: boolean;
}

function parseChroma(reader: BitReader, profile: number): Chroma {
  if (!PROFILES_WITH_CHROMA.includes(profile)) return { format: 1, hasSeparatePlanes: false };
  const format = reader.unsignedGolomb();
  const hasSeparatePlanes = format === 3 && reader.flag();
  reader.unsignedGolomb();
  reader.unsignedGolomb();
  reader.skip(1);
  if (reader.flag()) passScalingLists(reader, format === 3 ? 12 : 8);
  return { format, hasSeparatePlanes };
}

/** scaling_list, 7.3.2.1.1.1. */
function passScalingLists(reader: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!reader.flag()) continue;
    const size = list < 6 ? 16 : 64;
    for (let index = 0, scale = 8; index < size && scale !== 0 && !reader.isOverrun; index++) {
      scale = (scale + reader.signedGolomb() + 256) % 256;
    }
  }
}

/** Passes the fields of the picture order count; returns the bits of its lower part in type 0. */
function parseOrder(reader: BitReader): number | undefined {
  const type = reader.unsignedGolomb();
  if (type === 0) return 4 + reader.unsignedGolomb();
  if (type !== 1) return undefined;
  reader.skip(1);
  reader.signedGolomb();
  reader.signedGolomb();
  const count = reader.unsignedGolomb();
  for (let index = 0; index < count && !reader.isOverrun; index++) reader.signedGolomb();
  return undefined;
}

function parseSize(
  reader: BitReader,
  { format, hasSeparatePlanes }: Chroma,
): PictureSize & { readonly isFramesOnly: boolean } {
  const widthInBlocks = reader.unsignedGolomb() + 1;
  const heightInUnits = reader.unsignedGolomb() + 1;
  const isFramesOnly = reader.flag();
  if (!isFramesOnly) reader.skip(1);
  reader.skip(1);
  const crop = reader.flag()
    ? Array.from({ length: 4 }, () => reader.unsignedGolomb())
    : [0, 0, 0, 0];
  const fields = isFramesOnly ? 1 : 2;
  const isShared = !hasSeparatePlanes;
  // Units of the cropping rectangle: equations 7-19 to 7-22.
  const size = cropped({
    width: widthInBlocks * 16,
    height: heightInUnits * 16 * fields,
    unitX: isShared && (format === 1 || format === 2) ? 2 : 1,
    unitY: (isShared && format === 1 ? 2 : 1) * fields,
    crop,
  });
  return { ...size, isFramesOnly };
}

/** vui_parameters up to the timing, E.1.1; a tick is that of a field (E.2.1). */
function parseUsability(reader: BitReader): Usability {
  const shape = readPixelShape(reader);
  if (reader.flag()) reader.skip(1);
  if (reader.flag()) {
    reader.skip(4);
    if (reader.flag()) reader.skip(24);
  }
  if (reader.flag()) {
    reader.unsignedGolomb();
    reader.unsignedGolomb();
  }
  if (!reader.flag()) return { frameRate: null, shape };
  const unitsInTick = reader.read(32);
  const timeScale = reader.read(32);
  return { frameRate: reader.isOverrun ? null : rateOf(timeScale, 2 * unitsInTick), shape };
}
