/**
 * Watches a stream.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { type Clock, systemClock } from "../host/clock.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { parseStreamUrl } from "../net/stream_url.ts";
import { Wakeup } from "../net/wakeup.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import { type ViewerEvent, ViewerSession } from "../wire/viewer_session.ts";
import { CallQueue } from "./call_queue.ts";
import { Lifeline, stayConnected } from "./connected.ts";
import type { ReceivedFrame, WatchOptions, WatchStats } from "./watch_options.ts";

/** Frames, and their bytes, with which the rest has to wait in the inbox until some are handed out. */
const MAX_WAITING_FRAMES = 1024;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Bytes of confirmations and questions with which a relay that takes none of them is left. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** How a connection ends to a relay that takes nothing. */
const UNREAD: Closed = { code: 1006, reason: "the relay takes nothing of what it is told" };

/**
 * Begins to watch the stream at `url`, as `ws://127.0.0.1:8080/cam`. It connects at once, waits for a
 * stream that is not there yet, and connects again whenever the connection is lost. The loop over its
 * frames ends when the publisher ends the stream.
 *
 * @example Ten frames a second
 * ```ts
 * import { watch } from "@stream/relay/client";
 *
 * await using cam = watch("ws://127.0.0.1:8080/cam", { fps: 10 });
 * for await (const frame of cam) {
 *   console.log(frame.config.format, frame.kind, frame.ptsUs, frame.data.length);
 * }
 * ```
 *
 * @throws {StreamError} `usage` when `url` is no address of a stream
 */
export function watch(url: string, options: WatchOptions = {}): Watcher {
  return new Watcher(url, options);
}

/** A frame that the relay has not been told of. */
interface Unconfirmed {
  readonly sequence: number;
  /** Whether it came over an earlier connection as well, and is not handed out. */
  readonly isOld: boolean;
}

/**
 * A viewer of one stream, made by {@linkcode watch}: its frames, in order, each once. It is meant for
 * one loop; leaving the loop closes it.
 *
 * Its errors are {@linkcode StreamError}s: `unreachable` when nobody answers the first time, `refused`
 * when the relay asks for credentials, `failed` when it ends the connection for good.
 *
 * @example One frame
 * ```ts
 * import { watch } from "@stream/relay/client";
 *
 * await using cam = watch("ws://127.0.0.1:8080/cam");
 * const { value: frame } = await cam.next();
 * console.log(frame?.data.length, cam.stats().latencyMs);
 * ```
 */
export class Watcher implements AsyncIterableIterator<ReceivedFrame>, AsyncDisposable {
  /**
   * Settles once the connection is over. It rejects with the {@linkcode StreamError} that ended it,
   * and resolves when the publisher ended the stream, or a stop was asked for.
   */
  readonly closed: Promise<void>;

  readonly #url: string;
  readonly #authorization: string | undefined;
  readonly #options: WatchOptions;
  readonly #clock: Clock;
  readonly #session: ViewerSession;
  readonly #meter = new RateMeter();
  /** Notified when the connection has something to do. */
  readonly #connectionWakeup = new Wakeup();
  /** Notified when there is a frame, or none will come. */
  readonly #frameWakeup = new Wakeup();
  readonly #abort = new AbortController();
  #connection: Connection | undefined;
  /** Frames that nobody has asked for. */
  readonly #waiting = new Deque<ReceivedFrame>();
  #waitingBytes = 0;
  /** What came over this connection and is not confirmed, in order. */
  readonly #unconfirmed = new Map<object, Unconfirmed>();
  /** The frame that was handed out last. */
  #last: ReceivedFrame | undefined;
  /** Calls of `next`. */
  readonly #calls = new CallQueue();
  /** Whether somebody waits for a frame, and so has dealt with those before. */
  #isAwaited = false;
  #hasEnded = false;
  #isStopped = false;
  #isOver = false;
  #error: unknown;
  #frames = 0;
  #bytes = 0;
  #latencyMs: number | null = null;

