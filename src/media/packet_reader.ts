/**
 * Makes frames of the packets of a file's video track.
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import { hasBytesAt } from "../bytes/text.ts";
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import type { AccessUnitSyntax } from "../split/annex_b.ts";
import { Av1Reader, TEMPORAL_DELIMITER } from "../split/av1.ts";
import { H264Syntax } from "../split/h264.ts";
import { HevcSyntax } from "../split/hevc.ts";
import type { KeyFrame } from "../split/key_frame.ts";
import { nalUnits } from "../split/nal.ts";
import { sniffPicture } from "../split/sniff.ts";
import type { SplitFrame } from "../split/splitter.ts";
import { readVp8KeyFrame } from "../split/vp8.ts";
import { readVp9KeyFrame } from "../split/vp9.ts";
import { DamageError } from "./damage.ts";
import { readDecoderRecord } from "./decoder_record.ts";
import { type NalFormat, sampleUnits, writeByteStream } from "./nal_samples.ts";
import { isBaseLayer, type UpperLayers, upperLayersOf } from "./upper_layers.ts";

/** One packet of a track. */
export interface Packet {
  readonly data: Uint8Array;
  /** Presentation time in microseconds. */
  readonly ptsUs: number;
}

/**
 * Makes frames of packets, in their order. What a key frame is, the frames themselves say: not every
 * file knows.
 */
export interface PacketReader {
  /** What stood in layers above the base layer, which are left out. Absent: nothing so far. */
  readonly upperLayers?: UpperLayers | undefined;
  /**
   * The frame of a packet.
   *
   * @throws {DamageError} when the packet's parts do not fit in it
   */
  read(packet: Packet): SplitFrame;
}

/** What {@linkcode createPacketReader} needs to know of a track. */
export interface TrackInfo {
  readonly config: StreamConfig;
  /** The decoder configuration record, where the track has one; of AV1 the OBUs in it. */
  readonly record: Uint8Array | undefined;
}

/** What the headers of a frame say of its pictures. */
type Facts = Pick<
  StreamConfig,
  "codec" | "width" | "height" | "displayWidth" | "displayHeight"
>;

const FACTS = ["codec", "width", "height", "displayWidth", "displayHeight"] as const;

/** The configuration of a track, which follows what key frames say where that changes. */
class FollowedConfig {
  #config: StreamConfig;
  #facts: Facts | undefined;

  constructor(config: StreamConfig) {
    this.#config = config;
  }

  /** The configuration from a key frame on that says `facts`, if it can be read. */
  next(facts: Facts | undefined): StreamConfig {
    const known = this.#facts;
    if (facts === undefined) return this.#config;
    const { codec, width, height, displayWidth, displayHeight } = facts;
    this.#facts = facts;
    const display = displayWidth === undefined || displayHeight === undefined
      ? {}
      : { displayWidth, displayHeight };
    if (known === undefined) {
      const isToldAll = this.#config.codec !== null && this.#config.width !== null;
      const isStretched = this.#config.displayWidth !== undefined || displayWidth === undefined;
      if (isToldAll && isStretched) return this.#config;
      // What the track does not tell, its first key frame does.
      this.#config = {
        ...this.#config,
        codec: this.#config.codec ?? codec,
        width: this.#config.width ?? width,
        height: this.#config.height ?? height,
        ...isStretched ? {} : display,
      };
    } else if (FACTS.some((field) => known[field] !== facts[field])) {
      // What the file says of the size and the pixels holds for the first pictures only.
      const { displayWidth: _width, displayHeight: _height, ...config } = this.#config;
      this.#config = { ...config, codec, width, height, ...display };
    }
    return this.#config;
  }
}

/**
 * A reader for a track.
 *
 * @throws {DamageError} when the track's decoder configuration record cannot be read
 */
export function createPacketReader({ config, record }: TrackInfo): PacketReader {
  switch (config.format) {
    case "h264":
    case "hevc":
      return new NalPacketReader(config, config.format, record);
    case "mjpeg":
    case "png":
      return new PicturePacketReader(config);
    default:
      return new PlainPacketReader(config, record);
  }
}

/** Access units: behind start codes, and key frames with their parameter sets. */
class NalPacketReader implements PacketReader {
  readonly #config: FollowedConfig;
  readonly #syntax: AccessUnitSyntax;
  /** Bytes of the lengths in front of NAL units, 0 where they have start codes. */
  readonly #lengthBytes: number;
  #upperLayers: UpperLayers | undefined;

