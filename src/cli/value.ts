/**
 * Values as they are written on a command line.
 *
 * @module
 */
import { layoutOf, PIXEL_FORMATS } from "../core/pixel_format.ts";
import type { FrameRate } from "../client/mod.ts";
import { MAX_FPS, MIN_FPS } from "../core/tick.ts";
import { closest } from "./closest.ts";

/** Largest frame in bytes: the platform takes no message above 64 MiB, header and all. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024 - 1024;
/** Longest time that a timer counts: 24 days of the 2³¹ − 1 ms, beyond which it fires at once. */
export const MAX_TIMER_MS = 24 * 24 * 3_600_000;

/** Reads a value; throws an `Error` whose message says what it should be. */
export type ReadValue<T> = (text: string) => T;

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A number of bytes: `8MiB`, `100kB`, `4096`. */
export function bytes(min: number, max: number): ReadValue<number> {
  return (text) => {
    const value = withUnit(text, SIZE_UNITS);
    if (value === undefined || !Number.isInteger(value)) throw new Error("a size such as 8MiB");
    if (value < min || value > max) {
      throw new Error(`a size from ${writeBytes(min)} to ${writeBytes(max)}`);
    }
    return value;
  };
}

/** A time in milliseconds: `500ms`, `5s`, `2m`, `1h`. */
export function duration(minMs: number, maxMs: number): ReadValue<number> {
  return (text) => {
    const value = withUnit(text, DURATION_UNITS);
    if (value === undefined) throw new Error("a duration such as 500ms or 5s");
    if (value < minMs || value > maxMs) {
      throw new Error(`a duration from ${writeDuration(minMs)} to ${writeDuration(maxMs)}`);
    }
    return value;
  };
}

/** A whole number. */
export function integer(min: number, max: number): ReadValue<number> {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`a whole number from ${min} to ${max}`);
    return value;
  };
}

/** Frames a second: `30`, `29.97`, `30000/1001`. */
export function fps(text: string): number {
  const ratio = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text);
  const value = ratio === null ? NaN : Number(ratio[1]) / Number(ratio[2] ?? 1);
  if (!(value >= MIN_FPS && value <= MAX_FPS)) {
    throw new Error(`a number of frames a second from ${MIN_FPS} to ${MAX_FPS}`);
  }
  return value;
}

/** Frames a second, or `source`. */
export function frameRate(text: string): FrameRate {
  if (text === "source") return text;
  try {
    return fps(text);
  } catch (error) {
    throw new Error(`${(error as Error).message}, or "source"`);
  }
}

/** A picture's size in pixels: `640x480`. */
export function pictureSize(max: number): ReadValue<{ width: number; height: number }> {
  return (text) => {
    const match = /^(\d+)x(\d+)$/.exec(text);
    const [width, height] = [Number(match?.[1]), Number(match?.[2])];
    if (!(width >= 1 && height >= 1 && width <= max && height <= max)) {
      throw new Error(`a size such as 640x480, of at most ${max} pixels a side`);
    }
    return { width, height };
  };
}

/** One of some words. */
export function oneOf<T extends string>(words: readonly T[]): ReadValue<T> {
  return (text) => {
    if (words.includes(text as T)) return text as T;
    throw new Error(`one of ${words.join(", ")}`);
  };
}

/** What others call pixel formats (fourcc.org, GStreamer, OpenCV), and ffmpeg's name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  i420: "yuv420p",
  iyuv: "yuv420p",
  yu12: "yuv420p",
  yuv420: "yuv420p",
  i422: "yuv422p",
  y42b: "yuv422p",
  yuv422: "yuv422p",
  i444: "yuv444p",
  y444: "yuv444p",
  yuv444: "yuv444p",
  yuy2: "yuyv422",
  yuyv: "yuyv422",
  uyvy: "uyvy422",
  bgr: "bgr24",
  bgr888: "bgr24",
  bgr8: "bgr24",
  rgb: "rgb24",
  rgb888: "rgb24",
  rgb8: "rgb24",
  rgbx: "rgb0",
  bgrx: "bgr0",
  gray8: "gray",
  grey: "gray",
  y8: "gray",
  y800: "gray",
  mono8: "gray",
  i420_10le: "yuv420p10le",
  // The range of samples is all that sets these apart.
  yuvj420p: "yuv420p",
  yuvj422p: "yuv422p",
  yuvj444p: "yuv444p",
};

/** A pixel format's ffmpeg name. */
export function pixelFormat(text: string): string {
  const lower = text.toLowerCase();
  if (layoutOf(text) !== undefined) return text;
  const name = layoutOf(lower) !== undefined
    ? lower
    : Object.hasOwn(OTHER_NAMES, lower)
    ? OTHER_NAMES[lower]
    : layoutOf(`${lower}le`) !== undefined
    ? `${lower}le`
    : undefined;
  if (name !== undefined) throw new Error(`ffmpeg's name for a pixel format; use ${name}`);
  const near = closest(lower, PIXEL_FORMATS.filter((format) => isNear(lower, format)));
  throw new Error(
    `a known pixel format${near === undefined ? "" : ` (${near}?)`}; known are ` +
      `${PIXEL_FORMATS.filter((format) => !/\dle$/.test(format)).join(", ")} and deeper ones; ` +
      "convert others: ffmpeg … -f rawvideo -pix_fmt yuv420p -, or with more bits yuv420p10le",
  );
}

/** Whether two names may be the same one misspelt: of one family, and with the same digits. */
function isNear(one: string, other: string): boolean {
  return one.slice(0, 3) === other.slice(0, 3) && digitsOf(one) === digitsOf(other);
}

function digitsOf(name: string): string {
  return [...name.replace(/\D/g, "")].sort().join("");
}

/** Most threads that can be asked for. */
const MAX_THREADS = 64;

/** A number of threads; `auto` is `automatic` of them. */
export function threads(automatic: number): ReadValue<number> {
  return (text) => {
    if (text === "auto") return Math.min(MAX_THREADS, Math.max(1, automatic));
    if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_THREADS) return Number(text);
    throw new Error(`a number from 1 to ${MAX_THREADS} or auto`);
  };
}

/** Text that is not empty. */
export function text(value: string): string {
  if (value === "") throw new Error("a text");
  return value;
}

/** `true` or `false`, `1` or `0`. */
export function boolean(value: string): boolean {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new Error("true or false");
}

/** A duration as {@linkcode duration} reads it. */
export function writeDuration(ms: number): string {
  for (const unit of ["h", "m", "s"]) {
    const value = ms / DURATION_UNITS[unit]!;
    if (ms > 0 && Number.isInteger(value)) return `${value}${unit}`;
  }
  return `${ms}ms`;
}

/** A number of bytes as {@linkcode bytes} reads it. */
export function writeBytes(value: number): string {
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const count = value / SIZE_UNITS[unit]!;
    if (value > 0 && Number.isInteger(count)) return `${count}${unit}`;
  }
  return `${value}B`;
}

function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text);
  const unit = match === null
    ? undefined
    : Object.entries(units).find(([name]) => name.toLowerCase() === match[2]!.toLowerCase());
  return unit === undefined ? undefined : Number(match![1]) * unit[1];
}
