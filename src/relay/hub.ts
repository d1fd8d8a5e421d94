/**
 * All streams of a relay, and what they share: names, limits, memory.
 *
 * @module
 */
import type { Access } from "../access/access.ts";
import { RelayGuard } from "../access/guard.ts";
import { Outflow } from "../core/outflow.ts";
import type { FrameRate } from "../core/pacing.ts";
import { ProtocolError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { SparingLog } from "../host/sparing_log.ts";
import { Refusals } from "../listen/refusals.ts";
import { BODY_TURN_BYTES, ByteTurns } from "../listen/byte_turns.ts";
import { UnfinishedMessages } from "../listen/unfinished.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { ListedViewer } from "../wire/control_message.ts";
import { BarePublisher } from "./bare_publisher.ts";
import { KeptFrames } from "./kept_frames.ts";
import { LiveStream } from "./live_stream.ts";
import { Memory, queueShare } from "./memory.ts";
import { MessageCrowd } from "./message_crowd.ts";
import type { RelayOptions } from "./options.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import { PublisherPeer } from "./publisher_peer.ts";
import { AbsentStreams } from "./absent_streams.ts";
import { EndedSessions } from "./ended_sessions.ts";
import { evictStalledViewers } from "./evict.ts";
import type { PublisherKind, Streams } from "./streams.ts";
import { Turns } from "./turns.ts";
import { WatchfulClock } from "./watchful_clock.ts";

/** Longest queue in frames where there is no tick to empty it. */
const SOURCE_QUEUE_FRAMES = 1024;

/** Threads that have viewers of their own. */
export interface Threads {
  /** Has them tell the numbers of their viewers. */
  refresh(): Promise<void>;
  /** Numbers of at most `limit` viewers of the stream `name`, those that came first. */
  viewerStatuses(name: string, limit: number): Promise<ListedViewer[]>;
  /** Ends a viewer of the stream `name`. */
  endViewer(name: string, id: number, reason: string): Promise<ViewerEnd>;
}

/** What came of ending a viewer; `unknown` where a thread has not answered in time. */
export type ViewerEnd = "ended" | "absent" | "unknown";

/** What a {@linkcode Hub} works with. */
export interface HubContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Who may do what. @default {everybody everything} */
  readonly access?: Access;
  /** Proxies that wrong tokens of others come from. @default {none} */
  readonly trustedProxies?: readonly string[];
  /** What it counts together with other threads. */
  readonly memory?: Memory;
  /** Where it is counted, together with other threads, who is refused. */
  readonly refusals?: Refusals;
}

/** The streams by name, in the thread that has them. */
export class Hub implements Streams {
  readonly options: RelayOptions;
  readonly clock: WatchfulClock;
  readonly log: SparingLog;
  readonly guard: RelayGuard;
  readonly memory: Memory;
  readonly unfinished: UnfinishedMessages;
  readonly bodyTurns: ByteTurns = new ByteTurns(BODY_TURN_BYTES);
  readonly crowd: MessageCrowd;
  readonly outflow: Outflow;
  readonly refusals: Refusals;
  readonly #streams = new Map<string, LiveStream>();
  readonly #remembered = new AbsentStreams();
  readonly #ended = new EndedSessions();
  readonly #turns = new Turns();
  readonly #kept: KeptFrames;
  #threads: Threads | undefined;
  #isStopping = false;

