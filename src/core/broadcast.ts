/**
 * One frame in, one frame out for each viewer: where a relay's work is.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { addDrops, type DropCounts, noDrops } from "./drops.ts";
import type { Feed, FrameTotals, JoinFrom } from "./feed.ts";
import type { Frame } from "./frame.ts";
import { GopCache, type Kept } from "./gop_cache.ts";

/** Most frames that are kept for viewers that come. */
export const MAX_CACHE_FRAMES = 1800;
/**
 * How long after a key frame it and what follows it are kept for viewers that join, in
 * milliseconds.
 */
const MAX_CACHE_MS = 30_000;
/**
 * Longest time that a frame waits for viewers where no tick sets the pace, in milliseconds. A
 * viewer that has taken nothing for this long is not waited for.
 */
export const HOLD_MS = 1000;

/**
 * Bytes sent before the caller gets a turn: a few milliseconds of work. Each turn costs a look at every
 * socket that has something to say, which with less a turn is a third of what sending costs.
 */
const BATCH_BYTES = 1_048_576;
/** Feeds served before the caller gets a turn, however little they were sent. */
const BATCH_FEEDS = 1024;

/**
 * How often a viewer that does not acknowledge is polled while a frame waits for it: after a tenth
 * of the time for which nothing has drained, within these limits in milliseconds.
 */
const POLL_PART = 0.1;
const MIN_POLL_MS = 10;
const MAX_POLL_MS = 250;

/**
 * Cache and fan-out of a stream: keeps the frames that have left the queue as long as they are of
 * use, and sends them to the feeds in batches. Between batches the caller lets others work. The
 * feeds are served in turn, so that when frames arrive faster than they can be sent, every feed
 * misses equally many.
 */
export class Broadcast {
  /** What is kept. Feeds read it; only the broadcast adds to it. */
  readonly frames: GopCache;
  readonly #feeds = new Set<Feed>();
  /** The feeds as a list; `undefined` once some have come or gone. */
  #order: readonly Feed[] | undefined;
  /** Index in the list of the feed that has the next turn. */
  #turn = 0;
  /** Feeds that may not have seen the newest frame. */
  #left = 0;
  /**
   * Feeds for which frames waited when they were last looked at. Others have none but those that have
   * come since: so that not all of them are looked at again for each frame.
   */
  readonly #behind = new Set<Feed>();
  /** Those that may hold up the frames of others. */
  readonly #pacing = new Set<Feed>();
  /**
   * Position behind the newest frame when the first feed of the list had its turn; `undefined` where the
   * list has changed since.
   */
  #roundFrom: number | undefined;
  readonly #sentToGone: FrameTotals = { frames: 0, bytes: 0 };
  readonly #droppedByGone = noDrops();

  /** `budget`: the bytes that all broadcasts together may keep. */
  constructor(budget: Budget) {
    this.frames = new GopCache({
      maxFrames: MAX_CACHE_FRAMES,
      maxBytes: budget.limit,
      maxMs: MAX_CACHE_MS,
      budget,
    });
  }

  /** The newest frame that can be decoded by itself, while it is kept. */
  get newestKey(): Frame | undefined {
    return this.frames.key?.frame;
  }

  /** Bytes that it keeps and that do not count in its budget. */
  get uncountedBytes(): number {
    return this.frames.uncountedBytes;
  }

