/**
 * The header line of a YUV4MPEG2 stream.
 *
 * @module
 */
import { bytesOf, latin1 } from "../bytes/text.ts";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { layoutOf, pictureBytes } from "../core/pixel_format.ts";
import type { FrameFault } from "./frame_input.ts";

/** What every YUV4MPEG2 stream begins with. */
export const Y4M_SIGNATURE: Uint8Array<ArrayBuffer> = bytesOf("YUV4MPEG2 ");

/** Longest header line in bytes with its LF; ffmpeg reads at most 128. */
export const MAX_HEADER_BYTES = 1024;

/** Largest width or height in pixels that is believed. */
export const MAX_SIDE_PIXELS = 65_535;

/** Pixel formats of colour spaces; 8-bit 4:2:0 differs only in where its colour samples lie. */
const PIXEL_FORMAT_OF_COLOUR_SPACE: ReadonlyMap<string, string> = new Map([
  ["420jpeg", "yuv420p"],
  ["420mpeg2", "yuv420p"],
  ["420paldv", "yuv420p"],
  ["420", "yuv420p"],
  ["410", "yuv410p"],
  ["411", "yuv411p"],
  ["422", "yuv422p"],
  ["444", "yuv444p"],
  ["444alpha", "yuva444p"],
  ["mono", "gray"],
  ["mono10", "gray10le"],
  ["mono12", "gray12le"],
  ["mono16", "gray16le"],
  ...["420", "422", "444"].flatMap((sampling) =>
    [9, 10, 12, 14, 16].map((bits): [string, string] => [
      `${sampling}p${bits}`,
      `yuv${sampling}p${bits}le`,
    ])
  ),
]);

/** The colour space of a pixel format, `undefined` where it has none. */
export function y4mColourSpace(pixelFormat: string): string | undefined {
  for (const [space, format] of PIXEL_FORMAT_OF_COLOUR_SPACE) {
    if (format === pixelFormat) return space;
  }
  return undefined;
}

/** Frames a second as a fraction. */
export interface Y4mRate {
  readonly numerator: number;
  readonly denominator: number;
}

/** What a header line says. */
export interface Y4mHeader {
  readonly config: StreamConfig;
  /** Bytes of the planes of one picture. */
  readonly pictureBytes: number;
  /** `null` where the header does not tell. */
  readonly rate: Y4mRate | null;
}

/** Reads a header line given without its LF; a line that cannot be true goes to `fail`. */
export function parseY4mHeader(line: Uint8Array, fail: (fault: FrameFault) => never): Y4mHeader {
  const header = latin1(line);
  // The first of several parameters with one letter counts, except X, of which there may be many.
  const parameters = header.split(" ").slice(1).filter((parameter) => parameter !== "");
  const valueOf = (letter: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(letter))?.slice(letter.length);

  const width = sideOf("W", valueOf("W"), fail);
  const height = sideOf("H", valueOf("H"), fail);
  const colourSpace = valueOf("C") ?? valueOf("XYSCSS=") ?? "420jpeg";
  const pixelFormat = PIXEL_FORMAT_OF_COLOUR_SPACE.get(colourSpace.toLowerCase());
  const layout = pixelFormat === undefined ? undefined : layoutOf(pixelFormat);
  if (pixelFormat === undefined || layout === undefined) {
    fail({
      at: 0,
      expected: "a known colour space (C) in the YUV4MPEG2 header",
      found: `"${colourSpace.slice(0, 40)}"`,
      advice: "add -pix_fmt yuv420p to ffmpeg's flags",
    });
  }
  const rate = rateOf(valueOf("F"), fail);
  const frameRate = rate === null ? null : rate.numerator / rate.denominator;
  return {
    config: bareConfig("y4m", { codec: "raw", width, height, pixelFormat, frameRate, header }),
    pictureBytes: pictureBytes(layout, width, height),
    rate,
  };
}

function sideOf(
  letter: "W" | "H",
  text: string | undefined,
  fail: (f: FrameFault) => never,
): number {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value > 0 && value <= MAX_SIDE_PIXELS) {
    return value;
  }
  fail({
    at: 0,
    expected: `${letter} from 1 to ${MAX_SIDE_PIXELS} in the YUV4MPEG2 header`,
    found: text === undefined ? `no ${letter}` : `"${text.slice(0, 40)}"`,
  });
}

/** `F0:0` says that the rate is not known. */
function rateOf(text: string | undefined, fail: (fault: FrameFault) => never): Y4mRate | null {
  if (text === undefined) return null;
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  if (match === null) {
    fail({
      at: 0,
      expected: "a frame rate such as F25:1 in the YUV4MPEG2 header",
      found: `"F${text.slice(0, 40)}"`,
    });
  }
  const numerator = Number(match[1]);
  const denominator = Number(match[2]);
  return numerator > 0 && denominator > 0 ? { numerator, denominator } : null;
}
