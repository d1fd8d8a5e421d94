/**
 * The beginning of H.264 slice headers, 7.3.3 of ITU-T H.264 (08/2021).
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import type { H264Pps, H264SliceSyntax } from "./h264_sps.ts";

/** Bytes of a NAL unit within which all fields that are read here lie. */
export const MAX_SLICE_HEADER_BYTES = 48;

/** What a slice header says before a parameter set is needed to read on. */
export interface H264SliceStart {
  /** first_mb_in_slice. */
  readonly firstBlock: number;
  /** slice_type without its multiple of five: 0 P, 1 B, 2 I, 3 SP, 4 SI. */
  readonly type: number;
  /** Id of its picture parameter set. */
  readonly ppsId: number;
}

/** Where a picture stands in the order of decoding and of output. */
export interface H264Position {
  /** Whether other pictures refer to it: nal_ref_idc is not 0. */
  readonly isReference: boolean;
  /** frame_num. */
  readonly frameNum: number;
  readonly structure: "frame" | "top field" | "bottom field";
  /** pic_order_cnt_lsb. */
  readonly order: number;
  /** delta_pic_order_cnt_bottom. */
  readonly bottomDelta: number;
  /** MaxPicOrderCntLsb, at which `order` wraps. */
  readonly orderRange: number;
}

/** What the slice in `nal` (without emulation prevention) begins with. */
export function parseH264SliceStart(nal: Uint8Array): H264SliceStart | undefined {
  const reader = new BitReader(nal);
  const start = readStart(reader);
  return reader.isOverrun ? undefined : start;
}

/**
 * The position of the picture of the slice in `nal`, which is no IDR picture; `undefined` where the
 * stream does not tell.
 */
export function parseH264Position(
  nal: Uint8Array,
  slices: H264SliceSyntax,
  pps: H264Pps,
): H264Position | undefined {
  if (slices.orderBits === undefined) return undefined;
  const reader = new BitReader(nal);
  readStart(reader);
  if (slices.hasSeparatePlanes) reader.skip(2);
  const frameNum = reader.read(slices.frameNumBits);
  const isField = !slices.isFramesOnly && reader.flag();
  const isBottom = isField && reader.flag();
  const order = reader.read(slices.orderBits);
  const bottomDelta = pps.hasBottomOrder && !isField ? reader.signedGolomb() : 0;
  if (reader.isOverrun) return undefined;
  return {
    isReference: ((nal[0] ?? 0) & 0x60) !== 0,
    frameNum,
    structure: isField ? (isBottom ? "bottom field" : "top field") : "frame",
    order,
    bottomDelta,
    orderRange: 2 ** slices.orderBits,
  };
}

function readStart(reader: BitReader): H264SliceStart {
  reader.skip(8);
  return {
    firstBlock: reader.unsignedGolomb(),
    type: reader.unsignedGolomb() % 5,
    ppsId: reader.unsignedGolomb(),
  };
}
