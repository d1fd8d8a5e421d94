/**
 * NAL units of H.264 and H.265, made by hand bit by bit. No decoder would find a picture in them.
 *
 * @module
 */
import { concat } from "./samples.ts";

/** Fields of a header, one behind another. */
export class BitWriter {
  #bits = "";

  /** `value` in `width` bits. */
  u(width: number, ...values: number[]): this {
    for (const value of values) this.#bits += value.toString(2).padStart(width, "0");
    return this;
  }

  /** Unsigned Exp-Golomb numbers. */
  ue(...values: number[]): this {
    for (const value of values) {
      const binary = (value + 1).toString(2);
      this.#bits += "0".repeat(binary.length - 1) + binary;
    }
    return this;
  }

  /** Signed Exp-Golomb numbers. */
  se(...values: number[]): this {
    return this.ue(...values.map((value) => value > 0 ? 2 * value - 1 : -2 * value));
  }

  /** The fields with a stop bit behind them. */
  bytes(): Uint8Array<ArrayBuffer> {
    const bits = `${this.#bits}1`;
    const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
    return Uint8Array.from(whole.match(/.{8}/g)!, (byte) => parseInt(byte, 2));
  }
}

/** Puts 03 behind two zeros in front of 00 to 03. */
export function escaped(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const byte of payload) {
    if (byte <= 3 && bytes.at(-1) === 0 && bytes.at(-2) === 0) bytes.push(3);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

export const CODE_3: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 0, 1);
export const CODE_4: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 0, 0, 1);

/** A NAL unit behind a start code. */
export function unit(
  header: readonly number[],
  payload: Uint8Array,
  code: Uint8Array = CODE_4,
): Uint8Array<ArrayBuffer> {
  return concat(code, Uint8Array.from(header), escaped(payload));
}

/** The same behind the short start code. */
export function short(withLongCode: Uint8Array): Uint8Array<ArrayBuffer> {
  return withLongCode.slice(1);
}

/** num_units_in_tick and time_scale. */
export type Timing = readonly [unitsInTick: number, timeScale: number];

export interface H264SpsOptions {
  readonly id?: number;
  /** profile_idc, constraint flags, level_idc. */
  readonly profile?: readonly [number, number, number];
  /** chroma_format_idc, in profiles that have it. */
  readonly chroma?: number;
  readonly hasSeparatePlanes?: boolean;
  /** Coefficient deltas of scaling lists, `undefined` for a list that is not there. */
  readonly scalingLists?: readonly (readonly number[] | undefined)[];
  readonly frameNumBits?: number;
  /** pic_order_cnt_type. */
  readonly orderType?: number;
  readonly orderBits?: number;
  /** Size in macroblocks and map units. */
  readonly blocks?: readonly [number, number];
  readonly isFramesOnly?: boolean;
  readonly crop?: readonly number[];
  readonly timing?: Timing;
  /** Bytes behind all else. */
  readonly filler?: number;
}

export const H264_FRAME_NUM_BITS = 5;
export const H264_ORDER_BITS = 6;

export function h264Sps(options: H264SpsOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 0, profile = [66, 0xc0, 30], isFramesOnly = true, orderType = 0 } = options;
  const { frameNumBits = H264_FRAME_NUM_BITS, orderBits = H264_ORDER_BITS } = options;
  const { blocks = [10, 8], crop, timing, chroma, scalingLists } = options;
  const bits = new BitWriter().u(8, ...profile).ue(id);
  if (chroma !== undefined) {
    bits.ue(chroma);
    if (chroma === 3) bits.u(1, options.hasSeparatePlanes === true ? 1 : 0);
    bits.ue(0, 0).u(1, 0, scalingLists === undefined ? 0 : 1);
    for (const list of scalingLists ?? []) bits.u(1, list === undefined ? 0 : 1).se(...list ?? []);
  }
  bits.ue(frameNumBits - 4, orderType);
  if (orderType === 0) bits.ue(orderBits - 4);
  if (orderType === 1) bits.u(1, 0).se(-3, 4).ue(2).se(5, -6);
  bits.ue(1).u(1, 0).ue(blocks[0] - 1, blocks[1] - 1).u(1, isFramesOnly ? 1 : 0);
  if (!isFramesOnly) bits.u(1, 0);
  bits.u(1, 1, crop === undefined ? 0 : 1).ue(...crop ?? []);
  bits.u(1, timing === undefined ? 0 : 1);
  // An aspect ratio, a video signal type and a chroma location stand in front of the timing.
  if (timing !== undefined) {
    bits.u(1, 1).u(8, 255).u(16, 4, 3).u(1, 0).u(1, 1).u(3, 5).u(1, 0, 1).u(8, 1, 1, 1);
    bits.u(1, 1).ue(0, 0).u(1, 1).u(32, ...timing).u(1, 1, 0, 0, 0, 0);
  }
  return unit([0x67], concat(bits.bytes(), new Uint8Array(options.filler ?? 0).fill(0x80)));
}

