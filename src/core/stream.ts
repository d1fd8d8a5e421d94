/**
 * One stream: whatever is sent to it goes through its queue, leaves at once or on its tick, and
 * reaches all of its viewers. No sockets, no timers: instants are arguments, in milliseconds of one
 * monotonic clock.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import type { Budget } from "./budget.ts";
import { addDrops, type DropCounts, type DropReason, noDrops } from "./drops.ts";
import { FanOut } from "./fan_out.ts";
import type { Feed, FrameTotals, JoinFrom } from "./feed.ts";
import { type Frame, type Origin, sameConfig, type StreamConfig } from "./frame.ts";
import { FrameQueue } from "./frame_queue.ts";
import { GopCache } from "./gop_cache.ts";
import { Liveness, type LivenessReason } from "./liveness.ts";
import { type Rate, RateMeter } from "./rate_meter.ts";
import { isCodedInTime } from "./stream_format.ts";
import { Thinning } from "./thinning.ts";
import { Tick } from "./tick.ts";

/** Frames a second, or `source`: frames leave as they come. */
export type FrameRate = number | "source";

/**
 * What a publisher may have in the queue and under way beyond its round trip, in milliseconds of the
 * frame rate: what a start or a hiccup brings at once from a source that is live; and from one that
 * waits for the tick, what bridges the publisher's own pauses.
 */
const LIVE_CREDIT_MS = 1000;
const TICK_CREDIT_MS = 200;
/** Least and most frames of that. */
const MIN_CREDIT_FRAMES = 3;
const MAX_CREDIT_FRAMES = 250;
/** Least rate that credit is reckoned with where frames need not wait for a tick. */
const SOURCE_FPS = 60;
/** Length of the queue of bare clients that is not drained, in milliseconds of the frame rate. */
const BARE_TARGET_MS = 250;
/** Round trip of a publisher that is not known yet, and the longest that counts, in milliseconds. */
const UNKNOWN_ROUND_TRIP_MS = 250;
const MAX_ROUND_TRIP_MS = 2000;
/** Highest rate that a video coded in time is believed to have by what it says itself. */
const MAX_NOMINAL_FPS = 300;
/** How long each frame of a live source waits for the fastest viewer behind a hiccup, in milliseconds. */
const LIVE_HOLD_MS = 250;
/** For how long after a hiccup frames wait for that viewer at all, in milliseconds. */
const MAKE_UP_MS = 2000;
/** Most frames that are kept for viewers that come. */
export const MAX_CACHE_FRAMES = 1800;
/** Longest time since the last key frame for which they are kept, in milliseconds. */
export const MAX_CACHE_MS = 30_000;
/** Longest time that a frame waits for a viewer where there is no tick, in milliseconds. */
export const HOLD_MS = 1000;

/** How a publisher with credit begins. */
export interface PublisherBegin {
  /** `wait`: it loses nothing and waits; `drop`: it keeps to its own pace. */
  readonly onFull: "wait" | "drop";
  /** It goes on with the frame behind the last one that it sent here. @default {false} */
  readonly resumes?: boolean;
  /** What stands for its session towards viewers; `null` where it has none. @default {null} */
  readonly session?: string | null;
  /** Whether its source is live; `null` where that is to be seen. @default {null} */
  readonly live?: boolean | null;
  /** How long its source, which was live, has been held up, in milliseconds. @default {0} */
  readonly heldMs?: number;
}

/** Limits of a {@linkcode Stream}. */
export interface StreamOptions {
  readonly name: string;
  readonly fps: FrameRate;
  /** Length of the queue in milliseconds of the frame rate; its frames are this × fps. */
  readonly bufferMs: number;
  /** Longest queue in frames where there is no tick. */
  readonly sourceFrames: number;
  /** Most bytes in the queue. */
  readonly maxBytes: number;
  /** Most bytes that a publisher with credit may have in the queue and under way. */
  readonly maxCreditBytes: number;
  /** Bytes that all streams together may keep for viewers that come or are a little behind. */
  readonly cacheBudget: Budget;
}

