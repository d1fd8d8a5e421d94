/**
 * What a file says of its track, and its frames as samples.
 *
 * @module
 */
import { joined } from "../bytes/joined.ts";
import { hasBytesAt } from "../bytes/text.ts";
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import { av1SequenceHeader, TEMPORAL_DELIMITER } from "../split/av1.ts";
import { nalUnits } from "../split/nal.ts";
import { MAX_SETS, writeDecoderRecord } from "./decoder_record.ts";
import { uint8 } from "./layout.ts";
import { NAL_SYNTAX, type NalFormat, writeSample } from "./nal_samples.ts";

/** A video track of one configuration. */
export interface Track {
  readonly config: StreamConfig;
  /** What a decoder must have before the first sample; empty where it needs nothing. */
  readonly record: Uint8Array;
  /** A frame as the file holds it. */
  sample(data: Uint8Array, kind: FrameKind): Uint8Array;
}

/** Whether a file of `one` can go on with `other`. */
export function isSameVideo(one: StreamConfig, other: StreamConfig): boolean {
  return one === other || one.format === other.format && one.codec === other.codec &&
      one.width === other.width && one.height === other.height &&
      one.rotation === other.rotation && one.displayWidth === other.displayWidth &&
      one.displayHeight === other.displayHeight;
}

/**
 * The track that begins with a key frame; `undefined` where that frame does not hold what the file
 * must say of it.
 */
export function trackOf(config: StreamConfig, keyFrame: Uint8Array): Track | undefined {
  switch (config.format) {
    case "h264":
    case "hevc":
      return nalTrack(config, config.format, keyFrame);
    case "av1":
      return av1Track(config, keyFrame);
    default:
      return { config, record: new Uint8Array(0), sample: (data) => data };
  }
}

/**
 * Parameter sets that stand in the record are left out of key frames, as long as no frame has had
 * others: then all stay where they are.
 */
function nalTrack(
  config: StreamConfig,
  format: NalFormat,
  keyFrame: Uint8Array,
): Track | undefined {
  const { typeOf, isParameterSet } = NAL_SYNTAX[format];
  const unitsOf = (frame: Uint8Array) =>
    nalUnits(frame).map(({ start, end }) => frame.subarray(start, end));
  const isSet = (unit: Uint8Array) => isParameterSet(typeOf(unit[0]!));
  const known = distinct(unitsOf(keyFrame).filter(isSet)).map((unit) => unit.slice());
  const record = writeDecoderRecord(format, known);
  if (record === undefined) return undefined;
  let hasOthers = false;
  return {
    config,
    record,
    sample: (data) => {
      const units = unitsOf(data);
      hasOthers ||= units.some((unit) => isSet(unit) && !known.some((set) => isSame(set, unit)));
      return writeSample(hasOthers ? units : units.filter((unit) => !isSet(unit)));
    },
  };
}

/** AV1 Codec ISO Media File Format Binding 2.3.3; what the codec string leaves out is 4:2:0. */
function av1Track(config: StreamConfig, keyFrame: Uint8Array): Track | undefined {
  const header = av1SequenceHeader(keyFrame);
  const match = /^av01\.(\d)\.(\d\d)([MH])\.(\d\d)(?:\.(\d)\.(\d)(\d)(\d))?/.exec(
    config.codec ?? "",
  );
  if (header === undefined || match === null) return undefined;
  const [profile, level, bits] = [match[1], match[2], match[4]].map(Number);
  const [mono, subsamplingX, subsamplingY, position] = match[5] === undefined
    ? [0, profile === 1 ? 0 : 1, profile === 0 ? 1 : 0, 0]
    : match.slice(5).map(Number);
  const flags = [match[3] === "H" ? 1 : 0, bits! > 8 ? 1 : 0, bits === 12 ? 1 : 0, mono!];
  const low = [subsamplingX!, subsamplingY!].reduce((sum, bit) => sum * 2 + bit, 0);
  const high = flags.reduce((sum, bit) => sum * 2 + bit, 0);
  return {
    config,
    record: joined([
      uint8(0x81, (profile! << 5) | level!, (high << 4) | (low << 2) | position!, 0),
      header,
    ]),
    sample: (data) => hasBytesAt(data, 0, TEMPORAL_DELIMITER) ? data.subarray(2) : data,
  };
}

/** Each unit once; no more than show that there are too many for a record. */
function distinct(units: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const unit of units) {
    if (found.length > MAX_SETS) break;
    if (!found.some((other) => isSame(unit, other))) found.push(unit);
  }
  return found;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
