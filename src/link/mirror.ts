/**
 * A stream that is elsewhere, for the viewers that are here: it comes over a link.
 *
 * @module
 */
import { Broadcast, HOLD_MS } from "../core/broadcast.ts";
import type { Frame } from "../core/frame.ts";
import type { ShardNumbers } from "../core/shard_feed.ts";
import type { FrameRate } from "../core/pacing.ts";
import { ViewerDelays } from "../core/viewer_delays.ts";
import type { ViewerFeed } from "../core/viewer_feed.ts";
import type { Budget } from "../core/budget.ts";
import type { Clock } from "../host/clock.ts";
import type { ListedViewer, StreamStatus } from "../wire/control_message.ts";
import { Encodings } from "../relay/encodings.ts";
import type { Keeper, KeptFrames } from "../relay/kept_frames.ts";
import type { Link, LinkNews, StreamState } from "./link.ts";
import type { Batched, Turns } from "../relay/turns.ts";
import { endViewer, type Viewer, viewerStatus, type WatchedStream } from "../relay/viewer.ts";

/** How often to check whether the fastest viewer would take a frame, in milliseconds. */
const READY_STEP_MS = 10;

/** What a {@linkcode Mirror} works with. */
export interface MirrorOptions {
  readonly clock: Clock;
  readonly turns: Turns;
  /** Bytes that all streams together may keep. */
  readonly cached: Budget;
  /** Where it counts what it keeps beside that. */
  readonly kept: KeptFrames;
  /** The way to the stream. */
  readonly link: Link;
  /** Tells it from mirrors of the same stream that were there before. */
  readonly subscription: number;
  /** Gives the next viewer its number. */
  readonly numberViewer: () => number;
  /** Told when no viewer is left. */
  readonly onIdle: (mirror: Mirror) => void;
}

/** One viewer in a list of which several places have a part. */
export interface PlacedViewer {
  /** When it came, on a clock that all places have, in milliseconds. */
  readonly cameMs: number;
  readonly listed: ListedViewer;
}