export interface PpsOptions {
  readonly id?: number;
  /** Id of the SPS. */
  readonly sps?: number;
  readonly hasBottomOrder?: boolean;
  /** Something else within it. */
  readonly filler?: number;
}

export function h264Pps(options: PpsOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 0, sps = 0, hasBottomOrder = false, filler = 0 } = options;
  return unit(
    [0x68],
    new BitWriter().ue(id, sps).u(1, 0, hasBottomOrder ? 1 : 0).ue(filler).bytes(),
  );
}

export interface H264SliceOptions {
  /** nal_unit_type. @default {1} */
  readonly type?: number;
  /** nal_ref_idc. @default {2} */
  readonly reference?: number;
  /** first_mb_in_slice. */
  readonly first?: number;
  /** slice_type: 0 P, 1 B, 2 I. @default I in an IDR picture, else P */
  readonly sliceType?: number;
  readonly pps?: number;
  readonly frameNum?: number;
  readonly frameNumBits?: number;
  readonly field?: "top" | "bottom" | "none";
  readonly hasSeparatePlanes?: boolean;
  /** pic_order_cnt_lsb. */
  readonly order?: number;
  readonly orderBits?: number;
  readonly bottomDelta?: number;
  readonly payload?: Uint8Array;
}

/** A slice; of a stream that has fields where `field` is given. */
export function h264Slice(options: H264SliceOptions = {}): Uint8Array<ArrayBuffer> {
  const { type = 1, reference = 2, first = 0, pps = 0, frameNum = 0, order = 0 } = options;
  const { frameNumBits = H264_FRAME_NUM_BITS, orderBits = H264_ORDER_BITS, field } = options;
  const { sliceType = type === 5 ? 7 : 0, bottomDelta } = options;
  const bits = new BitWriter().ue(first, sliceType, pps);
  if (options.hasSeparatePlanes === true) bits.u(2, 0);
  bits.u(frameNumBits, frameNum);
  if (field !== undefined) bits.u(1, field === "none" ? 0 : 1);
  if (field === "top" || field === "bottom") bits.u(1, field === "bottom" ? 1 : 0);
  if (type === 5) bits.ue(0);
  bits.u(orderBits, order);
  if (bottomDelta !== undefined) bits.se(bottomDelta);
  const payload = options.payload ?? Uint8Array.of(0xa1, 0, 0, 1, 0, 0, 0, 7);
  return unit([(reference << 5) | type], concat(bits.bytes(), payload));
}

export function idr(options: H264SliceOptions = {}): Uint8Array<ArrayBuffer> {
  return h264Slice({ type: 5, reference: 3, ...options });
}

export function h264Sei(
  ...messages: readonly (readonly [number, Uint8Array])[]
): Uint8Array<ArrayBuffer> {
  const bodies = messages.map(([type, payload]) => {
    const number = (value: number) => [...Array(Math.floor(value / 255)).fill(255), value % 255];
    return concat(Uint8Array.from([...number(type), ...number(payload.length)]), payload);
  });
  return unit([0x06], concat(...bodies, Uint8Array.of(0x80)));
}

