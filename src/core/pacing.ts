/**
 * When the frames of a stream leave its queue: at once, on the tick, or at the pace of its viewers.
 *
 * @module
 */
import type { AllowedPace, Credited } from "./allowance.ts";
import { StandingQueueDetector } from "./standing_queue.ts";
import { type Broadcast, HOLD_MS } from "./broadcast.ts";
import type { Frame, StreamConfig } from "./frame.ts";
import type { FrameQueue } from "./frame_queue.ts";
import { Liveness, type LivenessReason } from "./liveness.ts";
import { isCodedInTime } from "./stream_format.ts";
import { Thinning } from "./thinning.ts";
import { Tick } from "./tick.ts";

/**
 * A bare client's queue is not drained faster while it is no longer than this, in milliseconds of
 * the frame rate.
 */
const BARE_TARGET_MS = 250;
/** Highest frame rate that is believed when coded video states its own. */
const MAX_NOMINAL_FPS = 300;
/**
 * How long each frame of a live source waits for the fastest viewer after a stall, in milliseconds.
 */
const LIVE_HOLD_MS = 250;
/** For how long after a stall frames wait for that viewer at all, in milliseconds. */
const MAKE_UP_MS = 2000;

/** Frames a second, or `source`: frames leave as they come. */
export type FrameRate = number | "source";

/** State of a tick. */
export interface TickStats {
  /** Frames that left on a tick. */
  readonly fired: number;
  /** Deadlines that passed while the program was busy. */
  readonly overruns: number;
  /** Lag of the last tick in milliseconds. */
  readonly lagMs: number;
}

/** What is known of a source when it begins. */
export interface SourceBegin {
  /** Whether it is live; `null` where that is to be seen. @default {null} */
  readonly live?: boolean | null;
  /** How long a source that was live has been held up, in milliseconds. @default {0} */
  readonly heldMs?: number;
}

/** Where a {@linkcode Pacing} stands. */
export interface PacingOptions {
  readonly fps: FrameRate;
  /** What waits. */
  readonly queue: FrameQueue<Frame>;
  /** Whom it waits for. */
  readonly broadcast: Broadcast;
}

/**
 * Decides when frames leave; the caller takes them from the queue. Pictures of a camera that is
 * faster than the tick are thinned out. Frames of any other live source leave as they arrive. All
 * else leaves on the tick or, without a tick, when the fastest viewer can take it.
 */
export class Pacing implements AllowedPace {
  readonly #queue: FrameQueue<Frame>;
  readonly #broadcast: Broadcast;
  #tick: Tick | undefined;
  #liveness: Liveness;
  #thinning = new Thinning();
  readonly #backlog = new StandingQueueDetector();
  #credited: Credited = "none";
  #config: StreamConfig | undefined;
  #fired = 0;
  #overruns = 0;
  #lagMs = 0;
  /** When the last frame left. */
  #leftMs = -Infinity;
  /** Since when what a hiccup has left behind is being sent, while it is. */
  #makingUpSinceMs: number | undefined;
  /** Latest time at which the waiting picture leaves, while pictures are thinned out. */
  #thinnedMs = -Infinity;

  constructor({ fps, queue, broadcast }: PacingOptions, nowMs: number) {
    this.#queue = queue;
    this.#broadcast = broadcast;
    this.#tick = fps === "source" ? undefined : new Tick(fps, nowMs);
    this.#liveness = new Liveness({ isPresumed: this.#tick !== undefined }, nowMs);
  }

  /** The frame rate. */
  get fps(): FrameRate {
    return this.#tick?.fps ?? "source";
  }

