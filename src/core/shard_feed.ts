/**
 * What one thread that sends to viewers of its own gets of a stream.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { CacheReader } from "./cache_reader.ts";
import { Deque } from "./deque.ts";
import { type DropCounts, noDrops } from "./drops.ts";
import type { Feed, FrameTotals } from "./feed.ts";
import type { Latency } from "./flight_window.ts";
import type { Frame } from "./frame.ts";
import type { Departed, GopCache } from "./gop_cache.ts";
import { type ViewerDelayCounts, ViewerDelays } from "./viewer_delays.ts";

/** Most frames on the way to the thread. */
const MAX_FRAMES = 16;
/** Frames on the way to a thread that is keeping up: one that it sends, and one waiting. */
const FRAMES_KEPT_UP = 2;
/** How long a frame may wait before the thread skips it, in milliseconds. */
const PATIENCE_MS = 375;
/** For how long nobody waits for a thread that takes nothing, in milliseconds. */
const STUCK_MS = 1000;

/** What a thread tells of its viewers. */
export interface ShardNumbers {
  readonly viewers: number;
  readonly sent: Readonly<FrameTotals>;
  readonly dropped: Readonly<DropCounts>;
  readonly latencies: readonly Latency[];
  /** Delays of frames to all its viewers so far. */
  readonly delays: ViewerDelayCounts;
}

/** Where frames for a thread go. */
export interface ShardFeedOptions {
  /** What is under way to everybody together. */
  readonly budget: Budget;
  /** Where the delays that the thread tells of are counted, with those of other threads. */
  readonly delays: ViewerDelays;
  /** Opens the stream there with the frames that are kept for viewers who come. */
  readonly open: (history: readonly Departed[], isWhole: boolean) => void;
  /** Sends a frame. */
  readonly send: (frame: Frame) => void;
  /** Tells of frames that the thread does not get. */
  readonly miss: (frames: number) => void;
}

const NOBODY: ShardNumbers = {
  viewers: 0,
  sent: { frames: 0, bytes: 0 },
  dropped: noDrops(),
  latencies: [],
  delays: new ViewerDelays().copy(),
};

/**
 * Sends frames to another thread in order, no more than it can take. A thread that falls behind
 * skips to the newest key frame, as a viewer does.
 */
export class ShardFeed implements Feed {
  readonly isConfirming = true;
  readonly #options: ShardFeedOptions;
  readonly #flights = new Deque<
    { readonly sequence: number; readonly bytes: number; sentMs: number }
  >();
  readonly #reader = new CacheReader();
  #awaitsKey = false;
  #bytes = 0;
  #numbers = NOBODY;
  #rate = 0;
  #isReady = true;
  #closed = false;

  constructor(options: ShardFeedOptions) {
    this.#options = options;
  }

  get viewers(): number {
    return this.#numbers.viewers;
  }

  get sent(): Readonly<FrameTotals> {
    return this.#numbers.sent;
  }

  get dropped(): Readonly<DropCounts> {
    return this.#numbers.dropped;
  }

  get latencies(): readonly Latency[] {
    return this.#numbers.latencies;
  }

  /** The rate of the viewer there that is fastest. */
  get rate(): number {
    return this.#rate;
  }

  get needsFrom(): number {
    return this.#reader.needsFrom;
  }

  get needsPolling(): boolean {
    return this.#reader.waiting > 0 && this.#flights.length === 0;
  }

  isReady(): boolean {
    return this.#reader.waiting === 0 && this.#flights.length < FRAMES_KEPT_UP && this.#isReady;
  }

  keepsUp(nowMs: number): boolean {
    const isEmpty = this.#reader.waiting === 0 && this.#flights.length < FRAMES_KEPT_UP;
    return isEmpty || this.ageMs(nowMs) >= STUCK_MS;
  }

  stoodStill(ms: number): void {
    for (let index = 0; index < this.#flights.length; index++) {
      this.#flights.at(index)!.sentMs += ms;
    }
  }

  miss(frames: number): void {
    this.#options.miss(frames);
  }

  ageMs(nowMs: number): number {
    const oldest = this.#flights.first;
    return oldest === undefined ? 0 : nowMs - oldest.sentMs;
  }

  stalledMs(): number {
    return 0;
  }

  join(cache: GopCache): void {
    this.#reader.open(cache, cache.end);
    const { history, isWhole } = cache.kept;
    this.#options.open(history, isWhole);
  }

  advance(nowMs: number): void {
    while (this.#reader.waiting > 0 && this.#step(nowMs, false));
  }

  flush(nowMs: number): void {
    while (this.#reader.waiting > 0 && this.#step(nowMs, true));
  }

  /** The thread has handed every frame up to `sequence` to its viewers, as far as they take it. */
  passed(sequence: number, nowMs: number): void {
    while ((this.#flights.first?.sequence ?? Infinity) <= sequence) {
      const { bytes } = this.#flights.shift();
      this.#bytes -= bytes;
      this.#options.budget.give(bytes);
    }
    this.advance(nowMs);
  }

  /** What the thread tells of its fastest viewer: the rate, and whether it would take a frame now. */
  setFastest(rate: number, isReady: boolean): void {
    this.#rate = rate;
    this.#isReady = isReady;
  }

  /** What the thread tells of all its viewers. */
  setNumbers(numbers: ShardNumbers): void {
    // What it has grown by: that stays, whatever becomes of the thread.
    this.#options.delays.addGrowth(numbers.delays, this.#numbers.delays);
    this.#numbers = numbers;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    this.#numbers = { ...this.#numbers, viewers: 0, latencies: [] };
    this.#options.budget.give(this.#bytes);
  }

  /** Sends or skips the next frame; false where it has to wait. */
  #step(nowMs: number, isLast: boolean): boolean {
    const reader = this.#reader;
    const item = reader.next;
    // Its memory was needed for newer ones, or it cannot be decoded after what was skipped.
    if (item === undefined || (item.frame.kind === "delta" && this.#awaitsKey)) {
      return this.#skip(1);
    }
    const { frame, leftMs } = item;
    const bytes = frame.data.byteLength;
    const hasRoom = isLast || this.#flights.length < MAX_FRAMES;
    if (!hasRoom || !this.#options.budget.take(bytes)) {
      if (!isLast && (nowMs - leftMs <= PATIENCE_MS || reader.isAtNewestKey)) return false;
      return this.#skip(reader.untilNewer);
    }
    this.#awaitsKey = false;
    reader.pass(1);
    this.#bytes += bytes;
    this.#flights.push({ sequence: frame.sequence, bytes, sentMs: nowMs });
    this.#options.send(frame);
    return true;
  }

  #skip(frames: number): true {
    this.#options.miss(frames);
    this.#reader.pass(frames);
    this.#awaitsKey = true;
    return true;
  }
}
