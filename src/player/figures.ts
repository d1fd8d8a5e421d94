// @ts-check
/// <reference lib="dom" />
/**
 * Numbers of a stream in words.
 *
 * @module
 */
import { bitRate, ms } from "./numbers.js";
import { formatName } from "./sentences.js";

/** @typedef {import("./status.js").Status} Status */

/** Where there is no number. */
const NONE = "–";
/** Viewers that asked for fewer frames lose nothing. */
const AS_WISHED = "viewer_fps";
/** A source that is as late is worth a word, in milliseconds. */
const LATE_SOURCE_MS = 100;
/** Pictures of a source that is faster than its stream are left out as its publisher asked. */
const TOO_MANY = "stream_fps";
/** Frames under way to a viewer that leaves are missed by nobody. */
const LEFT = "disconnected";
/** @type {ReadonlySet<string>} */
const NO_LOSS = new Set([LEFT, AS_WISHED, TOO_MANY]);

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/**
 * A whole number with groups of three digits.
 *
 * @param {number} value
 * @returns {string}
 */
export function count(value) {
  return GROUPED.format(value);
}

/**
 * @param {number} value
 * @returns {string}
 */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  // What would be rounded to 1000 has the next unit.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${units[unit]}`;
}

/**
 * A frame rate as somebody asked for it.
 *
 * @param {Status["fps"]} fps
 * @returns {string}
 */
export function target(fps) {
  return fps === undefined ? NONE : String(fps);
}

/**
 * The texts of all figures of a stream.
 *
 * @param {Status} status
 * @param {{ viewersHere: number }} page how many of the viewers this page is
 */
export function figures(status, { viewersHere }) {
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

/**
 * @param {number} all
 * @param {number} here
 * @returns {string}
 */
export function viewers(all, here) {
  return here > 0 && all >= here ? `${count(all)} (${count(here)} here)` : count(all);
}

/**
 * Frames that somebody missed.
 *
 * @param {Pick<Status, "dropped">} status
 * @returns {number}
 */
export function lost({ dropped }) {
  return dropped.reduce((sum, [reason, frames]) => sum + (NO_LOSS.has(reason) ? 0 : frames), 0);
}

/**
 * @param {Status} status
 * @returns {string}
 */
function kind({ format, codec, pixelFormat, width, height, sourceMs }) {
  if (format === undefined) return "No frame yet";
  // Any text may come: what has no name of its own keeps the one that it has.
  const known = /** @type {import("./wire.js").Format} */ (format);
  const name = formatName({ format: known, codec, pixelFormat });
  const size = width === undefined || height === undefined ? [] : [`${width}×${height}`];
  const isLate = sourceMs !== undefined && sourceMs >= LATE_SOURCE_MS;
  return [name, ...size, ...(isLate ? [`comes ${ms(sourceMs)} late`] : [])].join(" · ");
}

/**
 * The middle viewer's and, where it is another, the slowest one's.
 *
 * @param {number} medianMs
 * @param {number | undefined} maxMs
 * @returns {string}
 */
function latency(medianMs, maxMs) {
  const [median, max] = [medianMs, maxMs ?? medianMs].map(Math.round);
  return max === median ? `${median} ms` : `${median} / ${max} ms`;
}

/** @type {ReadonlyMap<string, string>} */
const REASONS = new Map([
  ["queue_frames", "the queue was full"],
  ["queue_bytes", "the queue was full in bytes"],
  ["publisher", "the publisher was behind"],
  ["stopped", "the relay stopped"],
  ["slow_viewer", "a viewer was behind"],
  ["overrun", "the relay was too busy"],
  ["awaiting_key_frame", "no key frame before it"],
  ["memory", "memory was used up"],
  [LEFT, "a viewer left"],
  [AS_WISHED, "left out as viewers asked"],
  [TOO_MANY, "more than the stream's rate"],
]);

/**
 * Why frames were dropped, in words; what nobody missed comes last.
 *
 * @param {Pick<Status, "dropped">} status
 * @returns {string}
 */
export function reasons({ dropped }) {
  return [...dropped]
    .sort(([a], [b]) => Number(NO_LOSS.has(a)) - Number(NO_LOSS.has(b)))
    .map(([reason, frames]) => `${count(frames)} ${REASONS.get(reason) ?? reason}`)
    .join(" · ");
}
