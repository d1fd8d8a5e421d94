/**
 * Who watches a stream, and what they need of it.
 *
 * @module
 */
import type { Feed, JoinFrom } from "../core/feed.ts";
import type { Frame } from "../core/frame.ts";
import type { FrameRate } from "../core/pacing.ts";
import type { ViewerDelays } from "../core/viewer_delays.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";
import type { Encodings } from "./encodings.ts";

/** Whoever frames are sent to. */
export interface Viewer<F extends Feed = Feed> {
  readonly feed: F;
  /** Where the viewer begins. */
  readonly joinFrom: JoinFrom;
  /** The stream is there, and its frames follow. */
  welcome(): void;
  /** The stream's publisher has ended it. */
  ended(): void;
  /** The stream's frame rate has changed, or its publisher has come or gone. */
  changed?(): void;
  /** Numbers, once a second. */
  report(status: StreamStatus): void;
  close(code: number, reason: string): void;
  /** Ends the connection at once, where that frees what it holds. Absent: {@linkcode close} does. */
  breakOff?(code: number, reason: string): void;
}

/** A stream as its viewers' connections see it. */
export interface WatchedStream {
  /** The stream's name. */
  readonly name: string;
  /** Name of the stream's run; sequences of different runs do not compare. */
  readonly run: string;
  /** Frames a second, or `source`. */
  readonly fps: FrameRate;
  /** Whether somebody publishes. */
  readonly isPublishing: boolean;
  /** The newest frame that viewers may have and can decode by itself, while it is kept. */
  readonly newestKey: Frame | undefined;
  /** What is made of its frames for all viewers. */
  readonly encodings: Encodings;
  /** Where delays of frames to its viewers are counted. */
  readonly delays: ViewerDelays;
  /** The connected viewers, in the order in which they came. */
  readonly viewers: Iterable<Viewer>;
  /** Adds a viewer, which is welcomed first; it is closed where the stream cannot be had. */
  join(viewer: Viewer<ViewerFeed>): void;
  /** Removes a viewer. */
  leave(viewer: Viewer): void;
  /**
   * A viewer has confirmed frames, and had the newest of them for `heldMs`. Returns false where it
   * confirms a frame that it did not get.
   */
  acknowledge(viewer: Viewer<ViewerFeed>, sequence: number, heldMs?: number): boolean;
}

/**
 * Ends the one of these viewers of a stream that has that number, and tells it why; false where there is
 * none. It has left then, however long its connection takes to.
 */
export function endViewer<V extends Viewer>(
  stream: Pick<WatchedStream, "leave">,
  viewers: Iterable<readonly [V, number]>,
  { id, reason }: { readonly id: number; readonly reason: string },
): boolean {
  for (const [viewer, own] of viewers) {
    // The numbers of threads, which stand for viewers of their own, are nobody's to see.
    if (own !== id || !(viewer.feed instanceof ViewerFeed)) continue;
    viewer.close(CLOSE.ended, reason);
    stream.leave(viewer);
    return true;
  }
  return false;
}

/** A viewer's own numbers. */
export function viewerStatus(feed: ViewerFeed): ViewerStatus {
  const { latency } = feed;
  return {
    confirming: feed.isConfirming,
    latencyMs: feed.isConfirming ? latency?.totalMs ?? null : null,
    relayMs: latency?.relayMs ?? null,
    roundTripMs: feed.isConfirming ? latency?.roundTripMs ?? null : null,
    sent: feed.sent,
    dropped: feed.dropped,
    underWay: feed.underWay,
  };
}
