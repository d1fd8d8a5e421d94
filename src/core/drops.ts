/**
 * Why frames are not delivered, and how many.
 *
 * @module
 */

/**
 * Why a frame is not delivered: the closed set of reasons. Those without `ofViewer` among their facts
 * happen to a frame of the stream, as `stream_fps` does, and are counted once a frame; the others happen
 * between the stream and one viewer and are counted once a viewer. Only `awaiting_key_frame` is both: of
 * a stream that begins without a key frame, and of a viewer.
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
 * - `rate`: more bytes a second would have left than may
 * - `disconnected`: it was under way when the viewer's connection ended
 */
export type DropReason =
  | "queue_frames"
  | "queue_bytes"
  | "publisher"
  | "stream_fps"
  | "stopped"
  | "slow_viewer"
  | "overrun"
  | "awaiting_key_frame"
  | "viewer_fps"
  | "memory"
  | "rate"
  | "disconnected";

/** What is known of a reason. */
export interface DropFacts {
  /**
   * Whether somebody missed the frame: not where its viewer or its publisher asked for fewer, and not
   * where the viewer has left with the frame on its way.
   */
  readonly isLoss: boolean;
  /** What it says of a stream, for people. */
  readonly ofStream: string;
  /** What it says of one viewer, for people; `null` where it does not happen to one. */
  readonly ofViewer: string | null;
}

/** All facts about each reason, in the order in which they are told. */
const DROP_FACTS: Readonly<Record<DropReason, DropFacts>> = {
  queue_frames: { isLoss: true, ofStream: "the queue was full", ofViewer: null },
  queue_bytes: { isLoss: true, ofStream: "the queue was full in bytes", ofViewer: null },
  publisher: { isLoss: true, ofStream: "the publisher was behind", ofViewer: null },
  stream_fps: {
    isLoss: false,
    ofStream: "the source was faster than the stream",
    ofViewer: "the source is faster than the stream",
  },
  stopped: { isLoss: true, ofStream: "the relay stopped", ofViewer: null },
  slow_viewer: {
    isLoss: true,
    ofStream: "a viewer was behind",
    ofViewer: "this viewer was behind",
  },
  overrun: {
    isLoss: true,
    ofStream: "the relay was too busy",
    ofViewer: "the relay was too busy",
  },
  awaiting_key_frame: {
    isLoss: true,
    ofStream: "needed a key frame",
    ofViewer: "waiting for a key frame",
  },
  viewer_fps: {
    isLoss: false,
    ofStream: "a viewer asked for fewer",
    ofViewer: "this viewer asked for fewer frames",
  },
  memory: {
    isLoss: true,
    ofStream: "memory was used up",
    ofViewer: "the relay’s memory was used up",
  },
  rate: {
    isLoss: true,
    ofStream: "the rate for viewers was used up",
    ofViewer: "the rate for this viewer was used up",
  },
  disconnected: {
    isLoss: false,
    ofStream: "a viewer left",
    ofViewer: "the connection ended",
  },
};

/** All reasons. */
export const DROP_REASONS: readonly DropReason[] = Object.keys(DROP_FACTS) as DropReason[];

/** What is known of a reason; `undefined` for one of a newer relay. */
export function dropFacts(reason: string): DropFacts | undefined {
  return Object.hasOwn(DROP_FACTS, reason) ? DROP_FACTS[reason as DropReason] : undefined;
}

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

/** Whether somebody missed a frame that was dropped for this reason; also where it is not known. */
export function isLoss(reason: string): boolean {
  return dropFacts(reason)?.isLoss ?? true;
}

/** Sum over the reasons that are a loss; a relay of another release may leave some out. */
export function lostFrames(counts: Readonly<Partial<DropCounts>>): number {
  return DROP_REASONS.reduce((sum, reason) => sum + (isLoss(reason) ? counts[reason] ?? 0 : 0), 0);
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
