/**
 * The boxes of fragmented MP4: ISO/IEC 14496-12 (2022), of which clauses are named.
 *
 * @module
 */
import { joined } from "../bytes/joined.ts";
import { bytesOf } from "../bytes/text.ts";
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { sizeOf, uint16, uint32, uint64, uint8 } from "./layout.ts";
import type { Track } from "./track.ts";

/** A sample's entry in the list of codecs, and the box of what its decoder must know: 8.5.2. */
const CODECS: Readonly<Partial<Record<StreamFormat, readonly [entry: string, record: string]>>> = {
  h264: ["avc1", "avcC"],
  hevc: ["hvc1", "hvcC"],
  vp9: ["vp09", "vpcC"],
  av1: ["av01", "av1C"],
};

/** Formats that an MP4 file can hold here. */
export const MP4_FORMATS: readonly StreamFormat[] = Object.keys(CODECS) as StreamFormat[];

/** Units of time in a second, in all boxes. */
const TIMESCALE = 1_000_000;

/** sample_flags of a sample that needs no other, and of one that does and is no sync sample: 8.8.3. */
const KEY_FLAGS = 0x0200_0000;
const DELTA_FLAGS = 0x0101_0000;
/** What stands for colours that are not told, in ITU-T H.273. */
const UNSPECIFIED = 2;

/** A frame as the file holds it. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly kind: FrameKind;
  readonly timeUs: number;
}

/** A sample that knows when it is decoded. */
export interface TimedSample extends Sample {
  readonly decodeUs: number;
  /** When it is shown, on the same line of time. */
  readonly shownUs: number;
}

/**
 * What stands in front of the first fragment; `room` is what is to be filled in later. Pictures are
 * shown `delayUs` later than the first fragment says.
 */
export function movieStart(track: Track, delayUs: number, ...room: Uint8Array[]): Uint8Array[] {
  const type = box("ftyp", bytesOf("iso6"), uint32(0), bytesOf("iso6iso5mp41"));
  const extendsBox = box("mvex", ...room, trackExtends());
  return [type, box("moov", movieHeader(), trackBox(track, delayUs), extendsBox)];
}

/** track_ID, sample_description_index and nothing that holds for all samples: 8.8.3. */
export function trackExtends(): Uint8Array {
  return fullBox("trex", { version: 0, flags: 0 }, uint32(1), uint32(1), new Uint8Array(12));
}

/** What is known of a fragment. */
interface Fragment {
  /** Counts from 1. */
  readonly number: number;
  readonly samples: readonly TimedSample[];
  /** Time from each sample to the next, in microseconds. */
  readonly durations: readonly number[];
}

/** A fragment with its samples. */
export function fragmentOf(fragment: Fragment): Uint8Array[] {
  const data = fragment.samples.map(({ bytes }) => bytes);
  return [fragmentBox(fragment), uint32(8 + sizeOf(data)), bytesOf("mdat"), ...data];
}

/** One track fragment of one run: 8.8.4 to 8.8.8. */
function fragmentBox({ number, samples, durations }: Fragment): Uint8Array {
  const entries = samples.map(({ bytes, kind, decodeUs, shownUs }, index) =>
    joined([
      uint32(durations[index]!),
      uint32(bytes.length),
      uint32(kind === "key" ? KEY_FLAGS : DELTA_FLAGS),
      uint32(shownUs - decodeUs),
    ])
  );
  const header = fullBox("mfhd", { version: 0, flags: 0 }, uint32(number));
  // default-base-is-moof
  const track = fullBox("tfhd", { version: 0, flags: 0x02_0000 }, uint32(1));
  const time = fullBox("tfdt", { version: 1, flags: 0 }, uint64(samples[0]!.decodeUs));
  const run = (dataAt: number) =>
    fullBox(
      "trun",
      // data-offset, and of each sample duration, size, flags and signed composition time offset.
      { version: 1, flags: 0x0f01 },
      uint32(samples.length),
      uint32(dataAt),
      ...entries,
    );
  const whole = (dataAt: number) => box("moof", header, box("traf", track, time, run(dataAt)));
  return whole(whole(0).length + 8);
}

function movieHeader(): Uint8Array {
  return fullBox(
    "mvhd",
    { version: 0, flags: 0 },
    uint32(0), // creation_time
    uint32(0), // modification_time
    uint32(TIMESCALE),
    uint32(0), // duration: that of the fragments stands elsewhere
    uint32(0x0001_0000), // rate
    uint16(0x0100), // volume
    new Uint8Array(10),
    IDENTITY,
    new Uint8Array(24),
    uint32(2), // next_track_ID
  );
}

const IDENTITY = joined([
  ...[0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000].map(uint32),
]);

/** The matrix that turns pictures, 8.3.2, and moves what it turned to where it was. */
function matrixOf({ rotation = 0 }: StreamConfig, width: number, height: number): Uint8Array {
  const one = 0x0001_0000;
  const [cosine, sine] = [[one, 0], [0, one], [-one, 0], [0, -one]][rotation / 90] ?? [one, 0];
  const x = rotation === 90 ? height : rotation === 180 ? width : 0;
  const y = rotation === 270 ? width : rotation === 180 ? height : 0;
  return joined(
    [cosine!, sine!, 0, -sine!, cosine!, 0, x * one, y * one, 0x4000_0000].map(uint32),
  );
}