/** One stream for the viewers that are here. */
export class Mirror implements WatchedStream, Batched, Keeper {
  /** Frames wait in the queue where the stream is. */
  readonly queuedBytes = 0;
  readonly name: string;
  readonly encodings = new Encodings();
  readonly delays = new ViewerDelays();
  readonly #options: MirrorOptions;
  readonly #broadcast: Broadcast;
  /** The viewers, the number of each, and when it came. */
  readonly #viewers = new Map<
    Viewer<ViewerFeed>,
    { readonly id: number; readonly cameMs: number }
  >();
  /** The stream's run; empty until it is open. */
  #run = "";
  #state: StreamState = { fps: "source", isPublishing: false };
  /** Sequence of the last frame that came, and of the last that is known to have been sent. */
  #came = 0;
  #told = 0;
  #cameMs = -Infinity;
  #wasReady = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(name: string, options: MirrorOptions) {
    this.name = name;
    this.#options = options;
    this.#broadcast = new Broadcast(options.cached);
    options.link.tell({ type: "subscribe", name, subscription: options.subscription });
  }

  get run(): string {
    return this.#run;
  }

  get fps(): FrameRate {
    return this.#state.fps;
  }

  get isPublishing(): boolean {
    return this.#state.isPublishing;
  }

  get newestKey(): Frame | undefined {
    return this.#broadcast.newestKey;
  }

  get viewers(): Iterable<Viewer<ViewerFeed>> {
    return this.#viewers.keys();
  }

  /** What is known of the viewers, also of those that have gone. */
  numbers(): ShardNumbers {
    return {
      viewers: this.#viewers.size,
      sent: this.#broadcast.sent,
      dropped: this.#broadcast.dropped,
      latencies: [...this.viewers].flatMap(({ feed }) => feed.latencies),
      delays: this.delays.copy(),
    };
  }

  /** Numbers of at most `limit` viewers, those that came first. */
  listed(limit: number): PlacedViewer[] {
    return [...this.#viewers].slice(0, limit).map(([{ feed }, { id, cameMs }]) => ({
      cameMs,
      listed: { id, ...viewerStatus(feed) },
    }));
  }

  /** Ends the viewer with that number, with a reason that is told; false where there is none here. */
  endViewer(id: number, reason: string): boolean {
    const numbered = [...this.#viewers].map(([viewer, { id }]) => [viewer, id] as const);
    return endViewer(this, numbered, { id, reason });
  }

  /** The relay stood still for so many milliseconds. */
  stoodStill(ms: number): void {
    this.#broadcast.stoodStill(ms);
  }

  join(viewer: Viewer<ViewerFeed>): void {
    const { clock, numberViewer } = this.#options;
    this.#viewers.set(viewer, { id: numberViewer(), cameMs: clock.nowMs() });
    if (this.#isOpen) this.#admit(viewer);
  }

  leave(viewer: Viewer<ViewerFeed>): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#broadcast.leave(viewer.feed);
    this.#settle();
    if (this.#viewers.size > 0 || this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#options.link.tell({ type: "unsubscribe", name: this.name, numbers: this.numbers() });
    this.forget();
    this.#options.onIdle(this);
  }

  forget(): void {
    this.#broadcast.close();
    this.encodings.clear();
    this.#count();
  }

  shed(): void {}

  acknowledge(viewer: Viewer<ViewerFeed>, sequence: number, heldMs?: number): boolean {
    const isKnown = viewer.feed.acknowledge(sequence, this.#options.clock.nowMs(), heldMs);
    if (isKnown && !this.#wasReady) this.#settle();
    return isKnown;
  }

  /** Takes what comes over the link about this stream. */
  receive(message: LinkNews): void {
    // What answers another subscription, or comes before its answer, is for viewers who have gone.
    if (message.type === "opened" || message.type === "refused") {
      if (message.subscription !== this.#options.subscription) return;
    } else if (!this.#isOpen) return;
    switch (message.type) {
      case "opened":
        this.#open(message);
        break;
      case "state":
        this.#state = message.state;
        break;
      case "frame":
        this.#push(message.frame);
        break;
      case "missed":
        this.#broadcast.miss(message.frames);
        break;
      case "ended":
        this.#broadcast.flush(this.#options.clock.nowMs());
        for (const viewer of this.viewers) viewer.ended();
        break;
      case "report":
        this.#report(message.status);
        break;
      case "refused":
        for (const viewer of [...this.viewers]) {
          viewer.close(message.code, message.reason);
          // Who comes while these say goodbye must ask anew.
          this.leave(viewer);
        }
        break;
      case "dismiss":
        for (const viewer of [...this.viewers]) viewer.close(message.code, message.reason);
        break;
    }
  }

  takeTurn(): boolean {
    this.#broadcast.step(this.#options.clock.nowMs());
    if (!this.#broadcast.isBusy) this.#settle();
    return this.#broadcast.isBusy;
  }

  get #isOpen(): boolean {
    return this.#run !== "";
  }

  #open(message: LinkNews & { readonly type: "opened" }): void {
    this.#run = message.run;
    this.#state = message.state;
    this.#broadcast.restore(message);
    this.#count();
    for (const viewer of this.viewers) this.#admit(viewer);
  }

  #admit(viewer: Viewer<ViewerFeed>): void {
    viewer.welcome();
    this.#broadcast.join(viewer.feed, this.#options.clock.nowMs(), viewer.joinFrom);
    this.#settle();
  }

  #push(frame: Frame): void {
    const nowMs = this.#options.clock.nowMs();
    this.#came = frame.sequence;
    this.#cameMs = nowMs;
    this.#broadcast.push(frame, nowMs);
    this.#settle();
    this.#count();
  }

  #count(): void {
    this.#options.kept.set(this, this.#broadcast.uncountedBytes + this.encodings.copiedBytes);
  }

  #report(status: StreamStatus): void {
    for (const viewer of this.viewers) viewer.report(status);
  }

  /** Acts on a change: asks for another turn, reports that frames were sent, or sets a timer. */
  #settle(): void {
    if (this.#isClosed) return;
    const { clock, turns, link } = this.#options;
    if (this.#broadcast.isBusy) return turns.add(this);
    const nowMs = clock.nowMs();
    const pollMs = this.#broadcast.poll(nowMs);
    const fastest = this.#broadcast.fastest(nowMs);
    const isReady = fastest?.isReady(nowMs) ?? true;
    if (this.#told !== this.#came || isReady !== this.#wasReady) {
      this.#told = this.#came;
      this.#wasReady = isReady;
      link.tell({
        type: "passed",
        name: this.name,
        sequence: this.#came,
        rate: fastest?.rate ?? 0,
        isReady,
      });
    }
    const isHeld = !isReady && nowMs - this.#cameMs < HOLD_MS;
    const dueMs = Math.min(pollMs, isHeld ? nowMs + READY_STEP_MS : Infinity);
    clearTimeout(this.#timer);
    if (dueMs < Infinity) this.#timer = setTimeout(() => this.#settle(), dueMs - nowMs);
  }
}
