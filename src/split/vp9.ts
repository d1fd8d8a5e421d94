/**
 * Headers of VP9 frames: "VP9 Bitstream & Decoding Process Specification", version 0.6.
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import type { KeyFrame } from "./key_frame.ts";

const FRAME_MARKER = 2;
const SYNC_CODE = 0x498342;
const CS_RGB = 7;

/** Frames a second that a level is chosen for where the input does not tell them. */
const ASSUMED_FRAME_RATE = 60;

/** What a level of Annex A allows, in the order of its columns there. */
interface Level {
  /** Ten times the level, as codec strings have it. */
  readonly name: string;
  readonly maxSamplesPerSecond: number;
  readonly maxPictureSamples: number;
  readonly maxSidePixels: number;
}

function level(name: string, ...limits: [number, number, number]): Level {
  const [maxSamplesPerSecond, maxPictureSamples, maxSidePixels] = limits;
  return { name, maxSamplesPerSecond, maxPictureSamples, maxSidePixels };
}

const LEVELS: readonly Level[] = [
  level("10", 829_440, 36_864, 512),
  level("11", 2_764_800, 73_728, 768),
  level("20", 4_608_000, 122_880, 960),
  level("21", 9_216_000, 245_760, 1344),
  level("30", 20_736_000, 552_960, 2048),
  level("31", 36_864_000, 983_040, 2752),
  level("40", 83_558_400, 2_228_224, 4160),
  level("41", 160_432_128, 2_228_224, 4160),
  level("50", 311_951_360, 8_912_896, 8384),
  level("51", 588_251_136, 8_912_896, 8384),
  level("52", 1_176_502_272, 8_912_896, 8384),
  level("60", 1_176_502_272, 35_651_584, 16_832),
  level("61", 2_353_004_544, 35_651_584, 16_832),
];
const HIGHEST_LEVEL = "62";

/**
 * What the uncompressed header of a key frame tells, 6.2; `undefined` for any other frame, and for
 * one whose header no decoder takes.
 *
 * Of a superframe (Annex B) the first frame decides, hidden or not: its index stands at the end, so
 * that the first frame's header begins it.
 *
 * @param frameRate frames a second, `null` where they are not known.
 */
export function readVp9KeyFrame(frame: Uint8Array, frameRate: number | null): KeyFrame | undefined {
  const bits = new BitReader(frame);
  if (bits.read(2) !== FRAME_MARKER) return undefined;
  const profile = bits.read(1) + 2 * bits.read(1);
  if (profile === 3 && bits.flag()) return undefined;
  const showsExistingFrame = bits.flag();
  if (showsExistingFrame) return undefined;
  const isInterFrame = bits.flag();
  if (isInterFrame) return undefined;
  bits.skip(2); // show_frame, error_resilient_mode
  if (bits.read(24) !== SYNC_CODE) return undefined;
  const bitDepth = readColorConfig(bits, profile);
  const width = bits.read(16) + 1;
  const height = bits.read(16) + 1;
  if (bitDepth === undefined || bits.isOverrun) return undefined;
  const numbers = [profile, levelOf({ width, height, frameRate }), bitDepth];
  const fields = numbers.map((number) => String(number).padStart(2, "0"));
  return { codec: ["vp09", ...fields].join("."), width, height };
}

/** Reads color_config, 6.2.2, and returns the bits of a sample; `undefined` where it cannot be. */
function readColorConfig(bits: BitReader, profile: number): number | undefined {
  const bitDepth = profile < 2 ? 8 : bits.flag() ? 12 : 10;
  const hasSubsampling = profile % 2 === 1;
  const colorSpace = bits.read(3);
  if (colorSpace !== CS_RGB) {
    bits.skip(1); // color_range
    if (!hasSubsampling) return bitDepth;
    // What the even profiles are for is none of the odd ones': 7.2.2.
    if (bits.read(2) === 0b11) return undefined;
  } else if (!hasSubsampling) {
    return undefined;
  }
  const isReservedBitSet = bits.flag();
  return isReservedBitSet ? undefined : bitDepth;
}

/** What {@linkcode levelOf} goes by. */
interface LevelDemand extends Pick<KeyFrame, "width" | "height"> {
  readonly frameRate: number | null;
}

/** The lowest level that allows pictures of that size and rate: Annex A. */
function levelOf({ width, height, frameRate }: LevelDemand): string {
  const samples = width * height;
  const samplesPerSecond = samples * (frameRate ?? ASSUMED_FRAME_RATE);
  const side = Math.max(width, height);
  const lowest = LEVELS.find((level) =>
    samplesPerSecond <= level.maxSamplesPerSecond && samples <= level.maxPictureSamples &&
    side <= level.maxSidePixels
  );
  return lowest?.name ?? HIGHEST_LEVEL;
}
