/**
 * The colour space of video. Browsers take BT.709 for everything that does not tell; small pictures
 * are BT.601 by convention, and so is what ffmpeg makes of RGB.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";

/** From this size on, video that does not tell is BT.709. */
const HD_WIDTH = 1280;
const HD_HEIGHT = 720;

/** What WebCodecs calls the code points of ITU-T H.273 that it knows. */
const PRIMARIES = new Map([
  [1, "bt709"],
  [5, "bt470bg"],
  [6, "smpte170m"],
  [9, "bt2020"],
  [12, "smpte432"],
]);
const TRANSFERS = new Map([
  [1, "bt709"],
  [6, "smpte170m"],
  [8, "linear"],
  [13, "iec61966-2-1"],
  // The same curve as that of BT.709, in more bits.
  [14, "bt709"],
  [15, "bt709"],
  [16, "pq"],
  [18, "hlg"],
]);
const MATRICES = new Map([
  [0, "rgb"],
  [1, "bt709"],
  [5, "bt470bg"],
  [6, "smpte170m"],
  [9, "bt2020-ncl"],
]);

/** VP9's numbers of the matrices that WebCodecs knows (VP9 bitstream specification, 7.2.2). */
const VP9_MATRICES = [
  undefined,
  "smpte170m",
  "bt709",
  "smpte170m",
  undefined,
  "bt2020-ncl",
  undefined,
  "rgb",
] as (VideoMatrixCoefficients | undefined)[];

/**
 * What a decoder is to believe where it finds nothing in the stream, or does not look: `undefined`
 * for what it believes by itself.
 */
export function colourSpace(
  config: StreamConfig,
  keyFrame: Uint8Array,
): VideoColorSpaceInit | undefined {
  const usual = usualColours(config, keyFrame);
  const { primaries, transfer, matrix, fullRange } = config;
  const told = {
    ...named("primaries", PRIMARIES, primaries),
    ...named("transfer", TRANSFERS, transfer),
    ...named("matrix", MATRICES, matrix),
    ...fullRange === undefined ? {} : { fullRange },
  };
  return Object.keys(told).length === 0 ? usual : { ...usual ?? bt("bt709"), ...told };
}

function named(
  name: string,
  names: ReadonlyMap<number, string>,
  code: number | undefined,
): VideoColorSpaceInit {
  const known = code === undefined ? undefined : names.get(code);
  return known === undefined ? {} : { [name]: known };
}

function usualColours(
  { format, width, height }: StreamConfig,
  keyFrame: Uint8Array,
): VideoColorSpaceInit | undefined {
  if (format === "vp8") return bt("smpte170m");
  if (format === "vp9") {
    const told = vp9Colours(keyFrame);
    if (told?.matrix !== undefined) return bt(told.matrix, told.fullRange);
  }
  if (width === null || height === null) return undefined;
  return width < HD_WIDTH && height < HD_HEIGHT ? bt("smpte170m") : undefined;
}

function bt(matrix: VideoMatrixCoefficients, fullRange = false): VideoColorSpaceInit {
  return { matrix, fullRange, primaries: "bt709", transfer: "bt709" };
}

/**
 * What a key frame of VP9 tells (VP9 bitstream specification, 6.2); `undefined` where it is none.
 */
export function vp9Colours(
  frame: Uint8Array,
): { matrix: VideoMatrixCoefficients | undefined; fullRange: boolean } | undefined {
  let at = 0;
  const read = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) {
      value = value << 1 | (Number(frame[at >> 3] ?? 0) >> (7 - (at & 7)) & 1);
    }
    return value;
  };
  if (read(2) !== 2) return undefined;
  const profile = read(1) + 2 * read(1);
  if (profile === 3) read(1);
  const isOther = read(1) + read(1);
  read(2);
  if (isOther !== 0 || read(24) !== 0x49_83_42) return undefined;
  if (profile >= 2) read(1);
  const space = read(3);
  return { matrix: VP9_MATRICES[space], fullRange: space === 7 || read(1) === 1 };
}