/** A frame as it comes in. Its data belong to the stream, which frees them when nobody needs them. */
export interface FrameInput
  extends Omit<Frame, "sequence" | "origin" | "epoch" | "discontinuity" | "receivedMs"> {
  /** The sequence under which its publisher sent it. Absent: a client without a session sent it. */
  readonly sentAs?: number;
  /** Whether the publisher had to wait for credit before it read the frame. Absent: false. */
  readonly isHeld?: boolean;
}

/** Totals that a publisher may reach; it may begin a frame while it is below both. */
export interface Credit {
  readonly frames: number;
  readonly bytes: number;
}

/** State of a tick. */
export interface TickStats {
  /** Frames that left on a tick. */
  readonly fired: number;
  /** Deadlines that passed while the program was busy. */
  readonly overruns: number;
  /** Lag of the last tick in milliseconds. */
  readonly lagMs: number;
}

/** A stream with its queue, its tick and its viewers. */
export class Stream {
  readonly name: string;
  /** Frames and bytes taken in. */
  readonly received: FrameTotals = { frames: 0, bytes: 0 };
  readonly #options: StreamOptions;
  readonly #queue: FrameQueue<Frame>;
  readonly #cache: GopCache;
  readonly #fanOut: FanOut;
  readonly #meter = new RateMeter();
  /** Of the stream itself, without those of its viewers. */
  readonly #dropped = noDrops();
  #tick: Tick | undefined;
  #fired = 0;
  #overruns = 0;
  #lagMs = 0;
  /** When the last frame left. */
  #leftMs = -Infinity;
  /** Since when what a hiccup has left behind is being sent, while it is. */
  #makingUpSinceMs: number | undefined;
  readonly #backlog = new Backlog();
  #liveness: Liveness;
  #thinning = new Thinning();
  /** When the picture that waits leaves at the latest, where pictures are left out. */
  #thinnedMs = -Infinity;
  #roundTripMs = UNKNOWN_ROUND_TRIP_MS;
  #config: StreamConfig | undefined;
  #epoch = 0;
  #sequence = 0;
  /** Stands for the session of the publisher that frames come from, `null` where it has none. */
  #session: string | null = null;
  #origin: Origin | undefined;
  /** Frames that the publisher may bring anew, before what is new. */
  #catchUpLeft = 0;
  /** Whether what comes next cannot be decoded unless it is a key frame. */
  #awaitsKey = true;
  /** Epoch of the last frame that left the queue. */
  #leftEpoch = 0;
  /** `wait` and `drop`: a publisher with credit; `none`: the queue overflows instead. */
  #credited: "wait" | "drop" | "none" = "none";
  #maxBytes: number;

