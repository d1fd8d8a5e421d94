/**
 * What one viewer of a stream gets: every frame while it keeps up, else what it can decode of the
 * newest.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { CacheReader } from "./cache_reader.ts";
import { type DropCounts, type DropReason, noDrops } from "./drops.ts";
import type { Feed, FrameTotals, JoinFrom } from "./feed.ts";
import { FlightWindow, type Latency } from "./flight_window.ts";
import type { Frame } from "./frame.ts";
import type { Departed, GopCache } from "./gop_cache.ts";
import type { ViewerOutflow } from "./outflow.ts";
import { RateLimit } from "./rate_limit.ts";
import type { ViewerDelays } from "./viewer_delays.ts";

/** Hands a frame to the viewer's socket; never blocks, never throws. */
export type SendFrame = (frame: Frame, catchUp: boolean) => void;

/**
 * Whether what a viewer gets of a frame is there: `soon` where it is being made, `later` where that
 * has to wait.
 */
export type Readiness = "ready" | "soon" | "later";

/** Options of a {@linkcode ViewerFeed}. */
export interface ViewerFeedOptions {
  /** Longest delay that what is under way may stand for, in milliseconds. */
  readonly maxDelayMs: number;
  /** Most bytes under way to this viewer, except that one frame may always be. */
  readonly maxBytes: number;
  /** Most frames a second that the viewer wants, or `null` for all. */
  readonly fps: number | null;
  /** What is under way to all viewers together. */
  readonly budget: Budget;
  /**
   * Part of the budget that is left to viewers who take what they get. @default {0}
   */
  readonly reserveBytes?: number;
  /** How many bytes a second may leave for it. Absent: any. */
  readonly outflow?: ViewerOutflow | undefined;
  /** Where the delays of its frames are counted, with those of the stream's other viewers. */
  readonly delays: ViewerDelays;
  /** Where a frame goes. */
  readonly send: SendFrame;
  /**
   * Bytes handed to the socket that have not left it, for a viewer that does not acknowledge;
   * `null` for one that does.
   */
  readonly unsentBytes: (() => number) | null;
  /**
   * Prepares a frame for the viewer, such as by converting it. It is called again until the frame
   * is ready or is no longer the newest. Absent for a viewer that gets frames as they are.
   */
  readonly prepare?: (frame: Frame) => Readiness;
  /**
   * Changes a key frame, without changing its size, for a decoder that has not had the frame before
   * it. Absent: the frame itself is sent.
   */
  readonly splice?: (frame: Frame) => Frame;
}

/** How far behind a viewer may be before it skips, as a part of the longest delay. */
const PATIENCE = 0.75;
/** How long a viewer that has come may take to be brought up to the present, in milliseconds. */
const CATCH_UP_MS = 3000;
/** How late a frame may be offered while there is a newer key frame to show, in milliseconds. */
const OVERRUN_MS = 100;
/** A viewer that has taken nothing for so long has no part in what is reserved, in milliseconds. */
const TAKING_MS = 1000;
/** How early a delta frame may be for a viewer that wants fewer frames, in milliseconds. */
const DELTA_TOLERANCE_MS = 1000;

/**
 * Sends the frames that have left the queue to a viewer, in order, as far as the link has room. A
 * viewer that is behind waits at its place in the cache. It skips to a newer key frame when its own
 * next frame is a key frame, or when it has waited for too long. Where there is no newer key frame,
 * it gets nothing until one arrives: a delta frame is only sent after everything that it needs.
 */
export class ViewerFeed implements Feed {
  readonly viewers = 1;
  /** Frames and bytes handed to the socket. */
  readonly sent: FrameTotals = { frames: 0, bytes: 0 };
  /** Frames that the viewer did not get. */
  readonly dropped: DropCounts = noDrops();
  readonly #options: ViewerFeedOptions;
  readonly #window: FlightWindow;
  readonly #limit: RateLimit | undefined;
  readonly #reader = new CacheReader();
  /** Position behind the last frame that was there when this feed had its turn. */
  #offered = 0;
  /** Since when frames from before the viewer came are being sent to it. */
  #catchUpSinceMs: number | undefined;
  /** Whether the stream has more frames a second than the viewer wants. */
  #limitsCatchUp = false;
  /** Why delta frames are dropped until the next key frame. */
  #awaiting: DropReason | undefined;
  /** Whether leading frames miss what they refer to. */
  #isAfterSkip = false;
  /** Sequence of the last frame sent, or of a leading frame behind it that was left out. */
  #sequence = 0;
  /** Whether it has ever taken what was sent. */
  #hasTaken = false;
  /** The last frame, where the system took all of it at once, and when it did. */
  #passed: Frame | undefined;
  #passedMs = 0;
  #closed = false;

