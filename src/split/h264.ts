/**
 * H.264 byte streams, as `ffmpeg -f h264` writes them.
 *
 * Clause numbers are those of ITU-T H.264 (08/2021).
 *
 * @module
 */
import { type AccessUnit, type AccessUnitSyntax, AnnexBSplitter, type NalRole } from "./annex_b.ts";
import { H264LeadingPictures } from "./h264_leading.ts";
import { H264OutputOrder } from "./h264_output_order.ts";
import { MAX_SEI_BYTES, recoveryFrames } from "./h264_sei.ts";
import {
  type H264SliceStart,
  MAX_SLICE_HEADER_BYTES,
  parseH264Position,
  parseH264SliceStart,
} from "./h264_slice.ts";
import { type H264Pps, type H264Sps, parseH264Pps, parseH264Sps } from "./h264_sps.ts";
import { H264_NAL, h264NalType, type NalUnit, unescapedNal } from "./nal.ts";
import {
  lackingSets,
  MAX_PARAMETER_SET_BYTES,
  type ParameterSet,
  ParameterSetTable,
} from "./parameter_sets.ts";
import type { SplitterOptions } from "./splitter.ts";

/** slice_type modulo 5 of slices that refer to no other picture: I and SI, Table 7-6. */
const INTRA_TYPES = [2, 4];

/**
 * Splits an H.264 byte stream into access units (7.4.1.2.3). A field is an access unit, so the
 * second field of a frame is a frame of its own.
 */
export class H264Splitter extends AnnexBSplitter {
  constructor(options: SplitterOptions) {
    super(options, new H264Syntax());
  }
}

/** A slice of an access unit. */
interface Slice extends H264SliceStart {
  readonly unit: NalUnit;
  readonly isIdr: boolean;
}

/**
 * The syntax of H.264.
 *
 * A picture begins with the slice that holds its first macroblock; arbitrary slice order and
 * redundant pictures, which only the Baseline and Extended profiles have, are not told apart from
 * new pictures.
 */
export class H264Syntax implements AccessUnitSyntax {
  readonly format = "h264";
  readonly #pps = new ParameterSetTable<H264Pps>();
  readonly #sps = new ParameterSetTable<H264Sps>({ dependents: this.#pps });
  readonly #leading = new H264LeadingPictures();
  readonly #order = new H264OutputOrder();

  roleOf(bytes: Uint8Array, start: number, sliceBefore?: number): NalRole | undefined {
    const header = bytes[start];
    if (header === undefined) return undefined;
    const type = h264NalType(header);
    if (isForbidden(header)) return "inside";
    switch (type) {
      case H264_NAL.accessUnitDelimiter:
        return "delimiter";
      case H264_NAL.sei:
      case H264_NAL.sps:
      case H264_NAL.pps:
        return "opens";
      case H264_NAL.slice:
      case H264_NAL.partitionA:
      case H264_NAL.idrSlice: {
        const first = bytes[start + 1];
        if (first === undefined) return undefined;
        // first_mb_in_slice is 0 where its Exp-Golomb code begins with a one.
        const isNext = (first & 0x80) !== 0 ||
          (sliceBefore !== undefined && isOtherPicture(sliceBefore, header));
        return isNext ? "picture" : "slice";
      }
      default:
        return type >= H264_NAL.prefix && type <= H264_NAL.reservedLast ? "may-open" : "inside";
    }
  }

  read(bytes: Uint8Array, units: readonly NalUnit[]): AccessUnit {
    const present = new Set<ParameterSet>();
    const slices: Slice[] = [];
    let isRecoveryPoint = false;
    for (const unit of units) {
      const header = bytes[unit.start]!;
      const type = h264NalType(header);
      if (isForbidden(header)) continue;
      if (type === H264_NAL.sps || type === H264_NAL.pps) {
        const kept = this.#keep(bytes, unit, type);
        if (kept !== undefined) present.add(kept);
      } else if (type === H264_NAL.sei) {
        isRecoveryPoint ||= recoveryFrames(unescapedNal(bytes, unit, MAX_SEI_BYTES)) === 0;
      } else if (isSlice(type)) {
        const start = parseH264SliceStart(unescapedNal(bytes, unit, MAX_SLICE_HEADER_BYTES));
        if (start !== undefined) slices.push({ ...start, unit, isIdr: type === H264_NAL.idrSlice });
      }
    }
    return this.#describe(bytes, slices, { isRecoveryPoint, present });
  }