  constructor(options: StreamOptions, nowMs: number) {
    this.name = options.name;
    this.#options = options;
    this.#maxBytes = options.maxBytes;
    this.#tick = options.fps === "source" ? undefined : new Tick(options.fps, nowMs);
    this.#liveness = new Liveness({ isPresumed: this.#tick !== undefined }, nowMs);
    this.#queue = new FrameQueue(this.#limits());
    this.#cache = new GopCache({
      maxFrames: MAX_CACHE_FRAMES,
      maxBytes: options.cacheBudget.limit,
      maxMs: MAX_CACHE_MS,
      budget: options.cacheBudget,
    });
    this.#fanOut = new FanOut(this.#cache);
  }

  /** The frame rate. */
  get fps(): FrameRate {
    return this.#tick?.fps ?? "source";
  }

  /** Viewers that are connected. */
  get viewers(): number {
    return this.#fanOut.viewers;
  }

  /** The configuration of the newest frame taken in or announced. */
  get config(): StreamConfig | undefined {
    return this.#config;
  }

  /** The newest frame that has left the queue and can be decoded by itself, while it is kept. */
  get newestKey(): Frame | undefined {
    return this.#cache.key?.frame;
  }

  /** Number of the current publisher's session or configuration; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether frames leave as they come, because their source has a pace of its own. */
  get isLive(): boolean {
    return this.#leavesAtOnce || this.#liveness.isLive;
  }

  /** Why it is live, or not. */
  get livenessReason(): LivenessReason {
    return this.#liveness.reason;
  }

  /** What waits in the queue. */
  get queue(): Readonly<FrameTotals> {
    return { frames: this.#queue.frames, bytes: this.#queue.bytes };
  }

  /** State of the tick. */
  get tick(): TickStats {
    return { fired: this.#fired, overruns: this.#overruns, lagMs: this.#lagMs };
  }

  /** Frames and bytes handed to the sockets of all viewers, also of those that have gone. */
  get sent(): FrameTotals {
    return this.#fanOut.sent;
  }

  /** Frames not delivered, by reason, also those of viewers that have gone. */
  get dropped(): DropCounts {
    const total = this.#fanOut.dropped;
    addDrops(total, this.#dropped);
    return total;
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
    const { onFull, resumes = false, session = null, live = null, heldMs = 0 } = publisher;
    if (!resumes || session !== this.#session) this.#config = undefined;
    this.#session = session;
    this.#credited = onFull;
    this.#queue.setLimits(this.#limits());
    if (resumes) return;
    this.#catchUpLeft = MAX_CACHE_FRAMES;
    this.#roundTripMs = UNKNOWN_ROUND_TRIP_MS;
    this.#judge(nowMs, live, heldMs);
  }

  /** The publisher with credit has gone. */
  finish(): void {
    this.#credited = "none";
    this.#queue.setLimits(this.#limits());
  }

  /** A client without a protocol begins to send. */
  beginBare(nowMs: number): void {
    this.#judge(nowMs);
  }

  /** How long a message takes to the publisher and back, in milliseconds. */
  setRoundTrip(roundTripMs: number): void {
    this.#roundTripMs = Math.min(Math.max(0, roundTripMs), MAX_ROUND_TRIP_MS);
  }

  /** Announces the configuration of the frames that follow; a change begins a new epoch. */
  configure(config: StreamConfig): void {
    if (this.#config !== undefined && sameConfig(this.#config, config)) return;
    this.#config = config;
    this.#epoch++;
    this.#awaitsKey = true;
  }

  /** Takes a frame in, and lets frames out that are due. */
  push({ sentAs, isHeld = false, ...input }: FrameInput, nowMs: number): void {
    if (sentAs === undefined && this.#session !== null) {
      this.#session = null;
      this.#config = undefined;
    }
    this.configure(input.config);
    this.received.frames++;
    this.received.bytes += input.data.byteLength;
    const sequence = ++this.#sequence;
    if (input.kind === "key") this.#awaitsKey = false;
    else if (this.#awaitsKey) return this.drop("awaiting_key_frame", 1);
    const frame: Frame = {
      ...input,
      ...this.#originOf(sequence, sentAs),
      sequence,
      epoch: this.#epoch,
      discontinuity: false,
      receivedMs: nowMs,
    };
    const isAgain = input.catchUp === true && this.#catchUpLeft > 0;
    this.#catchUpLeft = isAgain ? this.#catchUpLeft - 1 : 0;
    if (this.#isThinned) this.#thin(nowMs);
    else if (!isAgain) this.#pace(isHeld, nowMs);
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
    this.#sequence += frames;
    this.#awaitsKey = true;
  }

  /** Counts frames that were not taken in or not let out. */
  drop(reason: DropReason, frames: number): void {
    this.#dropped[reason] += frames;
  }

  /** Drops what waits in the queue, and with it what needs that. */
  clear(reason: DropReason): void {
    this.drop(reason, this.#queue.clear());
    this.#awaitsKey = true;
  }

  /** When {@linkcode advance} must be called next, unless something else happens before. */
  deadlineMs(): number | undefined {
    const oldest = this.#queue.oldest;
    if (oldest === undefined) return undefined;
    if (this.#isThinned) return this.#thinnedMs;
    if (this.isLive) return this.#heldUntilMs(oldest);
    return this.#tick === undefined ? oldest.receivedMs + HOLD_MS : this.#tick.deadlineMs;
  }

  /** Lets out the frames that are due. */
  advance(nowMs: number): void {
    if (this.#isThinned) {
      if (this.#queue.frames > 0 && nowMs >= this.#thinnedMs) this.#letOutThinned(nowMs);
    } else if (this.#tick === undefined || this.isLive) {
      while (this.#queue.frames > 0 && this.#mayLeave(nowMs)) {
        this.#letOutBetween(nowMs);
      }
    } else if (this.#queue.frames > 0) {
      this.#fire(this.#tick, nowMs);
    }
  }

  /** Whether {@linkcode step} has more to send. */
  get isBusy(): boolean {
    return this.#fanOut.isBusy;
  }

  /** Sends the next batch of what has left the queue, and lets out what may follow it. */
  step(nowMs: number): void {
    this.#fanOut.step(nowMs);
    if (!this.#fanOut.isBusy && this.#followsViewers) this.advance(nowMs);
  }

  /** Changes the frame rate; the next frame already follows it, and no frame is lost by it. */
  setFps(fps: FrameRate, nowMs: number): void {
    if (fps === "source") this.#tick = undefined;
    else if (this.#tick === undefined) this.#tick = new Tick(fps, nowMs);
    else this.#tick.setFps(fps, nowMs);
    this.#queue.setLimits(this.#limits());
    this.advance(nowMs);
  }

  /** Changes how many bytes may wait in the queue; frames that are already in stay. */
  setMaxBytes(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#queue.setLimits(this.#limits());
  }

  /** Adds a viewer; with `key` it gets the last key frame and what follows it at once. */
  join(feed: Feed, nowMs: number, from: JoinFrom = "key"): void {
    this.#fanOut.join(feed, nowMs, from);
    this.advance(nowMs);
  }

  /** The relay stood still for so many milliseconds: its viewers are not late for that. */
  stoodStill(ms: number): void {
    this.#fanOut.stoodStill(ms);
  }

  /** Removes a viewer. */
  leave(feed: Feed, nowMs: number): void {
    if (this.#fanOut.leave(feed)) this.advance(nowMs);
  }

  /** Sends what waits for viewers: the stream has ended. */
  flush(nowMs: number): void {
    this.#fanOut.flush(nowMs);
  }

  /** Gives up the memory that is shared with other streams: this one is no more. */
  close(): void {
    this.#cache.clear();
  }

  /**
   * Sends held frames to viewers that announce nothing; returns when to do so again, `Infinity` where
   * there are none.
   */
  poll(nowMs: number): number {
    return this.#fanOut.poll(nowMs);
  }

  /** Whether what viewers confirm may let frames out. */
  get waitsForViewers(): boolean {
    return this.#queue.frames > 0 && this.#followsViewers;
  }

  /**
   * Credit for a publisher that has sent `received` so far: what it may have in the queue and under
   * way bridges its round trip, and more where that delays nothing.
   */
  credit(received: Readonly<FrameTotals>): Credit {
    const bytes = Math.min(this.#options.maxCreditBytes, this.#maxBytes);
    return {
      frames: received.frames - this.#queue.frames + this.#creditFrames(),
      bytes: received.bytes - this.#queue.bytes + bytes,
    };
  }

  #originOf(sequence: number, sentAs: number | undefined): { readonly origin?: Origin } {
    if (sentAs === undefined || this.#session === null) return {};
    const offset = sequence - sentAs;
    if (this.#origin?.session !== this.#session || this.#origin.offset !== offset) {
      this.#origin = { session: this.#session, offset };
    }
    return { origin: this.#origin };
  }

  #creditFrames(): number {
    const tickFps = this.#tick?.fps ?? 0;
    const fps = this.#tick === undefined || this.#isCoded ? Math.max(tickFps, SOURCE_FPS) : tickFps;
    // Pictures of a source that is too fast come all the same, so that the relay leaves out evenly.
    const roundTripFrames = fps * this.#roundTripMs / 1000 * (this.#credited === "drop" ? 2 : 1);
    const isThin = this.#credited === "drop" && !this.#isCoded;
    const waitsForTick = this.#tick !== undefined && this.#liveness.isHeld;
    const beyondMs = isThin ? 0 : waitsForTick ? TICK_CREDIT_MS : LIVE_CREDIT_MS;
    const beyond = Math.max(fps * beyondMs / 1000, MIN_CREDIT_FRAMES);
    return Math.min(MAX_CREDIT_FRAMES, Math.ceil(roundTripFrames + beyond));
  }

  get #isCoded(): boolean {
    return this.#config !== undefined && isCodedInTime(this.#config.format);
  }

  /** Whether pictures that are one too many for the tick are left out. */
  get #isThinned(): boolean {
    return this.#credited === "drop" && this.#tick !== undefined && !this.#isCoded;
  }

  /** Whether no frame waits for the tick: a camera coded in time loses more by that than it gains. */
  get #leavesAtOnce(): boolean {
    return this.#credited === "drop" && this.#isCoded;
  }

  get #followsViewers(): boolean {
    return !this.#isThinned && (this.#tick === undefined || this.isLive);
  }

  #judge(nowMs: number, live: boolean | null = null, heldMs = 0): void {
    const isPresumed = this.#tick !== undefined && this.#queue.frames === 0;
    this.#liveness = new Liveness({ isPresumed, live, heldMs }, nowMs);
    this.#thinning = new Thinning();
  }

  /** A frame has come that leaves at once or on the tick. */
  #pace(isHeld: boolean, nowMs: number): void {
    this.#liveness.arrived({ intervalMs: this.#allowedMs(), isHeld }, nowMs);
    const tick = this.#tick;
    if (tick === undefined || this.isLive) return;
    // A frame behind a silence leaves at once; one that is a little late does not shift the tick.
    if (this.#queue.frames === 0 && nowMs - tick.deadlineMs >= tick.intervalMs) {
      tick.restart(nowMs);
    }
  }

  /** Time between two frames that the stream allows; video coded in time may have its own rate. */
  #allowedMs(): number | undefined {
    if (this.#tick === undefined) return undefined;
    if (this.#isCoded && this.#liveness.isAsserted) return undefined;
    const nominalFps = this.#isCoded ? this.#config!.frameRate ?? 0 : 0;
    const isBelievable = nominalFps <= MAX_NOMINAL_FPS;
    return isBelievable && nominalFps > this.#tick.fps ? 1000 / nominalFps : this.#tick.intervalMs;
  }

  /** A picture has come of which the newest waits for its time. */
  #thin(nowMs: number): void {
    this.#thinnedMs = this.#thinning.arrived(this.#tick!.intervalMs, nowMs);
    this.drop("stream_fps", this.#queue.clear());
  }

  #letOutThinned(nowMs: number): void {
    this.#thinning.left(this.#tick!.intervalMs, nowMs);
    while (this.#queue.frames > 0) this.#letOutBetween(nowMs);
  }

  /** Lets a frame out on its tick. */
  #fire(tick: Tick, nowMs: number): void {
    const { receivedMs } = this.#queue.oldest!;
    const fired = tick.fire(nowMs);
    if (fired === undefined) return;
    this.#overruns += fired.overruns;
    this.#lagMs = Math.min(fired.lagMs, nowMs - receivedMs);
    if (!this.#mayLeave(nowMs)) {
      // The last frame is not yet on its way to everybody: this one waits for the next tick.
      this.#overruns++;
      return;
    }
    this.#fired++;
    this.#letOut(nowMs);
    // Who does not know of credit cannot wait: what is too fast for the tick is drained by two.
    const isDrained = this.#credited === "none" &&
      this.#backlog.observe(this.#queue.frames, tick.fps * BARE_TARGET_MS / 1000, nowMs);
    if (isDrained) this.#letOut(nowMs);
  }

  /** Lets a frame out for which no tick is waited for. */
  #letOutBetween(nowMs: number): void {
    if (this.#tick !== undefined) this.#fired++;
    this.#tick?.passed(nowMs);
    this.#letOut(nowMs);
  }

  /**
   * Credit already given is kept, so that a change of the limits never drops a credited frame. The
   * credit itself is the bound in bytes; it may be exceeded by a part of one frame.
   */
  #limits(): { maxFrames: number; maxBytes: number } {
    if (this.#credited !== "none") {
      const frameBytes = Math.max(this.#options.maxBytes, this.#maxBytes);
      return {
        maxFrames: MAX_CREDIT_FRAMES,
        maxBytes: this.#options.maxCreditBytes + frameBytes,
      };
    }
    const frames = this.#tick === undefined
      ? this.#options.sourceFrames
      : Math.floor(this.#tick.fps * this.#options.bufferMs / 1000);
    return { maxFrames: Math.max(1, frames), maxBytes: this.#maxBytes };
  }

  /**
   * Whether viewers may get another frame. Where nobody is to lose one, it is not before the last one
   * is on its way to all of them; and without a tick, or while a hiccup is made up for, at the pace
   * of the viewer that is fastest.
   */
  #mayLeave(nowMs: number): boolean {
    const ageMs = nowMs - this.#queue.oldest!.receivedMs;
    if (this.isLive) {
      if (this.#isHeldBack(nowMs)) return false;
      return this.#credited !== "wait" || !this.#fanOut.isBehind(nowMs);
    }
    if (this.#credited !== "wait") return true;
    if (this.#fanOut.isBehind(nowMs)) return false;
    return this.#tick !== undefined || ageMs >= HOLD_MS || this.#isFastestReady(nowMs);
  }

  /** Whether a frame that came behind a hiccup waits for the fastest viewer. */
  #isHeldBack(nowMs: number): boolean {
    const isMakingUp = this.#credited !== "drop" &&
      (this.#queue.frames > 1 || this.#liveness.isMakingUp(nowMs));
    if (!isMakingUp) {
      this.#makingUpSinceMs = undefined;
      return false;
    }
    this.#makingUpSinceMs ??= nowMs;
    return nowMs < this.#heldUntilMs(this.#queue.oldest!) && !this.#isFastestReady(nowMs);
  }

  /** Until when a frame of a live source waits for the fastest viewer at most. */
  #heldUntilMs({ receivedMs }: Frame): number {
    const untilMs = Math.max(receivedMs, this.#leftMs) + LIVE_HOLD_MS;
    return Math.min(untilMs, (this.#makingUpSinceMs ?? receivedMs) + MAKE_UP_MS);
  }

  #isFastestReady(nowMs: number): boolean {
    return this.#fanOut.fastest(nowMs, HOLD_MS)?.isReady(nowMs) ?? true;
  }

  #letOut(nowMs: number): void {
    const popped = this.#queue.pop();
    if (popped.state !== "ok") return;
    const isFirst = popped.frame.epoch !== this.#leftEpoch;
    const frame = isFirst ? { ...popped.frame, discontinuity: true } : popped.frame;
    this.#leftEpoch = frame.epoch;
    this.#leftMs = nowMs;
    this.#meter.add(frame.data.byteLength, nowMs);
    this.#fanOut.push(frame, nowMs);
  }
}
