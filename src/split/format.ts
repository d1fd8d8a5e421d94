/**
 * The formats of an input.
 *
 * @module
 */

/** Formats of an input that can be split into frames. */
export type InputFormat =
  | "raw"
  | "mjpeg"
  | "mpjpeg"
  | "png"
  | "y4m"
  | "h264"
  | "hevc"
  | "ivf"
  | "lp32";

/** All formats that can be split; `raw` and `lp32` have no signature and must be named. */
export const INPUT_FORMATS: readonly InputFormat[] = [
  "raw",
  "mjpeg",
  "mpjpeg",
  "png",
  "y4m",
  "h264",
  "hevc",
  "ivf",
  "lp32",
];
