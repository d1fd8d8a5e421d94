/**
 * Why frames are not delivered, and how many.
 *
 * @module
 */

/**
 * The closed set of reasons. The first five happen to a frame of the stream and are counted once a
 * frame; the others happen between the stream and one viewer and are counted once a viewer. Only
 * `awaiting_key_frame` is both: of a stream that begins without a key frame, and of a viewer.
 *
 * - `queue_frames`: the queue was full in frames; its oldest frame left, with those that need it
 * - `queue_bytes`: the queue was full in bytes; its oldest frame left, with those that need it
 * - `publisher`: the publisher dropped it before sending (`--on-full drop`)
 * - `stream_fps`: its source was faster than the stream, and a newer picture took its place
 * - `stopped`: it stood in the queue when the relay stopped
 * - `slow_viewer`: the viewer was behind and skipped it
 * - `overrun`: the relay came to send it too late, and newer ones were there
 * - `awaiting_key_frame`: it cannot be decoded after what was skipped before it
 * - `viewer_fps`: the viewer asked for fewer frames a second
 * - `memory`: the relay's memory for frames under way was used up
 * - `disconnected`: it was under way when the viewer's connection ended
 */
export const DROP_REASONS = [
  "queue_frames",
  "queue_bytes",
  "publisher",
  "stream_fps",
  "stopped",
  "slow_viewer",
  "overrun",
  "awaiting_key_frame",
  "viewer_fps",
  "memory",
  "disconnected",
] as const;

/** One of {@linkcode DROP_REASONS}. */
export type DropReason = typeof DROP_REASONS[number];

/** Frames dropped, by reason. */
export type DropCounts = Record<DropReason, number>;

/** Counts that are all zero. */
export function noDrops(): DropCounts {
  return Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as DropCounts;
}

/** Adds `more` to `total`, reason by reason. */
export function addDrops(total: DropCounts, more: Readonly<DropCounts>): void {
  for (const reason of DROP_REASONS) total[reason] += more[reason];
}

const NO_LOSS: ReadonlySet<DropReason> = new Set(["viewer_fps", "stream_fps", "disconnected"]);

/**
 * Whether somebody missed the frame: not where its viewer or its publisher asked for fewer, and not
 * where the viewer has left with the frame on its way.
 */
export function isLoss(reason: DropReason): boolean {
  return !NO_LOSS.has(reason);
}

/** Sum over the reasons that are a loss. */
export function lostFrames(counts: Readonly<DropCounts>): number {
  return DROP_REASONS.reduce((sum, reason) => sum + (isLoss(reason) ? counts[reason] : 0), 0);
}

/**
 * Sum over all reasons.
 *
 * @example
 * ```ts
 * import { findStream, totalDrops } from "@stream/relay/client";
 *
 * console.log(totalDrops((await findStream("ws://127.0.0.1:8080/cam")).dropped));
 * ```
 */
export function totalDrops(counts: Readonly<DropCounts>): number {
  return DROP_REASONS.reduce((sum, reason) => sum + counts[reason], 0);
}