  /** State of the tick. */
  get stats(): TickStats {
    return { fired: this.#fired, overruns: this.#overruns, lagMs: this.#lagMs };
  }

  /** Whether frames leave as they come, because their source has a pace of its own. */
  get isLive(): boolean {
    return this.#leavesAtOnce || this.#liveness.isLive;
  }

  /** Why it is live, or not. */
  get livenessReason(): LivenessReason {
    return this.#liveness.reason;
  }

  /** Whether pictures that are one too many for the tick are left out: only the newest waits. */
  get isThinned(): boolean {
    return this.#credited === "drop" && this.#tick !== undefined && !this.isCoded;
  }

  /** Whether what viewers confirm may let frames out. */
  get followsViewers(): boolean {
    return !this.isThinned && (this.#tick === undefined || this.isLive);
  }

  get credited(): Credited {
    return this.#credited;
  }

  get tickFps(): number {
    return this.#tick?.fps ?? 0;
  }

  get isCoded(): boolean {
    return this.#config !== undefined && isCodedInTime(this.#config.format);
  }

  get waitsForTick(): boolean {
    return this.#tick !== undefined && this.#liveness.isHeld;
  }

  /** What a publisher does without credit, or that there is none. */
  setCredited(credited: Credited): void {
    this.#credited = credited;
  }

  /** The configuration of the frames that come, `undefined` where it is not known. */
  setConfig(config: StreamConfig | undefined): void {
    this.#config = config;
  }

  /** Changes the frame rate; the next frame already follows it. */
  setFps(fps: FrameRate, nowMs: number): void {
    if (fps === "source") this.#tick = undefined;
    else if (this.#tick === undefined) this.#tick = new Tick(fps, nowMs);
    else this.#tick.setFps(fps, nowMs);
  }

  /** Another source begins. */
  begin({ live = null, heldMs = 0 }: SourceBegin, nowMs: number): void {
    const isPresumed = this.#tick !== undefined && this.#queue.frames === 0;
    this.#liveness = new Liveness({ isPresumed, live, heldMs }, nowMs);
    this.#thinning = new Thinning();
  }

  /** A frame has come and is about to wait; its publisher may have waited for credit before it. */
  arrived(isHeld: boolean, nowMs: number): void {
    const tick = this.#tick;
    if (this.isThinned) {
      this.#thinnedMs = this.#thinning.arrived(tick!.intervalMs, nowMs);
      return;
    }
    this.#liveness.arrived({ intervalMs: this.#allowedMs(), isHeld }, nowMs);
    if (tick === undefined || this.isLive) return;
    // A frame behind a silence leaves at once; one that is a little late does not shift the tick.
    if (this.#queue.frames === 0 && nowMs - tick.deadlineMs >= tick.intervalMs) {
      tick.restart(nowMs);
    }
  }

  /** When {@linkcode due} must be asked next, unless something else happens before. */
  deadlineMs(): number | undefined {
    const oldest = this.#queue.oldest;
    if (oldest === undefined) return undefined;
    if (this.isThinned) return this.#thinnedMs;
    if (this.isLive) return this.#heldUntilMs(oldest);
    return this.#tick === undefined ? oldest.receivedMs + HOLD_MS : this.#tick.deadlineMs;
  }

  /** How many frames leave now. The caller must take them; more may be due after that. */
  due(nowMs: number): number {
    const { frames } = this.#queue;
    if (frames === 0) return 0;
    if (this.isThinned) {
      if (nowMs < this.#thinnedMs) return 0;
      this.#thinning.left(this.#tick!.intervalMs, nowMs);
      return this.#passed(frames, nowMs);
    }
    if (this.#tick !== undefined && !this.isLive) return this.#fire(this.#tick, nowMs);
    return this.#mayLeave(nowMs) ? this.#passed(1, nowMs) : 0;
  }

  /** A frame has left the queue. */
  left(nowMs: number): void {
    this.#leftMs = nowMs;
  }

  /** Whether no frame waits for the tick: a camera coded in time loses more by that than it gains. */
  get #leavesAtOnce(): boolean {
    return this.#credited === "drop" && this.isCoded;
  }

  /** Time between two frames that the stream allows; video coded in time may have its own rate. */
  #allowedMs(): number | undefined {
    if (this.#tick === undefined) return undefined;
    const { isCoded } = this;
    if (isCoded && this.#liveness.isAsserted) return undefined;
    const nominalFps = isCoded ? this.#config!.frameRate ?? 0 : 0;
    const isBelievable = nominalFps <= MAX_NOMINAL_FPS;
    return isBelievable && nominalFps > this.#tick.fps ? 1000 / nominalFps : this.#tick.intervalMs;
  }

  /** Frames leave for which no tick is waited for. */
  #passed(frames: number, nowMs: number): number {
    if (this.#tick !== undefined) this.#fired += frames;
    this.#tick?.passed(nowMs);
    return frames;
  }

  /** How many frames leave on the tick, where it is due. */
  #fire(tick: Tick, nowMs: number): number {
    const { receivedMs } = this.#queue.oldest!;
    const fired = tick.fire(nowMs);
    if (fired === undefined) return 0;
    this.#overruns += fired.overruns;
    this.#lagMs = Math.min(fired.lagMs, nowMs - receivedMs);
    if (!this.#mayLeave(nowMs)) {
      // The last frame is not yet on its way to everybody: this one waits for the next tick.
      this.#overruns++;
      return 0;
    }
    this.#fired++;
    // Who does not know of credit cannot wait: what is too fast for the tick is drained by two.
    const isDrained = this.#credited === "none" &&
      this.#backlog.observe(this.#queue.frames - 1, tick.fps * BARE_TARGET_MS / 1000, nowMs);
    return isDrained ? 2 : 1;
  }

  /**
   * Whether another frame may leave for the viewers. Where no frame is to be lost, it must wait
   * until the last one is on its way to all of them. Without a tick, or while a stall is being made
   * up for, the fastest viewer sets the pace.
   */
  #mayLeave(nowMs: number): boolean {
    const broadcast = this.#broadcast;
    if (this.isLive) {
      if (this.#isHeldBack(nowMs)) return false;
      return this.#credited !== "wait" || !broadcast.isBehind(nowMs);
    }
    if (this.#credited !== "wait") return true;
    if (broadcast.isBehind(nowMs)) return false;
    const ageMs = nowMs - this.#queue.oldest!.receivedMs;
    return this.#tick !== undefined || ageMs >= HOLD_MS || broadcast.isFastestReady(nowMs);
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
    return nowMs < this.#heldUntilMs(this.#queue.oldest!) && !this.#broadcast.isFastestReady(nowMs);
  }

  /** Until when a frame of a live source waits for the fastest viewer at most. */
  #heldUntilMs({ receivedMs }: Frame): number {
    const untilMs = Math.max(receivedMs, this.#leftMs) + LIVE_HOLD_MS;
    return Math.min(untilMs, (this.#makingUpSinceMs ?? receivedMs) + MAKE_UP_MS);
  }
}
