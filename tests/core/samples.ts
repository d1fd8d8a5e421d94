/** Frames, and a simulated relay in simulated time, for the tests of the core. */
import { Budget } from "../../src/core/budget.ts";
import { bareConfig, type Frame, type FrameKind, type StreamConfig } from "../../src/core/frame.ts";
import type { FrameInput } from "../../src/core/numbering.ts";
import { Stream, type StreamOptions } from "../../src/core/stream.ts";
import { GopCache, type GopCacheOptions } from "../../src/core/gop_cache.ts";
import type { JoinFrom } from "../../src/core/feed.ts";
import { ViewerDelays } from "../../src/core/viewer_delays.ts";
import { type Acknowledged, Acknowledgement } from "../../src/wire/acknowledgement.ts";
import { ViewerFeed, type ViewerFeedOptions } from "../../src/core/viewer_feed.ts";

export const MJPEG = bareConfig("mjpeg");
export const H264 = bareConfig("h264");
/** Longest delay that what is under way may stand for, unless a test says otherwise. */
const MAX_DELAY_MS = 500;

/** A frame as the relay makes it. */
export function frame(
  sequence: number,
  bytes = 10,
  receivedMs = 0,
  fields: Partial<Frame> = {},
): Frame {
  return { ...input(bytes), sequence, epoch: 1, discontinuity: false, receivedMs, ...fields };
}

/** What a frame of a format coded in time is: a key frame, a delta frame, a leading delta frame. */
export type Coded = "k" | "d" | "l";

/** Frames of a format coded in time, one for each letter; sequences count from `first`. */
export function codedFrames(
  kinds: string,
  options: { first?: number; bytes?: number } = {},
): Frame[] {
  const { first = 1, bytes = 10 } = options;
  return [...kinds].map((kind, index) =>
    frame(first + index, bytes, 0, {
      ...codedInput(kind as Coded, bytes),
      discontinuity: first + index === 1,
    })
  );
}

/** A frame of a format coded in time as it comes in. */
export function codedInput(kind: Coded, bytes = 10, config: StreamConfig = H264): FrameInput {
  const frameKind: FrameKind = kind === "k" ? "key" : "delta";
  return {
    ...input(bytes, config),
    kind: frameKind,
    leading: kind === "l",
    configuration: kind === "k",
  };
}

/** A frame as it comes in. */
export function input(bytes = 10, config: StreamConfig = MJPEG): FrameInput {
  return {
    data: new Uint8Array(bytes),
    kind: "key",
    config,
    ptsUs: null,
    captureUs: 0,
    captureAgeMs: 0,
  };
}

/** A cache with room for everything, except where `options` says otherwise. */
export function cache(options: Partial<GopCacheOptions> = {}): GopCache {
  return new GopCache({
    maxFrames: 1e6,
    maxBytes: 1e9,
    maxMs: 1e9,
    budget: new Budget(1e9),
    ...options,
  });
}

/** A stream with room for everything, except where `options` says otherwise. */
export function stream(options: Partial<StreamOptions> = {}): Stream {
  return new Stream({
    name: "test",
    fps: 30,
    bufferMs: 5000,
    sourceFrames: 1024,
    maxBytes: 1e9,
    maxCreditBytes: 1e8,
    cacheBudget: new Budget(1e9),
    ...options,
  }, 0);
}

/** A feed with room for everything, except where `options` says otherwise. */
export function feed(options: Partial<ViewerFeedOptions> = {}): ViewerFeed {
  return new ViewerFeed({
    maxDelayMs: MAX_DELAY_MS,
    maxBytes: 1e9,
    fps: null,
    budget: new Budget(1e9),
    delays: new ViewerDelays(),
    send: () => {},
    unsentBytes: null,
    ...options,
  });
}

/** A feed at a cache, and what it has sent. */
export interface Recorded {
  readonly viewer: ViewerFeed;
  /** Sequences of the frames sent, negative for catch-up. */
  readonly sent: number[];
  readonly frames: GopCache;
  /** Lets a frame out of the queue. */
  offer(frame: Frame, nowMs: number): void;
}

/** A feed that joins `frames`. */
export function recorded(
  options: Partial<ViewerFeedOptions> = {},
  frames = cache(),
  from: JoinFrom = "key",
  joinMs = 0,
): Recorded {
  const sent: number[] = [];
  const viewer = feed({
    ...options,
    send: (frame, catchUp) => sent.push(catchUp ? -frame.sequence : frame.sequence),
  });
  viewer.join(frames, from, joinMs);
  const offer = (frame: Frame, nowMs: number) => {
    frames.push(frame, nowMs);
    viewer.advance(nowMs);
    frames.trim(viewer.needsFrom);
  };
  return { viewer, sent, frames, offer };
}

/** A frame as a viewer got it. */
export interface Delivered {
  readonly sequence: number;
  readonly frame: Frame;
  /** Bytes of the frame, whose own memory may have been freed since. */
  readonly bytes: number;
  readonly catchUp: boolean;
  readonly sentMs: number;
  /** When its last byte arrived. */
  readonly arrivedMs: number;
}

