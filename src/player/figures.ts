/**
 * Numbers of a stream in words.
 *
 * @module
 */
import { dropFacts, isLoss } from "../core/drops.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import { bitRate, ms } from "./numbers.ts";
import { formatName } from "./sentences.ts";
import type { Status } from "./status.ts";

/** Where there is no number. */
const NONE = "–";
/** A source that is as late is worth a word, in milliseconds. */
const LATE_SOURCE_MS = 100;

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A whole number with groups of three digits. */
export function count(value: number): string {
  return GROUPED.format(value);
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  // What would be rounded to 1000 has the next unit.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${units[unit]}`;
}

/** A frame rate as somebody asked for it. */
export function target(fps: Status["fps"]): string {
  return fps === undefined ? NONE : String(fps);
}

/** The texts of a stream on its card. */
export interface Figures {
  readonly kind: string;
  readonly fps: string;
  readonly bits: string;
  readonly viewers: string;
  readonly queue: string;
  readonly latency: string;
  readonly dropped: string;
  readonly reasons: string;
}

/** The texts of all figures of a stream, of whose viewers this page is `viewersHere`. */
export function figures(
  status: Status,
  { viewersHere }: { readonly viewersHere: number },
): Figures {
  const { framesPerSecond, bytesPerSecond, queueFrames, queueBytes, latencyMs } = status;
  return {
    kind: kind(status),
    fps: `${framesPerSecond?.toFixed(1) ?? NONE} / ${target(status.fps)}`,
    bits: bytesPerSecond === undefined ? NONE : bitRate(bytesPerSecond * 8),
    viewers: viewers(status.viewers, viewersHere),
    queue: queueFrames === 0 ? "empty" : `${count(queueFrames)} · ${bytes(queueBytes)}`,
    latency: latencyMs === undefined ? NONE : latency(latencyMs, status.latencyMaxMs),
    dropped: count(lost(status)),
    reasons: reasons(status),
  };
}

export function viewers(all: number, here: number): string {
  return here > 0 && all >= here ? `${count(all)} (${count(here)} here)` : count(all);
}

/** Frames that somebody missed. */
export function lost({ dropped }: Pick<Status, "dropped">): number {
  return dropped.reduce((sum, [reason, frames]) => sum + (isLoss(reason) ? frames : 0), 0);
}

function kind({ format, codec, pixelFormat, width, height, sourceMs }: Status): string {
  if (format === undefined) return "No frame yet";
  // Any text may come: what has no name of its own keeps the one that it has.
  const known = format as StreamFormat;
  const name = formatName({ format: known, codec, pixelFormat });
  const size = width === undefined || height === undefined ? [] : [`${width}×${height}`];
  const isLate = sourceMs !== undefined && sourceMs >= LATE_SOURCE_MS;
  return [name, ...size, ...(isLate ? [`the source is ${ms(sourceMs)} late`] : [])].join(" · ");
}

/** The middle viewer's and, where it is another, the slowest one's. */
function latency(medianMs: number, maxMs: number | undefined): string {
  const [median, max] = [medianMs, maxMs ?? medianMs].map(Math.round);
  return max === median ? `${median} ms` : `${median} / ${max} ms`;
}

/** Why frames were dropped, in words; what nobody missed comes last. */
export function reasons({ dropped }: Pick<Status, "dropped">): string {
  return [...dropped]
    .sort(([a], [b]) => Number(isLoss(b)) - Number(isLoss(a)))
    .map(([reason, frames]) => `${count(frames)} ${dropFacts(reason)?.ofStream ?? reason}`)
    .join(" · ");
}
