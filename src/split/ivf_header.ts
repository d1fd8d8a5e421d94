/**
 * The header of an IVF file, as libvpx and ffmpeg write it.
 *
 * No standard describes the format; its fields are all little endian.
 *
 * @module
 */
import { bytesOf, hex, latin1 } from "../bytes/text.ts";
import type { FrameFault } from "./frame_input.ts";

/** What every IVF file begins with. */
export const IVF_SIGNATURE: Uint8Array<ArrayBuffer> = bytesOf("DKIF");

/** Bytes of the header before the first frame; it tells its own length, which is never less. */
export const IVF_HEADER_BYTES = 32;

/** Longest header in bytes that is believed; none is known that is longer than the shortest. */
export const MAX_IVF_HEADER_BYTES = 1024;

/** Bytes of the header before every frame: its size, 32 bits, and its time, 64 bits. */
export const IVF_FRAME_HEADER_BYTES = 12;

/** Formats of a stream that an IVF file can hold. */
export const IVF_FORMATS = ["vp8", "vp9", "av1"] as const;

/** One of {@linkcode IVF_FORMATS}. */
export type IvfFormat = typeof IVF_FORMATS[number];

/** The four characters at offset 8 that name the format of the frames. */
export const IVF_FOURCC: Readonly<Record<IvfFormat, string>> = {
  vp8: "VP80",
  vp9: "VP90",
  av1: "AV01",
};

/** Largest number of frames a second that a time base is taken for. */
export const MAX_FRAME_RATE = 240;

const CONVERT = "pipe it through: ffmpeg -i INPUT -f mjpeg -q:v 3 -";

/** What to do with formats that an IVF file may hold too, and that are split from other inputs. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ["H264", "pipe it through: ffmpeg -i INPUT -c copy -f h264 -"],
  ["HEVC", "pipe it through: ffmpeg -i INPUT -c copy -f hevc -"],
  ["H265", "pipe it through: ffmpeg -i INPUT -c copy -f hevc -"],
]);

/** How long a unit of time is, as a fraction in lowest terms. */
export interface TimeBase {
  /** Microseconds of {@linkcode units}. */
  readonly microseconds: number;
  /** Units of time. */
  readonly units: number;
}

/** What the header of an IVF file says. */
export interface IvfHeader {
  readonly format: IvfFormat;
  /** Picture width in pixels, `null` where it is 0. */
  readonly width: number | null;
  /** Picture height in pixels, `null` where it is 0. */
  readonly height: number | null;
  /** `null` where a unit of time is no time or has no end. */
  readonly timeBase: TimeBase | null;
  /**
   * Frames a second, where a unit of time can be a frame's: what is copied from another container
   * often has units of a millisecond or less, and tells no rate.
   */
  readonly frameRate: number | null;
}

/**
 * Reads the first {@linkcode IVF_HEADER_BYTES} of a header, of which the signature is known; one
 * that is not split here goes to `fail`.
 */
export function parseIvfHeader(
  header: Uint8Array<ArrayBuffer>,
  fail: (fault: FrameFault) => never,
): IvfHeader {
  const view = new DataView(header.buffer, header.byteOffset, IVF_HEADER_BYTES);
  const version = view.getUint16(4, true);
  if (version !== 0) fail({ at: 4, expected: "version 0 of IVF", found: `version ${version}` });
  const rate = view.getUint32(16, true);
  const scale = view.getUint32(20, true);
  const isTimed = rate > 0 && scale > 0;
  return {
    format: formatOf(header.subarray(8, 12), fail),
    width: view.getUint16(12, true) || null,
    height: view.getUint16(14, true) || null,
    timeBase: isTimed ? timeBaseOf(rate, scale) : null,
    frameRate: isTimed && rate / scale <= MAX_FRAME_RATE ? rate / scale : null,
  };
}

/**
 * A time in microseconds, rounded to the nearest; `null` where it cannot be told, or is more than a
 * number holds exactly.
 *
 * @param low the lower 32 bits of the time in units.
 * @param high the higher 32 bits.
 */
export function ivfPtsUs(low: number, high: number, timeBase: TimeBase | null): number | null {
  if (timeBase === null) return null;
  const { microseconds, units } = timeBase;
  const product = (high * 2 ** 32 + low) * microseconds;
  // A product that had to be rounded is beyond this bound.
  if (product <= Number.MAX_SAFE_INTEGER) {
    const rest = product % units;
    return (product - rest) / units + (2 * rest >= units ? 1 : 0);
  }
  const time = (BigInt(high) << 32n) | BigInt(low);
  const twice = 2n * BigInt(units);
  const exact = (2n * time * BigInt(microseconds) + BigInt(units)) / twice;
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : null;
}

function formatOf(fourcc: Uint8Array, fail: (fault: FrameFault) => never): IvfFormat {
  const text = latin1(fourcc);
  for (const format of IVF_FORMATS) if (IVF_FOURCC[format] === text) return format;
  fail({
    at: 8,
    expected: "VP80, VP90 or AV01 in the IVF header",
    found: /^[ -~]+$/.test(text) ? `"${text}"` : `the bytes ${hex(fourcc)}`,
    advice: ADVICE.get(text.toUpperCase()) ?? CONVERT,
  });
}

function timeBaseOf(rate: number, scale: number): TimeBase {
  const divisor = greatestCommonDivisor(scale * 1_000_000, rate);
  return { microseconds: (scale * 1_000_000) / divisor, units: rate / divisor };
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
