/**
 * A stream in a running relay: the pure stream, the timer that drives it, and the peers at it.
 *
 * @module
 */
import { DelayHistogram } from "../core/delay_histogram.ts";
import { DROP_REASONS, type DropReason, isLoss, noDrops } from "../core/drops.ts";
import { type Frame, shapeOf } from "../core/frame.ts";
import { RecentDelays } from "../core/recent_delays.ts";
import type { ShardFeed } from "../core/shard_feed.ts";
import type { FrameInput } from "../core/numbering.ts";
import type { FrameRate } from "../core/pacing.ts";
import { Stream, type StreamOptions } from "../core/stream.ts";
import { ViewerDelays } from "../core/viewer_delays.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { LatencyStatus, ListedViewer, StreamStatus } from "../wire/control_message.ts";
import { Encodings } from "./encodings.ts";
import type { Keeper, KeptFrames } from "./kept_frames.ts";
import type { QueueShare } from "./memory.ts";
import type { Batched, Turns } from "./turns.ts";
import { endViewer, type Viewer, viewerStatus, type WatchedStream } from "./viewer.ts";

/** How soon a frame that is due but cannot leave is looked after again, in milliseconds. */
const RETRY_MS = 10;

/** The capture time of a frame of which its publisher does not know it. */
const UNKNOWN_CAPTURE_US = 0;

/** The connection of a client without a protocol that may send. */
export interface BareClient {
  /** Ends the connection. */
  close(code: number, reason: string): void;
}

/** The connection of a publisher with credit. */
export interface Publisher {
  /** Name of the publisher's run. Whoever knows it can take the stream over. */
  readonly session: string;
  /** What viewers may know of it. */
  readonly digest: string;
  /** Sequence of the last frame received in this run. */
  readonly received: number;
  /** Room may have come up for more frames. */
  refreshCredit(): void;
  /** Everything that was published has left. */
  ended(): void;
  /** Numbers, once a second. */
  report(status: StreamStatus): void;
  close(code: number, reason: string): void;
}

/** Drives a {@linkcode Stream} by a timer and by what its peers do. */
export class LiveStream implements WatchedStream, Batched, Keeper {
  /** Name of this stream's run; sequences of different runs do not compare. */
  readonly run: string = crypto.randomUUID();
  readonly encodings = new Encodings();
  readonly delays = new ViewerDelays();
  /** From capture to arrival, of all frames whose publisher tells when they were captured. */
  readonly sourceDelay = new DelayHistogram();
  /** The same of the last ones. */
  readonly #arrivals = new RecentDelays();
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #kept: KeptFrames;
  readonly #onIdle: (live: LiveStream) => void;
  readonly #numberViewer: () => number;
  /** The viewers, and the number of each. */
  readonly #viewers = new Map<Viewer, number>();
  /** Clients without a protocol; true once they have sent a frame. */
  readonly #bareClients = new Map<BareClient, boolean>();
  #publisher: Publisher | undefined;
  #isEnding = false;
  #lastSession = { session: "", received: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerMs = Infinity;
  /** When viewers that announce nothing are looked after again. */
  #pollMs = Infinity;
  #droppedBefore = noDrops();

  /** `onIdle` is told when nobody is at the stream and nothing is in it. */
  constructor(
    options: StreamOptions,
    { clock, turns, kept, numberViewer, onIdle }: {
      readonly clock: Clock;
      readonly turns: Turns;
      /** Where it counts what it keeps. */
      readonly kept: KeptFrames;
      /** Gives the next viewer its number. */
      readonly numberViewer: () => number;
      readonly onIdle: (live: LiveStream) => void;
    },
  ) {
    this.#stream = new Stream(options, clock.nowMs());
    this.#clock = clock;
    this.#turns = turns;
    this.#kept = kept;
    this.#numberViewer = numberViewer;
    this.#onIdle = onIdle;
  }

  /** The stream's name. */
  get name(): string {
    return this.#stream.name;
  }

  /** Frames a second, or `source`. */
  get fps(): FrameRate {
    return this.#stream.fps;
  }

  /** Whether somebody publishes: with credit, or as a bare client that has sent a frame. */
  get isPublishing(): boolean {
    return this.#publisher !== undefined || [...this.#bareClients.values()].includes(true);
  }

  /** The session of the publisher with credit, if there is one. */
  get session(): string | undefined {
    return this.#publisher?.session;
  }

