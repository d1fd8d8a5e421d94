/**
 * All streams of a relay, and what they share: names, limits, memory.
 *
 * @module
 */
import type { Budget } from "../core/budget.ts";
import type { FrameRate } from "../core/stream.ts";
import { ProtocolError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { ViewerStatus } from "../wire/control_message.ts";
import { Converter } from "../http/converter.ts";
import { LiveStream } from "./live_stream.ts";
import { Remembered } from "./remembered.ts";
import { ownShares } from "./shares.ts";
import { closeStalled } from "./stalled.ts";
import { AllPictures } from "../http/stream_pictures.ts";
import { Turns } from "./turns.ts";
import { WatchfulClock } from "./watchful_clock.ts";

/** Most bytes that one publisher may have in the queue and under way. */
const MAX_CREDIT_BYTES = 32 * 1024 * 1024;
/** Longest queue in frames where there is no tick to empty it. */
const SOURCE_QUEUE_FRAMES = 1024;

/** Limits and defaults of a relay. */
export interface HubOptions {
  /** Frame rate of a new stream. */
  readonly fps: FrameRate;
  /** Length of a stream's queue in milliseconds of its frame rate. */
  readonly bufferMs: number;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** Bytes for frames in queues and under way, in all. */
  readonly maxMemoryBytes: number;
  /** Most connections that watch or send without a protocol. */
  readonly maxViewers: number;
  /** Most streams. */
  readonly maxStreams: number;
  /** A viewer without a protocol to whom nothing has drained for so many milliseconds is closed. */
  readonly stallTimeoutMs: number;
  /** Origins of other sites whose pages may take part; `*` for all. */
  readonly allowOrigins: readonly string[];
  /** How long a peer that speaks the protocol may take to say hello, in milliseconds. */
  readonly helloTimeoutMs: number;
}

/** Threads that have viewers of their own. */
export interface Threads {
  /** Has them tell the numbers of their viewers. */
  refresh(): Promise<void>;
  /** Numbers of at most `limit` viewers of the stream `name`, those that came first. */
  viewerStatuses(name: string, limit: number): Promise<ViewerStatus[]>;
}

/**
 * The streams by name. Half of the memory is for queues, in equal shares for the streams; an eighth
 * is for frames kept for viewers that come; the rest is for frames under way to viewers, of which
 * one viewer may have a quarter.
 */
export class Hub {
  readonly options: HubOptions;
  readonly clock: WatchfulClock;
  readonly log: Log;
  /** What is under way to all viewers together. */
  readonly underWay: Budget;
  /** What is kept for viewers that come or are a little behind. */
  readonly cached: Budget;
  readonly #streams = new Map<string, LiveStream>();
  /** Pictures of the streams' frames. */
  readonly pictures: AllPictures;
  readonly #remembered = new Remembered();
  readonly #turns = new Turns();
  readonly #viewers: Budget;
  #threads: Threads | undefined;
  #isStopping = false;

  /** `shares`: what it counts together with other threads. */
  constructor(options: HubOptions, clock: Clock, log: Log, shares = ownShares(options)) {
    this.options = options;
    this.clock = new WatchfulClock(clock, (ms) => {
      for (const live of this.#streams.values()) live.stoodStill(ms);
    });
    this.log = log;
    this.underWay = shares.underWay;
    this.cached = shares.cached;
    this.#viewers = shares.viewers;
    this.pictures = new AllPictures(new Converter(clock), log);
  }

  /** Whether the relay is about to stop. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Most bytes under way to one viewer. */
  get maxViewerBytes(): number {
    return this.underWay.limit / 4;
  }

  /** All streams, by name. */
  get streams(): readonly LiveStream[] {
    return [...this.#streams.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The stream of that name, if there is one. */
  find(name: string): LiveStream | undefined {
    return this.#streams.get(name);
  }

  /**
   * The stream of that name, made where there is none.
   *
   * @throws {ProtocolError} when there are as many as may be
   */
  open(name: string): LiveStream {
    const existing = this.#streams.get(name);
    if (existing !== undefined) return existing;
    const { maxStreams } = this.options;
    if (this.#streams.size >= maxStreams) {
      throw new ProtocolError(
        CLOSE.full,
        `the relay has ${maxStreams} streams already (--max-streams)`,
      );
    }
    const live = this.#create(name);
    this.#streams.set(name, live);
    this.#share();
    return live;
  }

  /**
   * Sets the frame rate of the stream of that name at once, or of the one that will have it. Returns
   * the stream, which need not be among those that are there.
   */
  setFps(name: string, fps: FrameRate): LiveStream {
    this.#remembered.setRate(name, fps);
    const live = this.find(name);
    live?.setFps(fps);
    return live ?? this.#create(name);
  }

  /** The stream that will be there under a name whose frame rate was set; else `undefined`. */
  expected(name: string): LiveStream | undefined {
    return this.#remembered.rateOf(name) === undefined ? undefined : this.#create(name);
  }

  /** Whether somebody publishes, or has published, to a stream of that name. */
  hasPublished(name: string): boolean {
    return this.#remembered.hasPublished(name);
  }

  /** Somebody publishes to the stream of that name. */
  published(name: string): void {
    this.#remembered.published(name);
  }

  /**
   * Counts a viewer in, and returns the stream of that name.
   *
   * @throws {ProtocolError} when there are as many viewers or streams as may be
   */
  admitViewer(name: string): LiveStream {
    this.admitSender();
    try {
      return this.open(name);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /**
   * Counts somebody in who only sends, without a protocol.
   *
   * @throws {ProtocolError} when there are as many as may be
   */
  admitSender(): void {
    if (this.#viewers.take(1)) return;
    const { limit } = this.#viewers;
    throw new ProtocolError(CLOSE.full, `the relay has ${limit} viewers already (--max-viewers)`);
  }

  /** Counts out who was counted in. */
  release(): void {
    this.#viewers.give(1);
  }

  /** Asks these threads for the numbers of their viewers. */
  attach(threads: Threads): void {
    this.#threads = threads;
  }

  /** Brings the numbers of viewers at other threads up to date. */
  async refresh(): Promise<void> {
    await this.#threads?.refresh();
  }

  /** Numbers of at most `limit` viewers of a stream. */
  async viewerStatuses(live: LiveStream, limit: number): Promise<ViewerStatus[]> {
    return await this.#threads?.viewerStatuses(live.name, limit) ?? live.viewerStatuses(limit);
  }

  /** Once a second: sends numbers around, and takes memory from who makes no use of it. */
  maintain(): void {
    for (const live of this.#streams.values()) {
      live.report();
      this.#logDrops(live);
    }
    closeStalled(this.streams, this);
  }

  /** Takes in no more frames and no more peers. */
  refuse(): void {
    this.#isStopping = true;
    for (const live of this.streams) live.stopPublishing("the relay stops");
  }

  /** Closes everybody. */
  stop(): void {
    for (const live of this.streams) live.stop("the relay stops");
    this.pictures.stop();
  }

  #create(name: string): LiveStream {
    const { fps, bufferMs, maxMemoryBytes } = this.options;
    return new LiveStream(
      {
        name,
        fps: this.#remembered.rateOf(name) ?? fps,
        bufferMs,
        sourceFrames: SOURCE_QUEUE_FRAMES,
        maxBytes: maxMemoryBytes / 2,
        maxCreditBytes: MAX_CREDIT_BYTES,
        cacheBudget: this.cached,
      },
      { clock: this.clock, turns: this.#turns, onIdle: (idle) => this.#remove(idle) },
    );
  }

  #logDrops(live: LiveStream): void {
    const drops = live.newDrops();
    if (drops.length === 0) return;
    const text = drops.map(([reason, frames]) => `${reason} ${frames}`).join(", ");
    this.log.warn(`"${live.name}" dropped frames: ${text}`, {
      stream: live.name,
      ...Object.fromEntries(drops),
    });
  }

  #remove(live: LiveStream): void {
    if (this.#streams.get(live.name) !== live) return;
    this.#streams.delete(live.name);
    this.#share();
  }

  #share(): void {
    const share = Math.floor(this.options.maxMemoryBytes / 2 / Math.max(1, this.#streams.size));
    for (const live of this.#streams.values()) {
      live.setMaxBytes(Math.max(share, this.options.maxFrameBytes));
    }
  }
}