  /** Viewers that are connected. */
  get viewers(): number {
    let viewers = 0;
    for (const feed of this.#feeds) viewers += feed.viewers;
    return viewers;
  }

  /** Whether {@linkcode step} has more to do. */
  get isBusy(): boolean {
    return this.#left > 0;
  }

  /** Frames and bytes handed to the sockets of all viewers, also of those that have gone. */
  get sent(): FrameTotals {
    const total = { ...this.#sentToGone };
    for (const feed of this.#feeds) addTotals(total, feed.sent);
    return total;
  }

  /** Frames that viewers did not get, by reason, also those that have gone. */
  get dropped(): DropCounts {
    const total = { ...this.#droppedByGone };
    for (const feed of this.#feeds) addDrops(total, feed.dropped);
    return total;
  }

  /** Whether a frame that nobody is to lose has to wait for the relay itself. */
  isBehind(nowMs: number): boolean {
    if (this.isBusy) return true;
    for (const feed of this.#pacing) {
      if (!feed.keepsUp!(nowMs)) return true;
    }
    return false;
  }

  /** The relay stood still for so long. */
  stoodStill(ms: number): void {
    for (const feed of this.#feeds) feed.stoodStill(ms);
  }

  /** Frames were lost before they came here. */
  miss(frames: number): void {
    for (const feed of this.#feeds) feed.miss(frames);
  }

  /** Takes a frame that has left the queue, and sends a first batch. */
  push(frame: Frame, nowMs: number): void {
    this.frames.push(frame, nowMs);
    this.#left = this.#feeds.size;
    if (this.#left === 0) this.frames.trim(Infinity);
    this.step(nowMs);
  }

  /** Sends one batch. */
  step(nowMs: number): void {
    if (this.#left === 0) return;
    const order = this.#order ??= [...this.#feeds];
    const { end } = this.frames;
    let bytes = 0;
    for (let feeds = 0; this.#left > 0 && feeds < BATCH_FEEDS && bytes < BATCH_BYTES; feeds++) {
      if (this.#turn >= order.length) this.#turn = 0;
      if (this.#turn === 0) this.#roundFrom = end;
      const feed = order[this.#turn++]!;
      const before = feed.sent.bytes;
      feed.advance(nowMs);
      bytes += feed.sent.bytes - before;
      if (feed.needsFrom !== Infinity) this.#behind.add(feed);
      this.#left--;
      if (this.#turn === order.length && this.#left > 0) this.#trim();
    }
    if (this.#left === 0) this.#trim();
  }

  /** Adds a feed; with `key` it gets the last key frame and what follows it at once. */
  join(feed: Feed, nowMs: number, from: JoinFrom): void {
    this.#feeds.add(feed);
    if (feed.keepsUp !== undefined) this.#pacing.add(feed);
    this.#changed();
    feed.join(this.frames, from, nowMs);
    if (feed.needsFrom !== Infinity) this.#behind.add(feed);
  }

  /** Removes a feed; false where it was not there. */
  leave(feed: Feed): boolean {
    if (!this.#feeds.delete(feed)) return false;
    this.#behind.delete(feed);
    this.#pacing.delete(feed);
    this.#changed();
    feed.close();
    addTotals(this.#sentToGone, feed.sent);
    addDrops(this.#droppedByGone, feed.dropped);
    return true;
  }

  /** Sends what waits for viewers: nothing follows it. */
  flush(nowMs: number): void {
    for (const feed of this.#feeds) feed.flush(nowMs);
  }

  /**
   * Sends waiting frames to viewers that do not acknowledge. Returns when to call it again,
   * `Infinity` where there are no such viewers. While batches are left, every feed has its turn
   * anyway.
   */
  poll(nowMs: number): number {
    if (this.isBusy) return Infinity;
    let waitMs = Infinity;
    for (const feed of this.#behind) {
      if (!feed.needsPolling) continue;
      feed.advance(nowMs);
      if (feed.needsPolling) waitMs = Math.min(waitMs, feed.stalledMs(nowMs) * POLL_PART);
    }
    return waitMs === Infinity
      ? Infinity
      : nowMs + Math.min(Math.max(waitMs, MIN_POLL_MS), MAX_POLL_MS);
  }

  /**
   * The feed with the best rate among those that took something within {@linkcode HOLD_MS};
   * `undefined` where there is none.
   */
  fastest(nowMs: number): Feed | undefined {
    let fastest: Feed | undefined;
    for (const feed of this.#feeds) {
      if (feed.ageMs(nowMs) >= HOLD_MS) continue;
      // Nothing is faster than what the system takes at once.
      if (feed.rate === Infinity) return feed;
      if (fastest === undefined || feed.rate > fastest.rate) fastest = feed;
    }
    return fastest;
  }

  /**
   * Whether the fastest feed would send a frame at once; true where there is no feed to wait for.
   */
  isFastestReady(nowMs: number): boolean {
    return this.fastest(nowMs)?.isReady(nowMs) ?? true;
  }

  /** Begins with what another broadcast of the same stream has kept. */
  restore(kept: Kept): void {
    this.frames.restore(kept);
  }

  /** Gives up the memory that is shared with other streams. */
  close(): void {
    this.frames.clear();
  }

  /** Feeds have come or gone. */
  #changed(): void {
    this.#order = undefined;
    this.#roundFrom = undefined;
    // They have moved in the list: those that have had their turn find nothing to do.
    if (this.#left > 0) this.#left = this.#feeds.size;
  }

  /** Gives up what no feed needs any more: at the end of a round, or when all have had their turn. */
  #trim(): void {
    let neededFrom = Infinity;
    const hasAll = this.#left === 0 || this.#roundFrom !== undefined;
    for (const feed of hasAll ? this.#behind : this.#feeds) {
      const { needsFrom } = feed;
      if (needsFrom === Infinity) this.#behind.delete(feed);
      else neededFrom = Math.min(neededFrom, needsFrom);
    }
    // Whoever had nothing to wait for in this round has got what was there when it began.
    if (this.#left > 0) neededFrom = Math.min(neededFrom, this.#roundFrom ?? Infinity);
    this.frames.trim(neededFrom);
  }
}

function addTotals(total: FrameTotals, more: Readonly<FrameTotals>): void {
  total.frames += more.frames;
  total.bytes += more.bytes;
}