/** An SEI message with recovery_frame_cnt. */
export function recoveryPoint(frames = 0): Uint8Array<ArrayBuffer> {
  return h264Sei([6, new BitWriter().ue(frames).u(1, 1, 0).u(2, 0).bytes()]);
}

export const H264_DELIMITER: Uint8Array<ArrayBuffer> = unit([0x09], Uint8Array.of(0xf0));
export const H264_FILLER: Uint8Array<ArrayBuffer> = unit([0x0c], Uint8Array.of(0xff, 0xff, 0x80));

/** The two bytes of a header. */
export function hevcHeader(type: number, { layer = 0, temporal = 0 } = {}): number[] {
  return [(type << 1) | (layer >> 5), ((layer & 31) << 3) | (temporal + 1)];
}

/** profile_tier_level: Main, all compatibility flags but two clear, progressive frames only. */
function profileTierLevel(bits: BitWriter, profile: HevcProfile, subLayers: number): void {
  const { space = 0, isHighTier = false, idc = 1, level = 93 } = profile;
  const { compatibility = 0x60000000, constraints = [0xb0, 0, 0, 0, 0, 0] } = profile;
  bits.u(2, space).u(1, isHighTier ? 1 : 0).u(5, idc).u(32, compatibility);
  bits.u(8, ...constraints).u(8, level);
  for (let layer = 1; layer < subLayers; layer++) bits.u(1, 1, 1);
  if (subLayers > 1) { for (let layer = subLayers; layer <= 8; layer++) bits.u(2, 0); }
  for (let layer = 1; layer < subLayers; layer++) bits.u(32, 1, 2, 3);
}

export interface HevcProfile {
  readonly space?: number;
  readonly isHighTier?: boolean;
  readonly idc?: number;
  readonly compatibility?: number;
  readonly constraints?: readonly number[];
  readonly level?: number;
}

export interface HevcVpsOptions {
  readonly id?: number;
  readonly subLayers?: number;
  readonly layerSets?: number;
  /** Layers that a set tells of, one bit each. */
  readonly layers?: number;
  readonly timing?: Timing;
}

export function hevcVps(options: HevcVpsOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 0, subLayers = 1, layerSets = 1, layers = 1, timing } = options;
  const bits = new BitWriter().u(4, id).u(2, 3).u(6, 0).u(3, subLayers - 1).u(1, 1).u(16, 0xffff);
  profileTierLevel(bits, {}, subLayers);
  bits.u(1, 1);
  for (let layer = 0; layer < subLayers; layer++) bits.ue(4, 2, 5);
  bits.u(6, layers - 1).ue(layerSets - 1);
  for (let set = 1; set < layerSets; set++) bits.u(layers, 1);
  bits.u(1, timing === undefined ? 0 : 1).u(32, ...timing ?? []);
  return unit(hevcHeader(32), bits.u(2, 0).bytes());
}

export interface HevcSpsOptions {
  readonly id?: number;
  readonly vps?: number;
  readonly profile?: HevcProfile;
  readonly subLayers?: number;
  readonly chroma?: number;
  readonly hasSeparatePlanes?: boolean;
  readonly size?: readonly [number, number];
  readonly crop?: readonly number[];
  /** Whether scaling lists, PCM, reference sets and long-term pictures stand before the VUI. */
  readonly isElaborate?: boolean;
  readonly referenceSets?: number;
  readonly timing?: Timing;
  readonly filler?: number;
}