/** Pixels that are not square, 12.1.4, and colours, 12.1.5. */
function presentationBoxes(config: StreamConfig): Uint8Array[] {
  const { width, height, displayWidth, displayHeight } = config;
  const boxes: Uint8Array[] = [];
  if (displayWidth !== undefined && displayHeight !== undefined && width && height) {
    const [across, down] = reduced(displayWidth * height, displayHeight * width);
    boxes.push(box("pasp", uint32(across), uint32(down)));
  }
  const { primaries, transfer, matrix, fullRange } = config;
  if ([primaries, transfer, matrix, fullRange].some((known) => known !== undefined)) {
    const codes = [primaries, transfer, matrix].map((code) => uint16(code ?? UNSPECIFIED));
    boxes.push(box("colr", bytesOf("nclx"), ...codes, uint8(fullRange === true ? 0x80 : 0)));
  }
  return boxes;
}

/** A ratio in its lowest terms. */
function reduced(one: number, other: number): [number, number] {
  let [larger, smaller] = [one, other];
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller];
  return [one / larger, other / larger];
}

function trackBox(track: Track, delayUs: number): Uint8Array {
  const { config } = track;
  const width = config.displayWidth ?? config.width ?? 0;
  const height = config.displayHeight ?? config.height ?? 0;
  const header = fullBox(
    "tkhd",
    { version: 0, flags: 3 }, // enabled, in the movie
    ...[0, 0, 1, 0, 0].map(uint32), // times, track_ID, duration
    new Uint8Array(16),
    matrixOf(config, width, height),
    uint32(width * 65_536),
    uint32(height * 65_536),
  );
  const mediaHeader = fullBox(
    "mdhd",
    { version: 0, flags: 0 },
    ...[0, 0, TIMESCALE, 0].map(uint32),
    uint16(0x55c4), // language: und
    uint16(0),
  );
  const handler = fullBox(
    "hdlr",
    { version: 0, flags: 0 },
    uint32(0),
    bytesOf("vide"),
    new Uint8Array(12),
    bytesOf("video\0"),
  );
  const none = { version: 0, flags: 0 };
  const information = box(
    "minf",
    fullBox("vmhd", { version: 0, flags: 1 }, new Uint8Array(8)),
    box("dinf", fullBox("dref", none, uint32(1), fullBox("url ", { version: 0, flags: 1 }))),
    box(
      "stbl",
      fullBox("stsd", none, uint32(1), sampleEntry(track)),
      fullBox("stts", none, uint32(0)),
      fullBox("stsc", none, uint32(0)),
      fullBox("stsz", none, uint32(0), uint32(0)),
      fullBox("stco", none, uint32(0)),
    ),
  );
  // Pictures that are shown out of order are decoded before the time at which the first is shown.
  const edits = fullBox("elst", none, uint32(1), uint32(0), uint32(delayUs), uint32(0x0001_0000));
  const media = box("mdia", mediaHeader, handler, information);
  return box("trak", header, ...delayUs > 0 ? [box("edts", edits)] : [], media);
}

/** VisualSampleEntry: 12.1.3. */
function sampleEntry({ config, record }: Track): Uint8Array {
  const [entry, recordBox] = CODECS[config.format]!;
  return box(
    entry,
    new Uint8Array(6),
    uint16(1), // data_reference_index
    new Uint8Array(16),
    uint16(config.width ?? 0),
    uint16(config.height ?? 0),
    uint32(0x0048_0000), // 72 dpi
    uint32(0x0048_0000),
    uint32(0),
    uint16(1), // frame_count
    new Uint8Array(32), // compressorname
    uint16(0x18), // depth
    uint16(-1),
    config.format === "vp9" ? vp9Box(config) : box(recordBox, record),
    ...presentationBoxes(config),
  );
}

/** VPCodecConfigurationBox of "VP Codec ISO Media File Format Binding" 1.0, from the codec string. */
function vp9Box({ codec, ...config }: StreamConfig): Uint8Array {
  const [profile = 0, level = 10, depth = 8, chroma = 1, ...color] = (codec ?? "").split(".").slice(
    1,
  )
    .map(Number);
  const {
    primaries = color[0] ?? UNSPECIFIED,
    transfer = color[1] ?? UNSPECIFIED,
    matrix = color[2] ?? UNSPECIFIED,
    fullRange = color[3] === 1,
  } = config;
  const range = fullRange ? 1 : 0;
  return fullBox(
    "vpcC",
    { version: 1, flags: 0 },
    uint8(profile, level, (depth << 4) | (chroma << 1) | range, primaries, transfer, matrix, 0, 0),
  );
}

/** A box: 4.2. */
export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return joined([uint32(8 + sizeOf(parts)), bytesOf(type), ...parts]);
}

/** A box with version and flags: 4.2. */
export function fullBox(
  type: string,
  { version, flags }: { readonly version: number; readonly flags: number },
  ...parts: readonly Uint8Array[]
): Uint8Array {
  return box(type, uint32(version * 2 ** 24 + flags), ...parts);
}