/** The link to a simulated viewer. */
export interface LinkOptions {
  /** Bytes a millisecond. @default {Infinity} */
  readonly bytesPerMs?: number;
  /** Bytes that pass at once after the link was idle, as through a token bucket. @default {0} */
  readonly burstBytes?: number;
  /** Time from the viewer back to the relay in milliseconds. @default {1} */
  readonly ackMs?: number;
  /** Whether it acknowledges each frame by itself, or by the rule. @default {"each"} */
  readonly acks?: "each" | "rule";
  /** The viewer confirms nothing from this instant on. @default {Infinity} */
  readonly stalledFromMs?: number;
  /** Where the viewer begins. @default {"key"} */
  readonly from?: JoinFrom;
  readonly feed?: Partial<ViewerFeedOptions>;
}

/** Frames of a format coded in time at an even distance. */
export interface CodedOptions {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly count: number;
  /** Frames from one key frame to the next. */
  readonly gop: number;
  /** Bytes of a delta frame. */
  readonly bytes: number;
  /** Bytes of a key frame. @default {bytes} */
  readonly keyBytes?: number;
}

/** Runs a stream in simulated time: its deadlines, its viewers' links, and what a test schedules. */
export class Simulation {
  readonly stream: Stream;
  nowMs = 0;
  /** Most frames that were in the queue at once. */
  longest = 0;
  #events: { atMs: number; run: () => void }[] = [];

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Calls `run` at `atMs`. */
  at(atMs: number, run: () => void): void {
    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1]!.atMs > atMs) index--;
    this.#events.splice(index, 0, { atMs, run });
  }

  /** Pushes `count` frames, one every `intervalMs`, from `startMs` on. */
  feedFrames(
    options: { startMs: number; intervalMs: number; count: number; bytes?: number },
  ): void {
    const { startMs, intervalMs, count, bytes } = options;
    for (let n = 0; n < count; n++) {
      this.at(startMs + n * intervalMs, () => this.stream.push(input(bytes), this.nowMs));
    }
  }

  /** Pushes frames of a format coded in time. */
  feedCoded(options: CodedOptions): void {
    const { startMs, intervalMs, count, gop, bytes, keyBytes = bytes } = options;
    for (let n = 0; n < count; n++) {
      const frame = () => n % gop === 0 ? codedInput("k", keyBytes) : codedInput("d", bytes);
      this.at(startMs + n * intervalMs, () => this.stream.push(frame(), this.nowMs));
    }
  }

  /** Joins a viewer behind a link; the result fills as frames arrive. */
  view(link: LinkOptions = {}): { feed: ViewerFeed; delivered: Delivered[] } {
    const { bytesPerMs = Infinity, burstBytes = 0, ackMs = 1, stalledFromMs = Infinity } = link;
    const delivered: Delivered[] = [];
    const acknowledgement = link.acks === "rule"
      ? new Acknowledgement(link.feed?.maxDelayMs ?? MAX_DELAY_MS)
      : undefined;
    const acknowledge = (acknowledged: Acknowledged | undefined) => {
      if (acknowledged === undefined) return;
      const { sequence, heldMs } = acknowledged;
      this.at(this.nowMs + ackMs, () => {
        viewer.acknowledge(sequence, this.nowMs, heldMs);
        if (this.stream.waitsForViewers) this.stream.advance(this.nowMs);
      });
    };
    /** When the bucket would be full again. */
    let freeMs = 0;
    const viewer = feed({
      ...link.feed,
      send: (frame, catchUp) => {
        const sentMs = this.nowMs;
        const bytes = frame.data.byteLength;
        freeMs = Math.max(freeMs, sentMs) + bytes / bytesPerMs;
        const arrivedMs = Math.max(sentMs, freeMs - burstBytes / bytesPerMs);
        if (arrivedMs >= stalledFromMs) return;
        delivered.push({ sequence: frame.sequence, frame, bytes, catchUp, sentMs, arrivedMs });
        this.at(arrivedMs, () => {
          if (acknowledgement === undefined) {
            return acknowledge({ sequence: frame.sequence, heldMs: 0 });
          }
          acknowledge(acknowledgement.received(frame.sequence, this.nowMs));
          const { deadlineMs } = acknowledgement;
          if (deadlineMs === Infinity) return;
          this.at(deadlineMs, () => acknowledge(acknowledgement.due(this.nowMs)));
        });
      },
    });
    this.stream.join(viewer, this.nowMs, link.from);
    return { feed: viewer, delivered };
  }

  /** Lets time pass up to `endMs`. */
  runUntil(endMs: number): void {
    for (;;) {
      const eventMs = this.#events[0]?.atMs ?? Infinity;
      const tickMs = this.stream.deadlineMs() ?? Infinity;
      const nextMs = Math.min(eventMs, tickMs);
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (eventMs <= tickMs) this.#events.shift()!.run();
      else this.stream.advance(this.nowMs);
      this.longest = Math.max(this.longest, this.stream.queue.frames);
    }
    this.nowMs = endMs;
  }
}

/** Whole numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