  constructor(options: RelayOptions, context: HubContext) {
    this.options = options;
    this.clock = new WatchfulClock(context.clock, (ms) => {
      for (const live of this.#streams.values()) live.stoodStill(ms);
    });
    this.log = new SparingLog(context.log, "publishers came or went");
    const { access, log, trustedProxies = [] } = context;
    this.guard = new RelayGuard(access, { log, wallMs: Date.now, trustedProxies });
    this.memory = context.memory ?? new Memory(options);
    this.#kept = new KeptFrames(this.memory);
    this.crowd = new MessageCrowd(options.maxMessages);
    this.outflow = new Outflow(options);
    this.refusals = context.refusals ?? new Refusals(context.log);
    this.unfinished = new UnfinishedMessages(this.memory.unfinished, this.refusals);
  }

  /** Whether the relay is about to stop. */
  get isStopping(): boolean {
    return this.#isStopping;
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
   * The stream of that name for viewers, who wait for it where there is none.
   *
   * @throws {ProtocolError} when as many are awaited as may be
   */
  open(name: string): LiveStream {
    const existing = this.#streams.get(name);
    if (existing !== undefined) return existing;
    const { maxAwaited } = this.options;
    if (this.#streams.size - this.#published() >= maxAwaited) {
      throw new ProtocolError(
        CLOSE.full,
        `viewers wait for as many streams as the relay lets them (--max-awaited ${maxAwaited})`,
      );
    }
    return this.#add(name);
  }

  /**
   * Sets the frame rate of the stream of that name, or of the one that will get the name later.
   * Returns that stream, which need not exist yet in the hub.
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

  watch(name: string): LiveStream {
    this.memory.admit();
    try {
      return this.open(name);
    } catch (error) {
      this.memory.release();
      throw error;
    }
  }

  publish(name: string, as: PublisherKind, channel: ControlChannel): Peer {
    if (as !== "bare") this.#ended.check(name, as.hello.session);
    const live = this.#begin(name);
    const peer = as === "bare"
      ? new BarePublisher(this, live, channel)
      : new PublisherPeer(this, live, { ...as, channel });
    this.#remembered.published(name);
    return peer;
  }

  /**
   * Ends whoever publishes a stream, and tells them why; a session that has been ended publishes there no
   * more. Returns how many there were.
   */
  endPublishers(live: LiveStream, reason: string): number {
    if (live.session !== undefined) this.#ended.add(live.name, live.session, reason);
    return live.endPublishers(reason);
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
  async viewerStatuses(live: LiveStream, limit: number): Promise<ListedViewer[]> {
    return await this.#threads?.viewerStatuses(live.name, limit) ?? live.viewerStatuses(limit);
  }

  /** Ends the viewer of a stream that has that number, whichever thread it is at, and tells it why. */
  async endViewer(live: LiveStream, id: number, reason: string): Promise<ViewerEnd> {
    if (live.endViewer(id, reason)) return "ended";
    return await this.#threads?.endViewer(live.name, id, reason) ?? "absent";
  }

  /** Once a second: sends numbers around, and takes memory from who makes no use of it. */
  maintain(): void {
    this.#divide();
    this.#kept.makeRoom();
    for (const live of this.#streams.values()) {
      live.report();
      this.#logDrops(live);
    }
    evictStalledViewers(this.streams, this);
    this.refusals.report();
    this.guard.report();
    this.log.report();
  }

  /** Takes in no more frames and no more peers. */
  refuse(): void {
    this.#isStopping = true;
    for (const live of this.streams) live.stopPublishing("the relay is stopping");
  }

  /** Closes everybody. */
  stop(): void {
    for (const live of this.streams) live.stop("the relay is stopping");
    this.guard.close();
  }

  /** The stream of that name for somebody who publishes, for whom viewers make room. */
  #begin(name: string): LiveStream {
    const { maxStreams } = this.options;
    const existing = this.#streams.get(name);
    if (existing?.isAwaited === false) return existing;
    const published = this.#published();
    if (published >= maxStreams) {
      throw new ProtocolError(
        CLOSE.full,
        `the relay has reached its limit of streams (--max-streams ${maxStreams})`,
      );
    }
    this.#forgetOldest();
    const live = existing ?? this.#add(name);
    this.#divide(published + 1);
    return live;
  }

  /** Has no more streams keep a picture than may be, however many their publishers have left. */
  #forgetOldest(): void {
    const keeping = [...this.#streams.values()].filter(({ newestKey }) => newestKey !== undefined);
    if (keeping.length < this.options.maxStreams) return;
    keeping.find(({ isAwaited }) => isAwaited)?.forget();
  }

  #add(name: string): LiveStream {
    const live = this.#create(name);
    this.#streams.set(name, live);
    this.#divide();
    return live;
  }

  /** Streams that are more than awaited. */
  #published(): number {
    let published = 0;
    for (const live of this.#streams.values()) if (!live.isAwaited) published++;
    return published;
  }

  #create(name: string): LiveStream {
    const { fps, bufferMs } = this.options;
    const { cached, plan } = this.memory;
    return new LiveStream(
      {
        name,
        fps: this.#remembered.rateOf(name) ?? fps,
        bufferMs,
        sourceFrames: SOURCE_QUEUE_FRAMES,
        maxBytes: plan.queuesBytes,
        maxCreditBytes: plan.creditBytes,
        cacheBudget: cached,
      },
      {
        clock: this.clock,
        turns: this.#turns,
        kept: this.#kept,
        numberViewer: () => this.memory.numberViewer(),
        onIdle: (idle) => this.#remove(idle),
      },
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
    this.#divide();
  }

  /** Divides the memory for queues among those who need them. */
  #divide(published = this.#published()): void {
    const share = queueShare(this.options, published);
    for (const live of this.#streams.values()) live.setShare(share);
  }
}