  #describe(
    bytes: Uint8Array,
    slices: readonly Slice[],
    { isRecoveryPoint, present }: {
      readonly isRecoveryPoint: boolean;
      readonly present: ReadonlySet<ParameterSet>;
    },
  ): AccessUnit {
    const chains = this.#chainsOf(slices);
    const first = slices[0];
    const facts = chains?.[0]?.[0].content.facts;
    const isIdr = first?.isIdr === true;
    const isRandomAccess = isIdr ||
      (isRecoveryPoint && slices.every(({ type }) => INTRA_TYPES.includes(type)));
    const position = first === undefined || isIdr ? undefined : this.#positionOf(bytes, first);
    if (isIdr) this.#leading.close();
    this.#order.next(position);
    const { isReordered } = this.#order;
    if (chains === undefined || first?.firstBlock !== 0 || !isRandomAccess) {
      const leading = position !== undefined && this.#leading.isLeading(position);
      return { kind: "delta", leading, isReordered, facts, lacks: [] };
    }
    if (!isIdr) this.#leading.open(position);
    const lacks = lackingSets(chains, present);
    return { kind: "key", leading: false, isReordered, facts, lacks };
  }

  #keep(bytes: Uint8Array, unit: NalUnit, type: number): ParameterSet | undefined {
    const nal = unescapedNal(bytes, unit, MAX_PARAMETER_SET_BYTES);
    const whole = bytes.subarray(unit.start, unit.end);
    if (type === H264_NAL.sps) {
      const sps = parseH264Sps(nal);
      return sps && this.#sps.keep(whole, sps);
    }
    const pps = parseH264Pps(nal);
    return pps && this.#pps.keep(whole, pps);
  }

  /** The parameter sets of each slice, `undefined` where one has not been seen. */
  #chainsOf(
    slices: readonly Slice[],
  ): [ParameterSet<H264Sps>, ParameterSet<H264Pps>][] | undefined {
    const chains: [ParameterSet<H264Sps>, ParameterSet<H264Pps>][] = [];
    for (const ppsId of new Set(slices.map(({ ppsId }) => ppsId))) {
      const pps = this.#pps.get(ppsId);
      const sps = pps && this.#sps.get(pps.content.parent);
      if (sps === undefined) return undefined;
      chains.push([sps, pps!]);
    }
    return chains;
  }

  #positionOf(bytes: Uint8Array, { unit, ppsId }: Slice) {
    const pps = this.#pps.get(ppsId)?.content;
    const syntax = pps && this.#sps.get(pps.parent)?.content.slices;
    if (syntax === undefined) return undefined;
    return parseH264Position(unescapedNal(bytes, unit, MAX_SLICE_HEADER_BYTES), syntax, pps!);
  }
}

/** forbidden_zero_bit, 7.4.1: decoders pass over a NAL unit that has it. */
function isForbidden(header: number): boolean {
  return (header & 0x80) !== 0;
}

function isSlice(type: number): boolean {
  return type === H264_NAL.slice || type === H264_NAL.partitionA || type === H264_NAL.idrSlice;
}

/** Whether two slices are of different pictures by the first byte of their headers: 7.4.1.2.4. */
function isOtherPicture(one: number, other: number): boolean {
  const isIdr = (header: number) => h264NalType(header) === H264_NAL.idrSlice;
  const isReference = (header: number) => (header & 0x60) !== 0;
  return isIdr(one) !== isIdr(other) || isReference(one) !== isReference(other);
}