  /** Whether there are only viewers: nobody publishes or may begin to, and no frame waits. */
  get isAwaited(): boolean {
    return this.#publisher === undefined && this.#bareClients.size === 0 && !this.hasQueue;
  }

  /** Whether frames wait in the queue. */
  get hasQueue(): boolean {
    return this.#stream.queue.frames > 0;
  }

  get queuedBytes(): number {
    return this.#stream.queue.bytes;
  }

  /** The newest frame that viewers may have and can decode by itself, while it is kept. */
  get newestKey(): Frame | undefined {
    return this.#stream.newestKey;
  }

  get viewers(): Iterable<Viewer> {
    return this.#viewers.keys();
  }

  /** Numbers of the stream. */
  status(): StreamStatus {
    const stream = this.#stream;
    const config = stream.config;
    return {
      name: stream.name,
      format: config?.format ?? null,
      width: config?.width ?? null,
      height: config?.height ?? null,
      codec: config?.codec ?? null,
      pixelFormat: config?.pixelFormat ?? null,
      frameRate: config?.frameRate ?? null,
      ...config === undefined ? {} : shapeOf(config),
      fps: stream.fps,
      publishing: this.isPublishing,
      live: this.isPublishing ? stream.isLive : null,
      ...stream.numbers(this.#clock.nowMs()),
      latency: latencyOf(this.viewers),
      arrival: this.#arrivals.range,
    };
  }

  /** Numbers of at most `limit` viewers that are at this thread, those that came first. */
  viewerStatuses(limit: number): ListedViewer[] {
    return [...this.#viewers].slice(0, limit).flatMap(([{ feed }, id]) =>
      feed instanceof ViewerFeed ? [{ id, ...viewerStatus(feed) }] : []
    );
  }

  /** Sends the numbers to the peers that take them. */
  report(): void {
    if (this.#viewers.size === 0 && this.#publisher === undefined) return;
    const status = this.status();
    this.#publisher?.report(status);
    for (const viewer of this.viewers) viewer.report(status);
  }

  /** Frames that were lost since this was asked last, by reason. */
  newDrops(): [DropReason, number][] {
    const { dropped } = this.#stream;
    const before = this.#droppedBefore;
    this.#droppedBefore = dropped;
    return DROP_REASONS
      .map((reason): [DropReason, number] => [reason, dropped[reason] - before[reason]])
      .filter(([reason, frames]) => frames > 0 && isLoss(reason));
  }

  /** Changes the frame rate at once. */
  setFps(fps: FrameRate): void {
    this.#stream.setFps(fps, this.#clock.nowMs());
    this.#announce();
    this.#drive();
  }

  /** The relay stood still for so many milliseconds. */
  stoodStill(ms: number): void {
    this.#stream.stoodStill(ms);
  }

  /** Changes how many bytes may wait in the queue, and how many a publisher may begin to send. */
  setShare({ maxBytes, creditBytes }: QueueShare): void {
    this.#stream.setMaxBytes(maxBytes, creditBytes);
  }

  /** Adds a viewer. */
  join(viewer: Viewer): void {
    this.#viewers.set(viewer, this.#numberViewer());
    viewer.welcome();
    this.#stream.join(viewer.feed, this.#clock.nowMs(), viewer.joinFrom);
    this.#drive();
  }

  /** Removes a viewer. */
  leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#stream.leave(viewer.feed, this.#clock.nowMs());
    this.#drive();
  }

  /** Adds a client without a protocol that may send. */
  joinBare(client: BareClient): void {
    this.#bareClients.set(client, false);
  }

  /** Removes a client without a protocol. */
  leaveBare(client: BareClient): void {
    const hasSent = this.#bareClients.get(client) === true;
    this.#bareClients.delete(client);
    if (hasSent) this.#announce();
    this.#drive();
  }

  /**
   * Takes a frame of a client without a protocol, unless that has been ended.
   *
   * @throws {ProtocolError} when the stream has a publisher
   */
  pushBare(client: BareClient, input: Arrival): void {
    if (this.#publisher !== undefined) throw busy(this.name);
    if (!this.#bareClients.has(client)) return;
    const hasSent = this.#bareClients.get(client) === true;
    if (!this.isPublishing) this.#stream.beginBare(this.#clock.nowMs());
    this.#bareClients.set(client, true);
    if (!hasSent) this.#announce();
    // It tells nothing of the way before: it was captured when it came.
    this.#push(input, this.#captureAgeMs(input));
  }

  /**
   * Gives the stream to a publisher. Returns the sequence of the last frame that the stream has
   * from its session.
   *
   * @throws {ProtocolError} when it has another one
   */
  begin(publisher: Publisher, options: BeginOptions): number {
    const current = this.#publisher;
    if (current !== undefined) {
      if (current.session !== publisher.session && !options.takeover) throw busy(this.name);
      this.#release(current);
      current.close(CLOSE.takenOver, `another publisher took over the stream "${this.name}"`);
    }
    this.#publisher = publisher;
    this.#isEnding = false;
    const last = this.#lastSession;
    const received = last.session === publisher.session ? last.received : 0;
    const { onFull, live, heldMs } = options;
    const resumes = received > 0;
    const session = publisher.digest;
    this.#stream.begin({ onFull, resumes, session, live, heldMs }, this.#clock.nowMs());
    this.#announce();
    return received;
  }

  /** Announces the configuration of the publisher's next frames. */
  configure(publisher: Publisher, config: FrameInput["config"]): void {
    if (this.#publisher === publisher) this.#stream.configure(config);
  }

  /**
   * Takes a frame of the publisher, before which it dropped `missing` others itself. One that has
   * lost the stream may still send while its connection closes: that is not taken.
   */
  push(publisher: Publisher, input: Arrival, missing: number): void {
    if (this.#publisher !== publisher) return;
    this.#stream.miss(missing);
    if (input.captureUs === UNKNOWN_CAPTURE_US) {
      this.#push({ ...input, captureUs: this.#clock.wallUs() }, 0);
      return;
    }
    const captureAgeMs = this.#captureAgeMs(input);
    this.sourceDelay.add(captureAgeMs);
    this.#arrivals.add(captureAgeMs, this.#clock.nowMs());
    this.#push(input, captureAgeMs);
  }

  /** The publisher sends no more: the stream ends once its queue is empty. */
  end(publisher: Publisher): void {
    if (this.#publisher !== publisher) return;
    this.#isEnding = true;
    this.#drive();
  }

  /** The publisher's connection is gone; false where the stream was no longer its own. */
  lose(publisher: Publisher): boolean {
    if (this.#publisher !== publisher) return false;
    this.#release(publisher);
    this.#drive();
    return true;
  }

  /** Credit for a publisher from which `totals` came. */
  credit(
    totals: { readonly frames: number; readonly bytes: number },
  ): ReturnType<Stream["credit"]> {
    return this.#stream.credit(totals);
  }

  /** How long a message takes to the publisher and back, in milliseconds. */
  setRoundTrip(publisher: Publisher, roundTripMs: number): void {
    if (this.#publisher !== publisher) return;
    this.#stream.setRoundTrip(roundTripMs);
    publisher.refreshCredit();
  }

  /** A viewer confirms frames; false where it confirms what it did not get. */
  acknowledge(viewer: Viewer<ViewerFeed>, sequence: number, heldMs?: number): boolean {
    const nowMs = this.#clock.nowMs();
    const isKnown = viewer.feed.acknowledge(sequence, nowMs, heldMs);
    if (isKnown && this.#stream.waitsForViewers) {
      this.#stream.advance(nowMs);
      this.#drive();
    }
    return isKnown;
  }

  /** A thread has brought frames to its viewers. */
  passed(viewer: Viewer<ShardFeed>, sequence: number): void {
    const nowMs = this.#clock.nowMs();
    viewer.feed.passed(sequence, nowMs);
    if (this.#stream.waitsForViewers) {
      this.#stream.advance(nowMs);
      this.#drive();
    }
  }

  takeTurn(): boolean {
    this.#stream.step(this.#clock.nowMs());
    if (!this.#stream.isBusy) this.#drive();
    return this.#stream.isBusy;
  }

  /**
   * Ends whoever publishes, with a reason that is told. What they send until their connections are closed is
   * not taken. Returns how many there were.
   */
  endPublishers(reason: string): number {
    const senders = [...this.#bareClients].filter(([, hasSent]) => hasSent);
    const publisher = this.#publisher;
    for (const [client] of senders) {
      client.close(CLOSE.ended, reason);
      this.leaveBare(client);
    }
    if (publisher === undefined) return senders.length;
    publisher.close(CLOSE.ended, reason);
    this.lose(publisher);
    return senders.length + 1;
  }

  /** Ends the viewer with that number, with a reason that is told; false where there is none here. */
  endViewer(id: number, reason: string): boolean {
    return endViewer(this, this.#viewers, { id, reason });
  }

  /** Closes the publisher: the relay takes in no more. */
  stopPublishing(reason: string): void {
    this.#publisher?.close(CLOSE.goingAway, reason);
  }

  /** Gives up what is kept for viewers that come. */
  forget(): void {
    this.#stream.close();
    this.encodings.clear();
    this.#count();
  }

  shed(): void {
    this.#stream.shed();
    this.#drive();
  }

  /** Drops what is left and closes the viewers. */
  stop(reason: string): void {
    clearTimeout(this.#timer);
    this.#timerMs = -Infinity;
    this.#stream.clear("stopped");
    this.#stream.flush(this.#clock.nowMs());
    for (const viewer of this.viewers) viewer.close(CLOSE.goingAway, reason);
    for (const client of this.#bareClients.keys()) client.close(CLOSE.goingAway, reason);
  }

  /** How old a frame is that comes now. */
  #captureAgeMs({ captureUs }: Arrival): number {
    // Clocks that do not quite agree would have it captured in the future.
    return Math.max(0, (this.#clock.wallUs() - captureUs) / 1000);
  }

  #push(input: Arrival, captureAgeMs: number): void {
    this.#stream.push({ ...input, captureAgeMs }, this.#clock.nowMs());
    this.#drive();
  }

  #release(publisher: Publisher): void {
    this.#lastSession = { session: publisher.session, received: publisher.received };
    this.#publisher = undefined;
    this.#isEnding = false;
    this.#stream.finish();
    this.#announce();
  }

  #announce(): void {
    for (const viewer of this.viewers) viewer.changed?.();
  }

  /** Acts on a change: gives credit, ends the stream, or sets the next timer. */
  #drive(): void {
    const nowMs = this.#clock.nowMs();
    const publisher = this.#publisher;
    if (this.#isEnding && !this.hasQueue && publisher !== undefined) {
      this.#release(publisher);
      this.#stream.flush(nowMs);
      for (const viewer of this.viewers) viewer.ended();
      publisher.ended();
    } else if (!this.#isEnding) {
      publisher?.refreshCredit();
    }
    if (this.#stream.isBusy) this.#turns.add(this);
    this.#pollMs = this.#stream.poll(nowMs);
    this.#arm(nowMs);
    const isIdle = this.#viewers.size === 0 && this.#bareClients.size === 0 &&
      this.#publisher === undefined && !this.hasQueue;
    if (isIdle) {
      this.#stream.close();
      this.encodings.clear();
      this.#onIdle(this);
    }
    this.#count();
  }

  #count(): void {
    this.#kept.set(this, this.#stream.keptBytes + this.encodings.copiedBytes);
  }

  #arm(nowMs: number): void {
    const dueMs = Math.min(this.#stream.deadlineMs() ?? Infinity, this.#pollMs);
    if (dueMs === this.#timerMs || this.#timerMs === -Infinity) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    if (dueMs === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timerMs = Infinity;
      // Timers count whole milliseconds and come up to one early; another would come late.
      this.#stream.advance(Math.max(dueMs, this.#clock.nowMs()));
      this.#drive();
    }, dueMs > nowMs ? dueMs - nowMs : RETRY_MS);
  }
}

/** A frame as a peer sent it. */
export type Arrival = Omit<FrameInput, "captureAgeMs">;

/** How a publisher begins. */
export interface BeginOptions {
  /** Take the stream from another publisher. */
  readonly takeover: boolean;
  /** Wait for credit, or drop frames without it. */
  readonly onFull: "wait" | "drop";
  /** Whether its source is live, where its user says so; `null` where that is to be seen. */
  readonly live: boolean | null;
  /** How long its source, which was live, has been held up, in milliseconds. */
  readonly heldMs: number;
}

function busy(name: string): ProtocolError {
  return new ProtocolError(CLOSE.busy, `the stream "${name}" already has a publisher`);
}

function latencyOf(viewers: Iterable<Viewer>): LatencyStatus | null {
  const latencies = [...viewers].flatMap(({ feed }) => feed.latencies);
  if (latencies.length === 0) return null;
  const total = latencies.map(({ totalMs }) => totalMs).sort((a, b) => a - b);
  const relay = latencies.map(({ relayMs }) => relayMs).sort((a, b) => a - b);
  const middle = total.length >> 1;
  return {
    medianMs: total[middle]!,
    maxMs: total.at(-1)!,
    relayMedianMs: relay[middle]!,
    relayMaxMs: relay.at(-1)!,
  };
}