  constructor(config: StreamConfig, format: NalFormat, record: Uint8Array | undefined) {
    const known = record === undefined ? undefined : readDecoderRecord(format, record);
    if (record !== undefined && known === undefined) {
      throw new DamageError("its decoder configuration record is broken");
    }
    this.#config = new FollowedConfig(config);
    this.#syntax = format === "h264" ? new H264Syntax() : new HevcSyntax();
    this.#lengthBytes = known?.lengthBytes ?? 0;
    this.#upperLayers = known?.upperLayers;
    if (known === undefined) return;
    // From now on it knows them, as if they had stood in a frame before.
    const parameterSets = writeByteStream(known.parameterSets);
    this.#syntax.read(parameterSets, nalUnits(parameterSets));
  }

  get upperLayers(): UpperLayers | undefined {
    return this.#upperLayers;
  }

  read({ data, ptsUs }: Packet): SplitFrame {
    const bytes = this.#lengthBytes === 0 ? withHeadroom([data]) : this.#byteStream(data);
    const units = nalUnits(bytes);
    const [first] = units;
    if (first === undefined) throw new DamageError("it is not a picture");
    const { kind, leading, facts, lacks } = this.#syntax.read(bytes, units);
    const isDelimiter = this.#syntax.roleOf(bytes, first.start, undefined) === "delimiter";
    const at = isDelimiter ? first.end : 0;
    return {
      data: lacks.length === 0 ? bytes : inserted(bytes, { at, parts: lacks }),
      kind,
      leading,
      configuration: kind === "key",
      ptsUs,
      config: this.#config.next(kind === "key" ? facts : undefined),
    };
  }

  #byteStream(sample: Uint8Array): Uint8Array<ArrayBuffer> {
    const units = sampleUnits(sample, this.#lengthBytes);
    if (units === undefined) throw new DamageError("the lengths in it do not fit");
    if (this.#syntax.format === "h264") return writeByteStream(units);
    const found = upperLayersOf(units);
    if (this.#upperLayers !== "transparency") this.#upperLayers = found ?? this.#upperLayers;
    return writeByteStream(found === undefined ? units : units.filter(isBaseLayer));
  }
}

/** VP8, VP9 and AV1: the packet is the frame. */
class PlainPacketReader implements PacketReader {
  readonly #config: FollowedConfig;
  readonly #track: StreamConfig;
  readonly #av1 = new Av1Reader();

  constructor(config: StreamConfig, record: Uint8Array | undefined) {
    this.#track = config;
    this.#config = new FollowedConfig(config);
    if (config.format === "av1" && record !== undefined) this.#av1.know(record);
  }

  read({ data, ptsUs }: Packet): SplitFrame {
    if (data.byteLength === 0) throw new DamageError("it has no bytes");
    const isAv1 = this.#track.format === "av1";
    const frame = isAv1 ? withDelimiter(data) : withHeadroom([data]);
    const key = this.#readKeyFrame(frame);
    return {
      data: key?.missing === undefined
        ? frame
        : inserted(frame, { at: key.missing.at, parts: [key.missing.bytes] }),
      kind: key === undefined ? "delta" : "key",
      configuration: key !== undefined,
      ptsUs,
      config: this.#config.next(key),
    };
  }

  #readKeyFrame(frame: Uint8Array): KeyFrame | undefined {
    const { format, frameRate } = this.#track;
    if (format === "vp8") return readVp8KeyFrame(frame);
    return format === "vp9" ? readVp9KeyFrame(frame, frameRate) : this.#av1.read(frame);
  }
}

/** Pictures that stand alone. */
class PicturePacketReader implements PacketReader {
  readonly #config: FollowedConfig;

  constructor(config: StreamConfig) {
    this.#config = new FollowedConfig(config);
  }

  read({ data, ptsUs }: Packet): SplitFrame {
    const picture = sniffPicture(data);
    const kind: FrameKind = "key";
    if (picture.codec === null) throw new DamageError("it is not a picture");
    return { data: withHeadroom([data]), kind, ptsUs, config: this.#config.next(picture) };
  }
}

function withDelimiter(unit: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = hasBytesAt(unit, 0, TEMPORAL_DELIMITER) ? [] : [TEMPORAL_DELIMITER];
  return inserted(unit, { at: 0, parts });
}

/** A copy with headroom before it, and with `parts` behind its first `at` bytes. */
function inserted(
  bytes: Uint8Array,
  { at, parts }: { readonly at: number; readonly parts: readonly Uint8Array[] },
): Uint8Array<ArrayBuffer> {
  return withHeadroom([bytes.subarray(0, at), ...parts, bytes.subarray(at)]);
}
