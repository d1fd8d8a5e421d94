/**
 * Tells how the work goes.
 *
 * @module
 */
// @ts-types="../../types/std_fmt_bytes.d.ts"
import { format } from "@std/fmt/bytes";
import type { Host } from "../host/host.ts";
import type { Log, LogFields } from "../host/log.ts";

/** How often a line on a terminal changes, in milliseconds. */
const TERMINAL_MS = 500;
/** How often a line is added elsewhere, in milliseconds. */
const LINE_MS = 5000;

/** What is told: a text for people, fields for programs. */
export interface ProgressLine {
  readonly text: string;
  readonly fields: LogFields;
}

/** Tells `line()` again and again until it is disposed of. */
export function showProgress(host: Host, log: Log, line: () => ProgressLine): Disposable {
  const timer = setInterval(() => {
    const { text, fields } = line();
    log.progress(text, fields);
  }, host.terminals.stderr ? TERMINAL_MS : LINE_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Bytes for people: `12.3 MB`. */
export function megabytes(bytes: number): string {
  return format(Math.round(bytes), { maximumFractionDigits: 1 });
}

/** A number of frames for people: `1 frame`, `2 frames`. */
export function countFrames(frames: number): string {
  return frames === 1 ? "1 frame" : `${frames} frames`;
}

/** `value` with one digit behind the point. */
export function oneDigit(value: number): number {
  return Math.round(value * 10) / 10;
}
