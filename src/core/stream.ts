/**
 * One stream: whatever is sent to it goes through its queue, leaves on its tick and reaches all of
 * its viewers. No sockets, no timers: instants are arguments, in milliseconds of one monotonic clock.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import type { Budget } from "./budget.ts";
import { addDrops, type DropCounts, type DropReason, noDrops } from "./drops.ts";
import { FanOut } from "./fan_out.ts";
import type { Feed, FrameTotals, JoinFrom } from "./feed.ts";
import { type Frame, isCodedInTime, type Origin, sameConfig, type StreamConfig } from "./frame.ts";
import { FrameQueue } from "./frame_queue.ts";
import { GopCache } from "./gop_cache.ts";
import { type Rate, RateMeter } from "./rate_meter.ts";
import { Tick } from "./tick.ts";

/** Frames a second, or `source`: frames leave as they come. */
export type FrameRate = number | "source";

/** Length of the queue that a stream aims at, in milliseconds of its frame rate. */
const TARGET_MS = 250;
/** Most frames that a publisher with credit may have in the queue and under way. */
const MAX_CREDIT_FRAMES = 250;
/** The same without a tick, where the queue only evens out the viewers' pace. */
const SOURCE_CREDIT_FRAMES = 64;
/** The same for a publisher that would rather drop than wait: just enough for every tick. */
const LIVE_CREDIT_FRAMES = 3;
/** How much of a frame's wait for its tick is won back at once. */
const PHASE_PULL = 0.3;
/** A wait that no timer is exact enough for, in milliseconds: it is won back whole. */
const MIN_WAIT_MS = 1.5;
/** The least distance of two frames, in intervals of the tick, of a source that is not ahead of it. */
const SAME_RATE = 0.9;
/** Most frames that are kept for viewers that come. */
export const MAX_CACHE_FRAMES = 1800;
/** Longest time since the last key frame for which they are kept, in milliseconds. */
export const MAX_CACHE_MS = 30_000;
/** Longest time that a frame waits for a viewer where there is no tick, in milliseconds. */
export const HOLD_MS = 1000;

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
  readonly #backlog = new Backlog();
  readonly #meter = new RateMeter();
  /** Of the stream itself, without those of its viewers. */
  readonly #dropped = noDrops();
  #tick: Tick | undefined;
  #fired = 0;
  #overruns = 0;
  #lagMs = 0;
  /** Time by which frames came after their deadlines, as far as it has not been won back. */
  #lostMs = 0;
  #pushedMs = -Infinity;
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
   * A publisher with credit has come. `wait`: it loses nothing and waits; `drop`: it keeps to its
   * own pace and drops what it may not send. A new epoch begins with its configuration, except
   * where it `resumes`: it goes on with the frame behind the last one that it sent here. `session`
   * stands for its session towards viewers.
   */
  begin(onFull: "wait" | "drop", resumes = false, session: string | null = null): void {
    if (!resumes) this.#catchUpLeft = MAX_CACHE_FRAMES;
    if (!resumes || session !== this.#session) this.#config = undefined;
    this.#session = session;
    this.#credited = onFull;
    this.#queue.setLimits(this.#limits());
  }

  /** The publisher with credit has gone. */
  finish(): void {
    this.#credited = "none";
    this.#queue.setLimits(this.#limits());
  }

  /** Announces the configuration of the frames that follow; a change begins a new epoch. */
  configure(config: StreamConfig): void {
    if (this.#config !== undefined && sameConfig(this.#config, config)) return;
    this.#config = config;
    this.#epoch++;
    this.#awaitsKey = true;
  }

  /** Takes a frame in, and lets frames out that are due. */
  push({ sentAs, ...input }: FrameInput, nowMs: number): void {
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
    if (this.#queue.frames === 0 && !isAgain) this.#meet(nowMs);
    this.#pushedMs = nowMs;
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
    return this.#tick === undefined ? oldest.receivedMs + HOLD_MS : this.#tick.deadlineMs;
  }

  /** Lets out the frames that are due. */
  advance(nowMs: number): void {
    if (this.#tick === undefined) {
      while (this.#queue.frames > 0 && this.#mayLeave(nowMs)) this.#letOut(nowMs);
      return;
    }
    if (this.#queue.frames === 0) return;
    const fired = this.#tick.fire(nowMs);
    if (fired === undefined) return;
    this.#overruns += fired.overruns;
    this.#lagMs = fired.lagMs;
    if (!this.#mayLeave(nowMs)) {
      // The last frame is not yet on its way to everybody: this one waits for the next tick.
      this.#overruns++;
      return;
    }
    this.#fired++;
    this.#letOut(nowMs);
    // A publisher that waits comes down to the tick by itself.
    if (this.#credited === "wait") return;
    if (this.#credited === "drop") {
      // What is one too many for the tick may be what others need: it leaves with the next.
      while (this.#queue.frames > LIVE_CREDIT_FRAMES) this.#letOut(nowMs);
    } else if (this.#backlog.observe(this.#queue.frames, this.#targetFrames(), nowMs)) {
      this.#letOut(nowMs);
    }
  }

  /** Whether {@linkcode step} has more to send. */
  get isBusy(): boolean {
    return this.#fanOut.isBusy;
  }

  /** Sends the next batch of what has left the queue, and lets out what may follow it. */
  step(nowMs: number): void {
    this.#fanOut.step(nowMs);
    if (this.#tick === undefined && !this.#fanOut.isBusy) this.advance(nowMs);
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

  /**
   * Credit for a publisher that has sent `received` so far. What it may have in the queue and under
   * way stands for {@linkcode TARGET_MS}: enough to bridge a round trip, too little to delay.
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
    // A frame that others need is not dropped for being one too many at the moment.
    const isLive = this.#credited === "drop" &&
      (this.#config === undefined || !isCodedInTime(this.#config.format));
    if (isLive) return LIVE_CREDIT_FRAMES;
    if (this.#tick === undefined || this.#credited === "drop") return SOURCE_CREDIT_FRAMES;
    return Math.min(MAX_CREDIT_FRAMES, this.#targetFrames());
  }

  /**
   * Brings the tick's phase to a source that has the same rate: a frame that comes after its deadline
   * leaves at once, and the time lost is won back from frames that would wait. Without that, the
   * latest frame of a source that jitters would set the delay of all that follow. What is won back
   * never exceeds what was lost, so that the rate is kept.
   */
  #meet(nowMs: number): void {
    const tick = this.#tick;
    if (tick === undefined) return;
    const waitMs = tick.deadlineMs - nowMs;
    if (waitMs <= 0) {
      this.#lostMs = Math.min(this.#lostMs - waitMs, tick.intervalMs);
      tick.restart(nowMs);
      return;
    }
    // A source that is ahead of the tick waits because of its own rate, not for lost time.
    if (nowMs - this.#pushedMs < tick.intervalMs * SAME_RATE) return;
    const wonMs = Math.min(this.#lostMs, waitMs, Math.max(waitMs * PHASE_PULL, MIN_WAIT_MS));
    this.#lostMs -= wonMs;
    tick.restart(tick.deadlineMs - wonMs);
  }

  #targetFrames(): number {
    return this.#tick === undefined ? 0 : Math.max(3, Math.ceil(this.#tick.fps * TARGET_MS / 1000));
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
   * Whether viewers may get another frame. For a publisher that waits it is not before the last one
   * is on its way to all of them, and without a tick at the pace of the viewer that is fastest.
   */
  #mayLeave(nowMs: number): boolean {
    if (this.#credited !== "wait") return true;
    if (this.#fanOut.isBehind(nowMs)) return false;
    if (this.#tick !== undefined) return true;
    if (nowMs - this.#queue.oldest!.receivedMs >= HOLD_MS) return true;
    return this.#fanOut.fastest(nowMs, HOLD_MS)?.isReady(nowMs) ?? true;
  }

  #letOut(nowMs: number): void {
    const popped = this.#queue.pop();
    if (popped.state !== "ok") return;
    const isFirst = popped.frame.epoch !== this.#leftEpoch;
    const frame = isFirst ? { ...popped.frame, discontinuity: true } : popped.frame;
    this.#leftEpoch = frame.epoch;
    this.#meter.add(frame.data.byteLength, nowMs);
    this.#fanOut.push(frame, nowMs);
  }
}