  constructor(options: ViewerFeedOptions) {
    this.#options = options;
    this.#window = new FlightWindow(options);
    this.#limit = options.fps === null ? undefined : new RateLimit(options.fps);
  }

  /** Frames and bytes under way. */
  get underWay(): Readonly<FrameTotals> {
    return { frames: this.#window.frames, bytes: this.#window.bytes };
  }

  /** How long the last frame took; of a viewer that confirms nothing, until it left the socket. */
  get latency(): Latency | undefined {
    if (this.#passed === undefined) return this.#window.latency;
    const { receivedMs, captureAgeMs } = this.#passed;
    const relayMs = this.#passedMs - receivedMs;
    return { totalMs: captureAgeMs + relayMs, relayMs, roundTripMs: 0 };
  }

  get latencies(): readonly Latency[] {
    const { latency } = this;
    return this.isConfirming && latency !== undefined ? [latency] : [];
  }

  /**
   * The best rate of the way to this viewer in bytes a millisecond; 0 before it is measured,
   * `Infinity` where the last frame left at once.
   */
  get rate(): number {
    return this.#passed === undefined ? this.#window.rate : Infinity;
  }

  /** Whether the viewer confirms what it has received. */
  get isConfirming(): boolean {
    return this.#options.unsentBytes === null;
  }

  /** Position in the cache from which on this viewer still needs frames. */
  get needsFrom(): number {
    return this.#reader.needsFrom;
  }

  /** Whether the next frame would be sent at once. */
  isReady(nowMs: number): boolean {
    this.#confirmDrained(nowMs);
    return !this.#closed && this.#reader.waiting === 0 && this.#window.isOpen(nowMs) &&
      this.#mayLeave(nowMs);
  }

  /**
   * Whether a frame waits for {@linkcode advance}, and no acknowledgement will say when to call it.
   */
  get needsPolling(): boolean {
    if (this.#reader.waiting === 0) return false;
    // With nothing under way, no acknowledgement comes: it waits for memory that others give back.
    return !this.isConfirming || this.#window.frames === 0;
  }

  stoodStill(ms: number): void {
    this.#window.stoodStill(ms);
  }

  miss(frames: number): void {
    if (!this.#closed) this.#drop("overrun", frames);
  }

  /** How long the oldest frame has been under way, in milliseconds; 0 when none is. */
  ageMs(nowMs: number): number {
    this.#confirmDrained(nowMs);
    return this.#window.ageMs(nowMs);
  }

  /** How long nothing has been confirmed, or has drained, of what is under way; in milliseconds. */
  stalledMs(nowMs: number): number {
    this.#confirmDrained(nowMs);
    return this.#window.stalledMs(nowMs);
  }

  /**
   * Begins to send the frames of `cache`: with `key` from its newest key frame on, as far as it is
   * all there, to show a picture at once; with `live` from the next key frame on.
   */
  join(cache: GopCache, from: JoinFrom, nowMs: number): void {
    if (this.#closed) return;
    const isWhole = from === "key" && cache.isWhole;
    this.#reader.open(cache, isWhole ? cache.keyPosition : cache.end);
    this.#awaiting = "awaiting_key_frame";
    const { key } = cache;
    if (from === "live" || key === undefined) return;
    this.#catchUpSinceMs = nowMs;
    const { fps } = this.#options;
    const wanted = (fps ?? Infinity) * (nowMs - key.leftMs + DELTA_TOLERANCE_MS) / 1000;
    this.#limitsCatchUp = cache.end - cache.keyPosition > wanted;
    if (isWhole) {
      this.advance(nowMs);
    } else {
      // Without what follows it the key frame is a picture to look at until the next one comes.
      if (this.#take(key.frame, nowMs)) this.#send(key.frame, nowMs);
      else this.#drop("memory", 1);
      this.#catchUpSinceMs = undefined;
      this.#awaiting = "awaiting_key_frame";
    }
  }

  /** Sends what there is room for by now, and gives up what has waited for too long. */
  advance(nowMs: number): void {
    if (this.#closed) return;
    this.#confirmDrained(nowMs);
    while (this.#reader.waiting > 0) {
      if (this.#step(nowMs, false)) continue;
      this.#giveWay(nowMs);
      break;
    }
    this.#offered = this.#reader.end;
    if (this.#reader.waiting === 0) this.#catchUpSinceMs = undefined;
  }

  /** Sends what waits although there is no room: nothing follows it. */
  flush(nowMs: number): void {
    // What is yet to be made of a frame is waited for all the same.
    while (!this.#closed && this.#reader.waiting > 0 && this.#step(nowMs, true));
  }

  /**
   * The viewer has received every frame up to `sequence`, and that one `heldMs` before it said so.
   * False where no such frame is under way.
   */
  acknowledge(sequence: number, nowMs: number, heldMs = 0): boolean {
    if (this.#closed) return false;
    const bytes = this.#window.acknowledge(sequence, nowMs, heldMs);
    if (bytes === undefined) return false;
    this.#hasTaken ||= bytes > 0;
    this.#options.budget.give(bytes);
    this.advance(nowMs);
    return true;
  }

  /** Ends the feed: what was under way or waited counts as dropped. Repeating it does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#drop("disconnected", this.#window.frames + this.#reader.waiting);
    this.#closed = true;
    this.#reader.close();
    this.#options.budget.give(this.#window.bytes);
    this.#options.outflow?.close();
  }

  /** Sends or drops the next frame; false where it has to wait. */
  #step(nowMs: number, isLast: boolean): boolean {
    const item = this.#reader.next;
    if (item === undefined) {
      // Its memory was needed for newer ones.
      this.#skip("memory", 1, "awaiting_key_frame");
      return true;
    }
    const { frame, leftMs } = item;
    if (!isLast && this.#isOverrun(frame, nowMs - leftMs)) {
      return this.#skip("overrun", this.#reader.untilNewer, "awaiting_key_frame");
    }
    if (frame.kind === "delta") {
      if (this.#awaiting !== undefined) return this.#skip(this.#awaiting, 1, this.#awaiting);
      if (frame.leading && this.#isAfterSkip) {
        // No later frame but another leading one needs it, so that this is no gap.
        this.#sequence = frame.sequence;
        return this.#skip("awaiting_key_frame", 1, undefined);
      }
    }
    if (!isLast && !(this.#hasRoom(item, nowMs) && this.#mayLeave(nowMs))) return false;
    if (this.#readiness(frame) !== "ready") return false;
    if (!this.#take(frame, nowMs)) return isLast && this.#skip("memory", 1, "awaiting_key_frame");
    if (!this.#admits(frame, nowMs)) {
      this.#options.budget.give(frame.data.byteLength);
      return this.#skip("viewer_fps", 1, "viewer_fps");
    }
    this.#reader.pass(1);
    this.#send(frame, nowMs);
    return true;
  }

  /** Whether the viewer wants a frame that has come to its turn; if so, it counts. */
  #admits({ kind }: Frame, nowMs: number): boolean {
    const isCatchUp = this.#catchUpSinceMs !== undefined;
    if (this.#limit === undefined) return true;
    if (isCatchUp && !this.#limitsCatchUp) {
      this.#limit.pass(nowMs);
      return true;
    }
    return this.#limit.admit(nowMs, kind === "delta" ? DELTA_TOLERANCE_MS : undefined);
  }

  /** Whether a frame has its first turn here too late, because the relay had too much to send. */
  #isOverrun({ kind }: Frame, lateMs: number): boolean {
    if (this.#reader.position < this.#offered || this.#catchUpSinceMs !== undefined) return false;
    if (kind === "delta") return lateMs > this.#options.maxDelayMs;
    return lateMs > OVERRUN_MS && this.#reader.hasNewerKey;
  }

  /** Finds a newer place for a viewer whose next frame has to wait. */
  #giveWay(nowMs: number): void {
    const item = this.#reader.next!;
    const { frame, leftMs } = item;
    const hasNewer = this.#reader.hasNewerKey;
    const isLate = this.#catchUpSinceMs === undefined
      ? nowMs - leftMs > this.#options.maxDelayMs * PATIENCE
      : hasNewer || nowMs - this.#catchUpSinceMs > CATCH_UP_MS;
    // The newest key frame is never late: nothing newer can be shown before the next one.
    if (frame.kind === "key" ? !hasNewer : !isLate) return;
    const hasRoom = this.#hasRoom(item, nowMs);
    const readiness = hasRoom ? this.#readiness(frame) : undefined;
    if (readiness === "soon") return;
    const reason = !hasRoom
      ? "slow_viewer"
      : !this.#mayLeave(nowMs)
      ? "rate"
      : readiness === "ready"
      // Behind an open window, it waits for want of memory.
      ? "memory"
      : "viewer_fps";
    this.#skip(reason, this.#reader.untilNewer, "awaiting_key_frame");
  }

  #hasRoom({ frame, leftMs }: Departed, nowMs: number): boolean {
    if (this.#passed !== undefined) return true;
    const isCatchUp = this.#catchUpSinceMs !== undefined;
    return isCatchUp
      ? this.#window.isOpenForCatchUp(nowMs)
      : this.#window.isOpen(nowMs, nowMs - leftMs, frame.kind);
  }

  #mayLeave(nowMs: number): boolean {
    return this.#options.outflow?.isOpen(nowMs) ?? true;
  }

  #readiness(frame: Frame): Readiness {
    return this.#options.prepare?.(frame) ?? "ready";
  }

  #skip(reason: DropReason, frames: number, awaiting: DropReason | undefined): true {
    this.#drop(reason, frames);
    this.#reader.pass(frames);
    this.#awaiting = awaiting;
    return true;
  }

  #take(frame: Frame, nowMs: number): boolean {
    const { budget, reserveBytes = 0 } = this.#options;
    const isTaking = this.#hasTaken &&
      (this.#passed !== undefined || this.#window.stalledMs(nowMs) < TAKING_MS);
    return budget.take(frame.data.byteLength, isTaking ? 0 : reserveBytes);
  }

  #send(frame: Frame, nowMs: number): void {
    const isCatchUp = this.#catchUpSinceMs !== undefined || frame.catchUp === true;
    let sent = frame;
    if (frame.kind === "key") {
      this.#isAfterSkip = frame.discontinuity || frame.sequence !== this.#sequence + 1;
      // Whoever has had nothing yet gets an epoch from its beginning on as it is.
      const isBeginning = frame.discontinuity && this.#sequence === 0;
      if (this.#isAfterSkip && !isBeginning) sent = this.#options.splice?.(frame) ?? frame;
    }
    this.#awaiting = undefined;
    this.#sequence = frame.sequence;
    const bytes = frame.data.byteLength;
    this.#options.outflow?.count(bytes, nowMs);
    this.sent.frames++;
    this.sent.bytes += bytes;
    // One by one, frames from before the viewer came show what the way can carry.
    const mayPass = !isCatchUp && !this.isConfirming &&
      (this.#passed !== undefined || this.#window.frames === 0);
    if (mayPass) {
      this.#options.send(sent, isCatchUp);
      // Mostly so, and then nothing is to be looked at again, which costs more than to send it.
      if (this.#options.unsentBytes!() === 0) return this.#pass(frame, nowMs);
    }
    this.#passed = undefined;
    this.#window.sent(frame.sequence, bytes, nowMs, isCatchUp ? null : frame);
    if (!mayPass) this.#options.send(sent, isCatchUp);
  }

  /** The system has taken all of a frame at once: it is under way no more. */
  #pass(frame: Frame, nowMs: number): void {
    const { budget, delays } = this.#options;
    this.#hasTaken = true;
    this.#passed = frame;
    this.#passedMs = nowMs;
    budget.give(frame.data.byteLength);
    delays.relay.add(nowMs - frame.receivedMs);
  }

  #confirmDrained(nowMs: number): void {
    // What passed was all there was.
    if (this.#passed !== undefined) return;
    const { unsentBytes, budget } = this.#options;
    if (this.#closed || unsentBytes === null || this.#window.frames === 0) return;
    const bytes = this.#window.confirmAllBut(unsentBytes(), nowMs);
    this.#hasTaken ||= bytes > 0;
    budget.give(bytes);
  }

  #drop(reason: DropReason, frames: number): void {
    this.dropped[reason] += frames;
  }
}
