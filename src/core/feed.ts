/**
 * What a stream sends to: one viewer, or a thread that sends on to viewers of its own.
 *
 * @module
 */
import type { DropCounts } from "./drops.ts";
import type { Latency } from "./flight_window.ts";
import type { GopCache } from "./gop_cache.ts";

/** Frames and bytes. */
export interface FrameTotals {
  /** How many frames. */
  frames: number;
  /** Bytes of all of them. */
  bytes: number;
}

/**
 * Where a viewer starts: at the last key frame, with everything since, or at the next key frame.
 */
export type JoinFrom = "key" | "live";

/** Sends the frames that have left the queue, in order, as far as the link has room. */
export interface Feed {
  /** Viewers that it stands for. */
  readonly viewers: number;
  /** Frames and bytes handed to sockets. */
  readonly sent: Readonly<FrameTotals>;
  /** Frames that its viewers did not get. */
  readonly dropped: Readonly<DropCounts>;
  /** The best rate of the way in bytes a millisecond; 0 before it is measured. */
  readonly rate: number;
  /** How long the last frame took to each viewer that confirms what it has received. */
  readonly latencies: readonly Latency[];
  /** Position in the cache from which on it still needs frames; `Infinity` where it needs none. */
  readonly needsFrom: number;
  /**
   * Whether a frame waits for {@linkcode advance}, and no acknowledgement will say when to call it.
   */
  readonly needsPolling: boolean;
  /** Whether its viewers confirm what they have received. */
  readonly isConfirming: boolean;
  /**
   * Whether the next frame may follow where no frame is to be lost. It is false where the relay
   * itself is behind, not the viewers. Absent: it always may.
   */
  keepsUp?(nowMs: number): boolean;
  /** The relay stood still for this long: frames under way have not aged by it. */
  stoodStill(ms: number): void;
  /** Frames that the viewers should have got were lost before they came to this feed. */
  miss(frames: number): void;
  /** Begins to send the frames of `cache`. */
  join(cache: GopCache, from: JoinFrom, nowMs: number): void;
  /** Sends what there is room for by now, and gives up what has waited for too long. */
  advance(nowMs: number): void;
  /** Sends what waits although there is no room: nothing follows it. */
  flush(nowMs: number): void;
  /** Whether the next frame would be sent at once. */
  isReady(nowMs: number): boolean;
  /** How long the oldest frame has been under way, in milliseconds; 0 when none is. */
  ageMs(nowMs: number): number;
  /** How long none of what is under way has been confirmed, or has drained, in milliseconds. */
  stalledMs(nowMs: number): number;
  /** Ends it: what was under way or waited counts as dropped. Repeating it does nothing. */
  close(): void;
}