export function hevcSps(options: HevcSpsOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 0, vps = 0, subLayers = 1, chroma = 1, size = [160, 128], crop, timing } = options;
  const { profile = {}, isElaborate = false } = options;
  const bits = new BitWriter().u(4, vps).u(3, subLayers - 1).u(1, 1);
  profileTierLevel(bits, profile, subLayers);
  bits.ue(id, chroma);
  if (chroma === 3) bits.u(1, options.hasSeparatePlanes === true ? 1 : 0);
  bits.ue(...size).u(1, crop === undefined ? 0 : 1).ue(...crop ?? []);
  bits.ue(0, 0, 4).u(1, 1);
  for (let layer = 0; layer < subLayers; layer++) bits.ue(4, 2, 5);
  bits.ue(0, 3, 0, 3, 0, 0).u(1, isElaborate ? 1 : 0);
  if (isElaborate) scalingLists(bits);
  bits.u(2, 3).u(1, isElaborate ? 1 : 0);
  if (isElaborate) bits.u(4, 7, 7).ue(0, 2).u(1, 1);
  if (isElaborate) {
    // The second set is told by the first: three of its four pictures and one more are in it.
    bits.ue(3).ue(2, 1).ue(0).u(1, 1).ue(1).u(1, 1).ue(0).u(1, 0);
    bits.u(1, 1, 0).ue(0).u(1, 1, 0, 0, 0, 1, 1);
    bits.u(1, 0).ue(1, 0).ue(3).u(1, 1);
    bits.u(1, 1).ue(2).u(8, 77).u(1, 1).u(8, 9).u(1, 0);
  } else {
    bits.ue(options.referenceSets ?? 0).u(1, 0);
  }
  bits.u(2, 1).u(1, timing === undefined ? 0 : 1);
  if (timing !== undefined) {
    bits.u(1, 1).u(8, 255).u(16, 4, 3).u(1, 0).u(1, 1).u(3, 5).u(1, 0, 1).u(8, 1, 1, 1);
    bits.u(1, 1).ue(0, 0).u(3, 0).u(1, 1).ue(0, 0, 0, 0).u(1, 1).u(32, ...timing).u(2, 0);
  }
  return unit(
    hevcHeader(33),
    concat(bits.u(1, 0).bytes(), new Uint8Array(options.filler ?? 0).fill(0x80)),
  );
}

/** scaling_list_data where every other list is told, the rest taken from others. */
function scalingLists(bits: BitWriter): void {
  bits.u(1, 1);
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    for (let matrix = 0; matrix < 6; matrix += sizeId === 3 ? 3 : 1) {
      if (matrix % 2 === 0) bits.u(1, 0).ue(0);
      else {bits.u(1, 1).se(
          ...Array(Math.min(64, 16 << (2 * sizeId)) + (sizeId > 1 ? 1 : 0)).fill(-2),
        );}
    }
  }
}

export function hevcPps({ id = 0, sps = 0, filler = 0 }: PpsOptions = {}): Uint8Array<ArrayBuffer> {
  return unit(hevcHeader(34), new BitWriter().ue(id, sps).u(7, 0).ue(filler).bytes());
}

export interface HevcSliceOptions {
  /** nal_unit_type. @default {1} */
  readonly type?: number;
  /** first_slice_segment_in_pic_flag. */
  readonly isFirst?: boolean;
  readonly pps?: number;
  readonly layer?: number;
  readonly payload?: Uint8Array;
}

export function hevcSlice(options: HevcSliceOptions = {}): Uint8Array<ArrayBuffer> {
  const { type = 1, isFirst = true, pps = 0, layer = 0 } = options;
  const bits = new BitWriter().u(1, isFirst ? 1 : 0);
  if (type >= 16 && type <= 23) bits.u(1, 0);
  const payload = options.payload ?? Uint8Array.of(0xa1, 0, 0, 1, 0, 0, 0, 7);
  return unit(hevcHeader(type, { layer }), concat(bits.ue(pps).u(3, 5).bytes(), payload));
}

export const HEVC_DELIMITER: Uint8Array<ArrayBuffer> = unit(hevcHeader(35), Uint8Array.of(0x50));
export const HEVC_PREFIX_SEI: Uint8Array<ArrayBuffer> = unit(
  hevcHeader(39),
  Uint8Array.of(137, 1, 3, 0x80),
);
export const HEVC_SUFFIX_SEI: Uint8Array<ArrayBuffer> = unit(
  hevcHeader(40),
  Uint8Array.of(132, 1, 3, 0x80),
);
