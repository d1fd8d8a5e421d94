/**
 * H.265 byte streams, as `ffmpeg -f hevc` writes them.
 *
 * Clause numbers are those of ITU-T H.265 (08/2021).
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";
import { type AccessUnit, type AccessUnitSyntax, AnnexBSplitter, type NalRole } from "./annex_b.ts";
import {
  type HevcPps,
  type HevcSps,
  type HevcVps,
  parseHevcPps,
  parseHevcSps,
  parseHevcVps,
} from "./hevc_sps.ts";
import { HEVC_NAL, hevcNalType, isHevcParameterSet, type NalUnit, unescapedNal } from "./nal.ts";
import {
  lackingSets,
  MAX_PARAMETER_SET_BYTES,
  type ParameterSet,
  ParameterSetTable,
} from "./parameter_sets.ts";
import type { SplitterOptions } from "./splitter.ts";
import type { VideoFacts } from "./video_facts.ts";

/** Bytes of a slice segment within which its slice_pic_parameter_set_id lies. */
const SLICE_START_BYTES = 16;

/** Splits an H.265 byte stream into access units (7.4.2.4.4). */
export class HevcSplitter extends AnnexBSplitter {
  constructor(options: SplitterOptions) {
    super(options, new HevcSyntax());
  }
}

/** A slice segment of an access unit. */
interface Slice {
  readonly type: number;
  /** first_slice_segment_in_pic_flag. */
  readonly isFirst: boolean;
  /** Id of its picture parameter set. */
  readonly ppsId: number;
}

/** The parameter sets of a slice, from the top down. */
type Chain = readonly [ParameterSet<HevcVps>, ParameterSet<HevcSps>, ParameterSet<HevcPps>];

/** The syntax of H.265. All but the base layer (nuh_layer_id 0) is passed over, as its decoders do. */
export class HevcSyntax implements AccessUnitSyntax {
  readonly format = "hevc";
  readonly #pps = new ParameterSetTable<HevcPps>();
  readonly #sps = new ParameterSetTable<HevcSps>({ dependents: this.#pps });
  readonly #vps = new ParameterSetTable<HevcVps>({ dependents: this.#sps });

  roleOf(bytes: Uint8Array, start: number, sliceBefore?: number): NalRole | undefined {
    const header = bytes[start];
    if (header === undefined || bytes[start + 1] === undefined) return undefined;
    if (!isBaseLayer(bytes, start)) return "inside";
    const type = hevcNalType(header);
    if (isSlice(type)) {
      const first = bytes[start + 2];
      if (first === undefined) return undefined;
      // All slices of a picture are of one type, 7.4.2.2.
      const isNext = (first & 0x80) !== 0 ||
        (sliceBefore !== undefined && hevcNalType(sliceBefore) !== type);
      return isNext ? "picture" : "slice";
    }
    if (type === HEVC_NAL.accessUnitDelimiter) return "delimiter";
    return opensAccessUnit(type) ? "opens" : "inside";
  }

  read(bytes: Uint8Array, units: readonly NalUnit[]): AccessUnit {
    const present = new Set<ParameterSet>();
    const slices: Slice[] = [];
    for (const unit of units) {
      if (!isBaseLayer(bytes, unit.start)) continue;
      const type = hevcNalType(bytes[unit.start]!);
      if (isHevcParameterSet(type)) {
        const kept = this.#keep(bytes, unit, type);
        if (kept !== undefined) present.add(kept);
      } else if (isSlice(type)) {
        const slice = parseSlice(unescapedNal(bytes, unit, SLICE_START_BYTES), type);
        if (slice !== undefined) slices.push(slice);
      }
    }
    const chains = this.#chainsOf(slices);
    const first = slices[0];
    const facts = chains?.[0] && factsOf(chains[0]);
    const isReordered = chains?.[0]?.[0].content.isReordered === true;
    if (first === undefined || chains === undefined || !isRandomAccess(first)) {
      const leading = first?.type === HEVC_NAL.raslN || first?.type === HEVC_NAL.raslR;
      return { kind: "delta", leading, isReordered, facts, lacks: [] };
    }
    const lacks = lackingSets(chains, present);
    return { kind: "key", leading: false, isReordered, facts, lacks };
  }

  #keep(bytes: Uint8Array, unit: NalUnit, type: number): ParameterSet | undefined {
    const nal = unescapedNal(bytes, unit, MAX_PARAMETER_SET_BYTES);
    const whole = bytes.subarray(unit.start, unit.end);
    if (type === HEVC_NAL.vps) {
      const vps = parseHevcVps(nal);
      return vps && this.#vps.keep(whole, vps);
    }
    if (type === HEVC_NAL.sps) {
      const sps = parseHevcSps(nal);
      return sps && this.#sps.keep(whole, sps);
    }
    const pps = parseHevcPps(nal);
    return pps && this.#pps.keep(whole, pps);
  }

  /** The parameter sets of each slice, `undefined` where one has not been seen. */
  #chainsOf(slices: readonly Slice[]): Chain[] | undefined {
    const chains: Chain[] = [];
    for (const ppsId of new Set(slices.map(({ ppsId }) => ppsId))) {
      const pps = this.#pps.get(ppsId);
      const sps = pps && this.#sps.get(pps.content.parent);
      const vps = sps && this.#vps.get(sps.content.parent);
      if (vps === undefined) return undefined;
      chains.push([vps, sps!, pps!]);
    }
    return chains;
  }
}

/** The beginning of a slice segment header, 7.3.6.1. */
function parseSlice(nal: Uint8Array, type: number): Slice | undefined {
  const reader = new BitReader(nal);
  reader.skip(16);
  const isFirst = reader.flag();
  if (isIrap(type)) reader.skip(1);
  const ppsId = reader.unsignedGolomb();
  return reader.isOverrun ? undefined : { type, isFirst, ppsId };
}

/** The timing of an SPS comes before that of its VPS: E.3.1. */
function factsOf([vps, sps]: Chain): VideoFacts {
  const { facts } = sps.content;
  return { ...facts, frameRate: facts.frameRate ?? vps.content.frameRate };
}

/** forbidden_zero_bit 0, nuh_layer_id 0, and a temporal id at all: 7.4.2.2. */
function isBaseLayer(bytes: Uint8Array, start: number): boolean {
  const second = bytes[start + 1] ?? 0;
  return (bytes[start]! & 0x81) === 0 && (second & 0xf8) === 0 && (second & 0x07) !== 0;
}

/** Types of slices that are in use; decoders pass over the reserved ones, Table 7-1. */
function isSlice(type: number): boolean {
  return type <= HEVC_NAL.raslR || isIrap(type);
}

function isIrap(type: number): boolean {
  return type >= HEVC_NAL.irapFirst && type <= HEVC_NAL.irapLast;
}

function isRandomAccess({ type, isFirst }: Slice): boolean {
  return isIrap(type) && isFirst;
}

/** 7.4.2.4.4: parameter sets, prefix SEI, and what is reserved or unspecified for their place. */
function opensAccessUnit(type: number): boolean {
  return isHevcParameterSet(type) || type === HEVC_NAL.prefixSei ||
    (type >= HEVC_NAL.reservedOpeningFirst && type <= HEVC_NAL.reservedOpeningLast) ||
    (type >= HEVC_NAL.unspecifiedOpeningFirst && type <= HEVC_NAL.unspecifiedOpeningLast);
}
