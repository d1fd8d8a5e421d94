/**
 * One stream: whatever is sent to it goes through its queue, leaves at once or on its tick, and
 * reaches all of its viewers. No sockets, no timers: instants are arguments, in milliseconds of one
 * monotonic clock.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import { Allowance, type AllowanceOptions, type Credit } from "./allowance.ts";
import { Broadcast, MAX_CACHE_FRAMES } from "./broadcast.ts";
import type { Budget } from "./budget.ts";
import { addDrops, type DropCounts, type DropReason, noDrops } from "./drops.ts";
import type { Feed, FrameTotals, JoinFrom } from "./feed.ts";
import type { Frame, StreamConfig } from "./frame.ts";
import { FrameQueue } from "./frame_queue.ts";
import type { LivenessReason } from "./liveness.ts";
import { type FrameInput, Numbering } from "./numbering.ts";
import { type FrameRate, Pacing, type SourceBegin, type TickStats } from "./pacing.ts";
import { type Rate, RateMeter } from "./rate_meter.ts";

/** How a publisher with credit begins. */
export interface PublisherBegin extends SourceBegin {
  /** `wait`: it loses nothing and waits; `drop`: it keeps to its own pace. */
  readonly onFull: "wait" | "drop";
  /** It goes on with the frame behind the last one that it sent here. @default {false} */
  readonly resumes?: boolean;
  /** What stands for its session towards viewers; `null` where it has none. @default {null} */
  readonly session?: string | null;
}

/** Limits of a {@linkcode Stream}. */
export interface StreamOptions extends AllowanceOptions {
  readonly name: string;
  readonly fps: FrameRate;
  /** Bytes that all streams together may keep for viewers that come or are a little behind. */
  readonly cacheBudget: Budget;
}

/** What a stream counts. */
export interface StreamNumbers {
  /** Viewers that are connected. */
  readonly viewers: number;
  /** Number of the current publisher's session or configuration; 0 before the first. */
  readonly epoch: number;
  /** What waits in the queue. */
  readonly queue: Readonly<FrameTotals>;
  /** Frames and bytes taken in. */
  readonly received: Readonly<FrameTotals>;
  /** Frames and bytes handed to the sockets of all viewers, also of those that have gone. */
  readonly sent: Readonly<FrameTotals>;
  /** Frames not delivered, by reason, also those of viewers that have gone. */
  readonly dropped: Readonly<DropCounts>;
  /** Frames and bytes a second that leave the queue, over the last three seconds. */
  readonly rate: Rate;
  /** State of the tick. */
  readonly tick: TickStats;
}

/** A stream with its queue, its pace and its viewers. */
export class Stream {
  readonly name: string;
  /** Frames and bytes taken in. */
  readonly received: FrameTotals = { frames: 0, bytes: 0 };
  readonly #numbering = new Numbering();
  readonly #allowance: Allowance;
  readonly #queue: FrameQueue<Frame>;
  readonly #pacing: Pacing;
  readonly #broadcast: Broadcast;
  readonly #meter = new RateMeter();
  /** Of the stream itself, without those of its viewers. */
  readonly #dropped = noDrops();
  /** Frames that the publisher may bring anew, before what is new. */
  #catchUpLeft = 0;
  /** Epoch of the last frame that left the queue. */
  #leftEpoch = 0;

  constructor(options: StreamOptions, nowMs: number) {
    const { name, fps, cacheBudget } = options;
    this.name = name;
    this.#allowance = new Allowance(options);
    this.#broadcast = new Broadcast(cacheBudget);
    const limits = { maxFrames: 1, maxBytes: options.maxBytes };
    const queue = new FrameQueue<Frame>(limits, ({ data }) => release(data));
    this.#queue = queue;
    this.#pacing = new Pacing({ fps, queue, broadcast: this.#broadcast }, nowMs);
    this.#limit();
  }

  /** The frame rate. */
  get fps(): FrameRate {
    return this.#pacing.fps;
  }

  /** Viewers that are connected. */
  get viewers(): number {
    return this.#broadcast.viewers;
  }

  /** The configuration of the newest frame taken in or announced. */
  get config(): StreamConfig | undefined {
    return this.#numbering.config;
  }

