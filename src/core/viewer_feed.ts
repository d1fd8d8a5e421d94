/**
 * What one viewer of a stream gets: every frame while it keeps up, else the newest.
 *
 * @module
 */
import type { ByteBudget } from "./byte_budget.ts";
import { type DropCounts, type DropReason, noDrops } from "./drops.ts";
import { FlightWindow } from "./flight_window.ts";
import type { Frame } from "./frame.ts";
import { RateLimit } from "./rate_limit.ts";

/** Hands a frame to the viewer's socket; never blocks, never throws. */
export type SendFrame = (frame: Frame, catchUp: boolean) => void;

/** Options of a {@linkcode ViewerFeed}. */
export interface ViewerFeedOptions {
  /** Longest delay that what is under way may stand for, in milliseconds. */
  readonly maxDelayMs: number;
  /** Most bytes under way to this viewer, except that one frame may always be. */
  readonly maxBytes: number;
  /** Most frames a second that the viewer wants, or `null` for all. */
  readonly fps: number | null;
  /** What is under way to all viewers together. */
  readonly budget: ByteBudget;
  /** Where a frame goes. */
  readonly send: SendFrame;
  /**
   * Bytes handed to the socket that have not left it, for a viewer that does not acknowledge;
   * `null` for one that does.
   */
  readonly unsentBytes: (() => number) | null;
}

/** Frames and bytes. */
export interface FrameTotals {
  frames: number;
  bytes: number;
}

/**
 * Decides for each frame whether it is sent, held or skipped. At most one frame is held: the newest
 * that could not be sent yet, so that a viewer that comes back sees the present.
 */
export class ViewerFeed {
  /** Frames and bytes handed to the socket. */
  readonly sent: FrameTotals = { frames: 0, bytes: 0 };
  /** Frames that the viewer did not get. */
  readonly dropped: DropCounts = noDrops();
  readonly #options: ViewerFeedOptions;
  readonly #window: FlightWindow;
  readonly #limit: RateLimit | undefined;
  #held: Frame | undefined;
  #closed = false;

  constructor(options: ViewerFeedOptions) {
    this.#options = options;
    this.#window = new FlightWindow(options);
    this.#limit = options.fps === null ? undefined : new RateLimit(options.fps);
  }

  /** Frames and bytes under way, and how long the last confirmed frame took. */
  get window(): Pick<FlightWindow, "frames" | "bytes" | "roundTripMs"> {
    return this.#window;
  }

  /** Whether the next frame would be sent at once. */
  isReady(nowMs: number): boolean {
    this.#confirmDrained(nowMs);
    return !this.#closed && this.#held === undefined && this.#window.isOpen(nowMs);
  }

  /** Whether `frame` waits here. */
  holds(frame: Frame): boolean {
    return this.#held === frame;
  }

  /** Whether a frame waits here for {@linkcode advance}, with nobody to announce the moment. */
  get needsPolling(): boolean {
    if (this.#held === undefined) return false;
    // With nothing under way, no acknowledgement comes: it waits for memory that others give back.
    return this.#options.unsentBytes !== null || this.#window.frames === 0;
  }

  /** How long the oldest frame has been under way, in milliseconds; 0 when none is. */
  ageMs(nowMs: number): number {
    this.#confirmDrained(nowMs);
    return this.#window.ageMs(nowMs);
  }

  /** Sends `frame`, holds it, or skips it; a skipped frame is counted. */
  offer(frame: Frame, nowMs: number): void {
    if (this.#closed) return;
    if (this.#limit !== undefined && !this.#limit.admit(nowMs)) return this.#drop("viewer_fps");
    this.advance(nowMs);
    if (this.#held === undefined && this.#window.isOpen(nowMs) && this.#take(frame)) {
      return this.#send(frame, false, nowMs);
    }
    // What is held behind an open window is held for want of memory.
    if (this.#held !== undefined) this.#drop(this.#window.isOpen(nowMs) ? "memory" : "slow_viewer");
    this.#held = frame;
  }

  /** Sends the stream's last frame to a viewer that has just come. */
  join(frame: Frame, nowMs: number): void {
    if (this.#closed) return;
    if (this.#take(frame)) this.#send(frame, true, nowMs);
    else this.#drop("memory");
  }

  /** Sends the held frame where there is room by now. */
  advance(nowMs: number): void {
    this.#confirmDrained(nowMs);
    const frame = this.#held;
    if (frame === undefined || !this.#window.isOpen(nowMs) || !this.#take(frame)) return;
    this.#held = undefined;
    this.#send(frame, false, nowMs);
  }

  /** Sends the held frame although there is no room: it is the last one. */
  flush(nowMs: number): void {
    const frame = this.#held;
    if (frame === undefined) return;
    this.#held = undefined;
    if (this.#take(frame)) this.#send(frame, false, nowMs);
    else this.#drop("memory");
  }

  /**
   * The viewer has received every frame up to `sequence`. False where no such frame is under way.
   */
  acknowledge(sequence: number, nowMs: number): boolean {
    if (this.#closed) return false;
    const bytes = this.#window.acknowledge(sequence, nowMs);
    if (bytes === undefined) return false;
    this.#options.budget.give(bytes);
    this.advance(nowMs);
    return true;
  }

  /** Ends the feed: what was under way or held counts as dropped. Repeating it does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.budget.give(this.#window.bytes);
    this.dropped.disconnected += this.#window.frames + (this.#held === undefined ? 0 : 1);
    this.#held = undefined;
  }

  #take(frame: Frame): boolean {
    return this.#options.budget.take(frame.data.byteLength);
  }

  #send(frame: Frame, catchUp: boolean, nowMs: number): void {
    this.#window.sent(frame.sequence, frame.data.byteLength, nowMs);
    this.sent.frames++;
    this.sent.bytes += frame.data.byteLength;
    this.#options.send(frame, catchUp);
  }

  #confirmDrained(nowMs: number): void {
    if (this.#closed || this.#options.unsentBytes === null || this.#window.frames === 0) return;
    const left = this.#window.confirmAllBut(this.#options.unsentBytes(), nowMs);
    this.#options.budget.give(left);
  }

  #drop(reason: DropReason): void {
    this.dropped[reason]++;
  }
}