  /**
   * As {@linkcode watch}.
   *
   * @throws {StreamError} `usage` when `url` is no address of a stream
   */
  constructor(url: string, options: WatchOptions = {}) {
    const { fps = null, maxDelayMs = DEFAULT_MAX_DELAY_MS, clock = systemClock } = options;
    const { socket, authorization } = parseStreamUrl(url);
    this.#url = socket;
    this.#authorization = authorization;
    this.#options = options;
    this.#clock = clock;
    this.#session = new ViewerSession({ fps, maxDelayMs });
    this.closed = this.#run();
    // Whoever waits for it, or for a frame, is told.
    this.closed.catch(() => {});
  }

  /** Numbers of this moment. */
  stats(): WatchStats {
    const { welcome, skipped, stats } = this.#session;
    const rate = this.#meter.rate(this.#clock.nowMs());
    // Both of the same frame: the relay's part alone may be that of another one.
    const { latencyMs = null, relayMs = null } = stats?.viewer ?? {};
    const waitsFor = welcome === undefined
      ? "relay"
      : rate.framesPerSecond > 0
      ? null
      : stats?.stream.publishing
      ? "frame"
      : "publisher";
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      ...rate,
      latencyMs: latencyMs ?? this.#latencyMs,
      relayMs,
      skipped,
      waitsFor,
    };
  }

  /**
   * The next frame. Unless `confirm` is `"manual"`, asking for it tells the relay that the one before
   * has been dealt with; it sends no more than `maxDelayMs` ahead of that.
   *
   * @throws {StreamError} what ended the connection, once, behind the frames that came before
   */
  next(): Promise<IteratorResult<ReceivedFrame, undefined>> {
    const { first } = this.#waiting;
    if (first === undefined || this.#calls.length > 0 || this.#isStopped) {
      return this.#calls.run(() => this.#next());
    }
    this.#confirmLast();
    return Promise.resolve({ done: false, value: this.#handOut() });
  }

  /** As {@linkcode close}; called by a loop that is left. */
  async return(): Promise<IteratorResult<ReceivedFrame, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** The watcher itself, for `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Tells the relay that `frame` and those before it have been dealt with. It is needed only with
   * `confirm: "manual"`, where somebody further on takes the frames, as behind a pipe.
   */
  confirm(frame: ReceivedFrame): void {
    // Of an earlier connection: the relay has forgotten it.
    if (!this.#unconfirmed.has(frame)) return;
    const session = this.#session;
    const nowMs = this.#clock.nowMs();
    const wasConfirmed = session.confirmDeadlineMs === Infinity;
    let isReached = false;
    for (const [key, { sequence, isOld }] of this.#unconfirmed) {
      if (isReached && !isOld) break;
      this.#unconfirmed.delete(key);
      this.#send(session.confirm(sequence, nowMs));
      isReached ||= key === frame;
    }
    if (wasConfirmed && session.confirmDeadlineMs !== Infinity) this.#connectionWakeup.notify();
  }

  /** Leaves the stream. What ended the connection before is told by {@linkcode closed}, not here. */
  async close(): Promise<void> {
    this.#stop();
    await this.closed.catch(() => {});
  }

  /** As {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #confirmLast(): void {
    if (this.#last !== undefined && this.#options.confirm !== "manual") this.confirm(this.#last);
  }

  async #next(): Promise<IteratorResult<ReceivedFrame, undefined>> {
    this.#confirmLast();
    while (!this.#isStopped) {
      if (this.#waiting.length > 0) return { done: false, value: this.#handOut() };
      if (this.#isOver) break;
      this.#isAwaited = true;
      if (this.#hasEnded) this.#connectionWakeup.notify();
      await this.#frameWakeup.wait(this.#clock);
      this.#isAwaited = false;
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined && !this.#isStopped) throw error;
    return { done: true, value: undefined };
  }

  /** Whether frames are taken in, for somebody who has not asked for them. */
  get #hasRoom(): boolean {
    return this.#waiting.length < MAX_WAITING_FRAMES && this.#waitingBytes < MAX_WAITING_BYTES;
  }

  #handOut(): ReceivedFrame {
    const hadRoom = this.#hasRoom;
    const frame = this.#waiting.shift();
    const { byteLength } = frame.data;
    this.#last = frame;
    this.#waitingBytes -= byteLength;
    if (!hadRoom && this.#hasRoom) this.#connectionWakeup.notify();
    this.#frames++;
    this.#bytes += byteLength;
    this.#meter.add(byteLength, this.#clock.nowMs());
    if (!frame.catchUp) this.#latencyMs = frame.latencyMs ?? this.#latencyMs;
    // A connection that has ended is replaced once its last frame was taken.
    if (this.#connection?.closed !== undefined) this.#connectionWakeup.notify();
    return frame;
  }

  #stop(): void {
    if (this.#isStopped || this.#isOver) return;
    this.#isStopped = true;
    this.#abort.abort("closed");
    this.#frameWakeup.notify();
  }

  async #run(): Promise<void> {
    const options = this.#options;
    try {
      await stayConnected({
        url: this.#url,
        authorization: this.#authorization,
        options,
        clock: this.#clock,
        signal: this.#abort.signal,
        wakeup: this.#connectionWakeup,
        onStop: () => this.#stop(),
        onLost: (reason, retryMs) => options.onEvent?.({ type: "lost", reason, retryMs }),
        onRestored: () => options.onEvent?.({ type: "restored" }),
      }, (connection) => this.#serve(connection));
    } catch (error) {
      this.#error = error;
      throw error;
    } finally {
      this.#isOver = true;
      this.#frameWakeup.notify();
    }
  }

  /** The loop that owns a connection. */
  async #serve(connection: Connection): Promise<"done" | Closed> {
    const clock = this.#clock;
    const session = this.#session;
    const { signal } = this.#abort;
    const lifeline = new Lifeline();
    this.#connection = connection;
    try {
      connection.send(session.open());
      while (!signal.aborted) {
        while (this.#hasRoom) {
          const message = connection.take();
          if (message === undefined) break;
          this.#take(session.receive(message, clock.wallUs()));
        }
        this.#send(session.confirmDue(clock.nowMs()));
        const isTaken = this.#waiting.length === 0;
        if (this.#hasEnded && isTaken && this.#isAwaited) return "done";
        if (connection.closed !== undefined && isTaken) {
          return this.#hasEnded ? "done" : connection.closed;
        }
        const dueMs = lifeline.poll(session, connection, clock);
        if (lifeline.lost !== undefined && isTaken) return lifeline.lost;
        if (connection.unsentBytes > MAX_UNSENT_BYTES) return UNREAD;
        await this.#connectionWakeup.wait(clock, Math.min(dueMs, session.confirmDeadlineMs));
      }
      return "done";
    } finally {
      // What was handed out counts as dealt with.
      if (this.#last !== undefined) this.confirm(this.#last);
      this.#send(session.confirmRest(clock.nowMs()));
      this.#connection = undefined;
      this.#unconfirmed.clear();
      connection.close(CLOSE.normal, "");
    }
  }

  #take(event: ViewerEvent): void {
    if (event.type === "end") {
      this.#hasEnded = this.#options.follow !== true;
      this.#options.onEvent?.({ type: "end" });
    }
    // What another publisher sends comes too late.
    if (event.type !== "frame" || this.#hasEnded) return;
    const { header, data, config, latencyUs, isNew } = event;
    const { sequence } = header;
    if (!isNew) {
      const isFirst = this.#unconfirmed.size === 0;
      if (isFirst) this.#send(this.#session.confirm(sequence, this.#clock.nowMs()));
      else this.#unconfirmed.set(header, { sequence, isOld: true });
      return;
    }
    const { key, held: _, ...told } = header;
    const frame: ReceivedFrame = {
      data,
      kind: key ? "key" : "delta",
      config,
      latencyMs: latencyUs === undefined ? null : latencyUs / 1000,
      ...told,
    };
    this.#unconfirmed.set(frame, { sequence, isOld: false });
    this.#waiting.push(frame);
    this.#waitingBytes += data.byteLength;
    this.#frameWakeup.notify();
  }

  #send(message: string | undefined): void {
    if (message !== undefined) this.#connection?.send(message);
  }
}