  /** The newest frame that has left the queue and can be decoded by itself, while it is kept. */
  get newestKey(): Frame | undefined {
    return this.#broadcast.newestKey;
  }

  /** Number of the current publisher's session or configuration; 0 before the first. */
  get epoch(): number {
    return this.#numbering.epoch;
  }

  /** Whether frames leave as they come, because their source has a pace of its own. */
  get isLive(): boolean {
    return this.#pacing.isLive;
  }

  /** Why it is live, or not. */
  get livenessReason(): LivenessReason {
    return this.#pacing.livenessReason;
  }

  /** What waits in the queue. */
  get queue(): Readonly<FrameTotals> {
    return { frames: this.#queue.frames, bytes: this.#queue.bytes };
  }

  /** Bytes in the queue, and of frames that have left it and count in no budget. */
  get keptBytes(): number {
    return this.#queue.bytes + this.#broadcast.uncountedBytes;
  }

  /** State of the tick. */
  get tick(): TickStats {
    return this.#pacing.stats;
  }

  /** Frames and bytes handed to the sockets of all viewers, also of those that have gone. */
  get sent(): FrameTotals {
    return this.#broadcast.sent;
  }

  /** Frames not delivered, by reason, also those of viewers that have gone. */
  get dropped(): DropCounts {
    const total = this.#broadcast.dropped;
    addDrops(total, this.#dropped);
    return total;
  }

  /** All that it counts. */
  numbers(nowMs: number): StreamNumbers {
    return {
      viewers: this.viewers,
      epoch: this.epoch,
      queue: this.queue,
      received: this.received,
      sent: this.sent,
      dropped: this.dropped,
      rate: this.rate(nowMs),
      tick: this.tick,
    };
  }

  /** Frames and bytes a second that leave the queue. */
  rate(nowMs: number): Rate {
    return this.#meter.rate(nowMs);
  }

  /**
   * A publisher with credit has come. A new epoch begins with its configuration, except where it
   * resumes.
   */
  begin(publisher: PublisherBegin, nowMs: number): void {
    const { onFull, resumes = false, session = null } = publisher;
    this.#numbering.begin(session, resumes);
    this.#pacing.setConfig(this.config);
    this.#pacing.setCredited(onFull);
    this.#limit();
    if (resumes) return;
    this.#catchUpLeft = MAX_CACHE_FRAMES;
    this.#allowance.setRoundTrip();
    this.#pacing.begin(publisher, nowMs);
  }

  /** The publisher with credit has gone. */
  finish(): void {
    this.#pacing.setCredited("none");
    this.#limit();
  }

  /** A client without a protocol begins to send. */
  beginBare(nowMs: number): void {
    this.#pacing.begin({}, nowMs);
  }

  /** How long a message takes to the publisher and back, in milliseconds. */
  setRoundTrip(roundTripMs: number): void {
    this.#allowance.setRoundTrip(roundTripMs);
  }

  /** Announces the configuration of the frames that follow; a change begins a new epoch. */
  configure(config: StreamConfig): void {
    this.#numbering.configure(config);
    this.#pacing.setConfig(this.config);
  }

  /** Takes a frame in, and lets frames out that are due. */
  push({ sentAs, isHeld = false, ...input }: FrameInput, nowMs: number): void {
    this.received.frames++;
    this.received.bytes += input.data.byteLength;
    const frame = this.#numbering.next(input, sentAs, nowMs);
    this.#pacing.setConfig(this.config);
    if (frame === undefined) return this.drop("awaiting_key_frame", 1);
    const isAgain = input.catchUp === true && this.#catchUpLeft > 0;
    this.#catchUpLeft = isAgain ? this.#catchUpLeft - 1 : 0;
    const { isThinned } = this.#pacing;
    if (isThinned) this.drop("stream_fps", this.#queue.clear());
    if (isThinned || !isAgain) this.#pacing.arrived(isHeld, nowMs);
    const dropped = this.#queue.push(frame);
    if (dropped !== undefined) this.drop(dropped.reason, dropped.frames);
    // What viewers have had already is not to delay what is new.
    while (isAgain && this.#queue.frames > 0) this.#letOut(nowMs);
    this.advance(nowMs);
  }

  /** The publisher has dropped `frames` of its own before the one that comes next. */
  miss(frames: number): void {
    if (frames === 0) return;
    this.drop("publisher", frames);
    this.#numbering.miss(frames);
  }

  /** Counts frames that were not taken in or not let out. */
  drop(reason: DropReason, frames: number): void {
    this.#dropped[reason] += frames;
  }

  /** Drops what waits in the queue, and with it what needs that. */
  clear(reason: DropReason): void {
    this.drop(reason, this.#queue.clear());
    this.#numbering.breakOff();
  }

  /** When {@linkcode advance} must be called next, unless something else happens before. */
  deadlineMs(): number | undefined {
    return this.#pacing.deadlineMs();
  }

  /** Lets out the frames that are due. */
  advance(nowMs: number): void {
    for (let due = this.#pacing.due(nowMs); due > 0; due = this.#pacing.due(nowMs)) {
      for (let frame = 0; frame < due; frame++) this.#letOut(nowMs);
    }
  }

  /** Whether {@linkcode step} has more to send. */
  get isBusy(): boolean {
    return this.#broadcast.isBusy;
  }

  /** Sends the next batch of what has left the queue, and lets out what may follow it. */
  step(nowMs: number): void {
    this.#broadcast.step(nowMs);
    if (!this.#broadcast.isBusy && this.#pacing.followsViewers) this.advance(nowMs);
  }

  /** Changes the frame rate; the next frame already follows it, and no frame is lost by it. */
  setFps(fps: FrameRate, nowMs: number): void {
    this.#pacing.setFps(fps, nowMs);
    this.#limit();
    this.advance(nowMs);
  }

  /**
   * Changes how many bytes may wait in the queue, and how many a publisher with credit may begin to
   * send; frames that are already in stay.
   */
  setMaxBytes(maxBytes: number, creditBytes?: number): void {
    this.#allowance.setMaxBytes(maxBytes, creditBytes);
    this.#limit();
  }

  /** Drops the oldest frame in the queue, and what needs it: memory is short. */
  shed(): void {
    const dropped = this.#queue.shed();
    if (dropped !== undefined) this.drop(dropped.reason, dropped.frames);
  }

  /** Adds a viewer; with `key` it gets the last key frame and what follows it at once. */
  join(feed: Feed, nowMs: number, from: JoinFrom = "key"): void {
    this.#broadcast.join(feed, nowMs, from);
    this.advance(nowMs);
  }

  /**
   * The relay stood still for this many milliseconds; its viewers do not count as late for that.
   */
  stoodStill(ms: number): void {
    this.#broadcast.stoodStill(ms);
  }

  /** Removes a viewer. */
  leave(feed: Feed, nowMs: number): void {
    if (this.#broadcast.leave(feed)) this.advance(nowMs);
  }

  /** Sends what waits for viewers: the stream has ended. */
  flush(nowMs: number): void {
    this.#broadcast.flush(nowMs);
  }

  /** Gives up the memory that is shared with other streams: this one is no more. */
  close(): void {
    this.#broadcast.close();
  }

  /**
   * Sends waiting frames to viewers that do not acknowledge. Returns when to call it again,
   * `Infinity` where there are no such viewers.
   */
  poll(nowMs: number): number {
    return this.#broadcast.poll(nowMs);
  }

  /** Whether what viewers confirm may let frames out. */
  get waitsForViewers(): boolean {
    return this.#queue.frames > 0 && this.#pacing.followsViewers;
  }

  /** Credit for a publisher that has sent `received` so far. */
  credit(received: Readonly<FrameTotals>): Credit {
    return this.#allowance.credit(received, this.#queue, this.#pacing);
  }

  #limit(): void {
    this.#queue.setLimits(this.#allowance.limits(this.#pacing));
  }

  #letOut(nowMs: number): void {
    const popped = this.#queue.pop();
    if (popped.state !== "ok") return;
    const isFirst = popped.frame.epoch !== this.#leftEpoch;
    const frame = isFirst ? { ...popped.frame, discontinuity: true } : popped.frame;
    this.#leftEpoch = frame.epoch;
    this.#pacing.left(nowMs);
    this.#meter.add(frame.data.byteLength, nowMs);
    this.#broadcast.push(frame, nowMs);
  }
}
