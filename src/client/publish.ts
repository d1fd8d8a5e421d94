/**
 * Publishes frames to a stream.
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import { lostFrames } from "../core/drops.ts";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import type { FrameRate } from "../core/pacing.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { ProtocolError, StreamError } from "../errors.ts";
import { type Clock, systemClock } from "../host/clock.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { parseStreamUrl } from "../net/stream_url.ts";
import { Wakeup } from "../net/wakeup.ts";
import { CLOSE } from "../wire/close_code.ts";
import { MAX_HELD_UP_MS, type StreamStatus } from "../wire/control_message.ts";
import { type OutgoingFrame, PublisherSession } from "../wire/publisher_session.ts";
import { CallQueue } from "./call_queue.ts";
import { Lifeline, stayConnected } from "./connected.ts";
import type { PublishOptions, PublishStats, SendOptions } from "./publish_options.ts";

/** How long frames may still leave after a stop was asked for, in milliseconds. */
const STOP_MS = 3000;
/** How long a relay that is gone is waited for at the end of the input, in milliseconds. */
const GIVE_UP_MS = 60_000;
/** Most frames that may wait in calls of `send`. */
const MAX_WAITING_SENDS = 64;

/**
 * Begins to publish to the stream at `url`, as `ws://127.0.0.1:8080/cam`. It connects at once, and
 * again whenever the connection is lost: what the relay has not confirmed is then sent again.
 *
 * @example A camera, whose newest picture wins
 * ```ts
 * import { publish } from "@stream/relay/client";
 *
 * export async function show(camera: AsyncIterable<Uint8Array>): Promise<void> {
 *   await using out = publish("ws://127.0.0.1:8080/cam", { format: "mjpeg", onFull: "drop" });
 *   for await (const jpeg of camera) await out.send(jpeg);
 *   await out.end();
 * }
 * ```
 *
 * @throws {StreamError} `usage` when `url` is no address of a stream
 */
export function publish(url: string, options: PublishOptions = {}): Publisher {
  return new Publisher(url, options);
}

/**
 * A publisher of one stream, made by {@linkcode publish}.
 *
 * Its errors are {@linkcode StreamError}s: `unreachable` when nobody answers or the relay stays away,
 * `refused` when it asks for credentials, `failed` when it ends the connection for good, `bad_input`
 * when it does not take a frame, `usage` when a call makes no sense.
 *
 * @example Take a picture only when there is room for it
 * ```ts
 * import type { Publisher } from "@stream/relay/client";
 *
 * export async function show(out: Publisher, take: () => Promise<Uint8Array>): Promise<void> {
 *   while (await out.ready()) await out.send(await take());
 * }
 * ```
 */
export class Publisher implements AsyncDisposable {
  /**
   * Settles once the connection is over. It rejects with the {@linkcode StreamError} that ended it,
   * and resolves when all frames were delivered, or a stop was asked for.
   */
  readonly closed: Promise<void>;

  readonly #url: string;
  readonly #authorization: string | undefined;
  readonly #options: PublishOptions;
  readonly #clock: Clock;
  readonly #session: PublisherSession;
  readonly #meter = new RateMeter();
  /** Notified when the connection has something to do. */
  readonly #connectionWakeup = new Wakeup();
  /** Notified when another frame may be taken. */
  readonly #frameWakeup = new Wakeup();
  /** Ends everything; what has not left does not leave any more. */
  readonly #abort = new AbortController();
  #connection: Connection | undefined;
  #config: StreamConfig | undefined;
  /** Calls of `ready`, `send` and `end`. */
  readonly #calls = new CallQueue();
  #waitingSends = 0;
  /** Whether the frame that is taken next had to wait for credit. */
  #isHeld = false;
  /** Since when there has been no connection, once there was one. */
  #goneSinceMs: number | undefined;
  #hasInputEnded = false;
  #isStopped = false;
  #hasGivenUp = false;
  #isOver = false;
  #error: unknown;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #giveUpTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * As {@linkcode publish}.
   *
   * @throws {StreamError} `usage` when `url` is no address of a stream
   */
  constructor(url: string, options: PublishOptions = {}) {
    const { takeover = false, onFull = "wait", outlivesRelay = true } = options;
    const { format, clock = systemClock } = options;
    const { socket, authorization } = parseStreamUrl(url);
    this.#url = socket;
    this.#authorization = authorization;
    this.#options = options;
    this.#clock = clock;
    this.#config = format === undefined ? undefined : bareConfig(format, options.config);
    this.#session = new PublisherSession({
      session: runName(),
      takeover,
      onFull,
      outlivesRelay,
    });
    this.closed = this.#run();
    // Whoever waits for it is told; nobody has to.
    this.closed.catch(() => {});
  }

  /** The stream's frame rate as the relay told it last; `"source"` for none, and before it is known. */
  get fps(): FrameRate {
    return this.#session.stats?.stream.fps ?? this.#session.welcome?.fps ?? "source";
  }

  /** Numbers of this moment. */
  stats(): PublishStats {
    const session = this.#session;
    // A relay of another release may leave out anything.
    const stream: Partial<StreamStatus> | undefined = session.stats?.stream;
    const nowMs = this.#clock.nowMs();
    return {
      ...session.sent,
      ...this.#meter.rate(nowMs),
      queue: session.unsent + (stream?.queue?.frames ?? 0),
      dropped: session.dropped,
      undelivered: lostFrames(stream?.dropped ?? {}),
      notDelivered: session.isDone ? 0 : session.waiting,
      goneMs: this.#goneSinceMs === undefined ? 0 : nowMs - this.#goneSinceMs,
      live: stream?.live ?? null,
    };
  }

  /**
   * Waits until a frame is taken at once. Whoever makes or reads frames only then never holds one
   * that grows old.
   *
   * @returns false once no more frames are taken
   */
  ready(): Promise<boolean> {
    return this.#isFree ? Promise.resolve(true) : this.#calls.run(() => this.#untilReady());
  }

  /**
   * Sends a frame. It waits until the relay has room for it, with `onFull: "drop"` only for the first
   * connection; once it resolves, the frame is sent, or kept until it is. The bytes of `data` are
   * copied, unless `transfer` hands them over.
   *
   * @throws {StreamError} `bad_input` when the frame is larger than the relay takes: others may follow
   * @throws {StreamError} `usage` when it is empty, its format or kind is not known, more than 64
   * calls wait, or `end` was called
   * @throws {StreamError} what ended the connection
   */
  async send(data: Uint8Array, options: SendOptions = {}): Promise<void> {
    const frame = this.#frameOf(data, options);
    if (this.#waitingSends >= MAX_WAITING_SENDS) {
      throw sendError(`${MAX_WAITING_SENDS} calls of send wait; wait for each before the next`);
    }
    if (this.#hasInputEnded && this.#error === undefined) throw sendError("the stream has ended");
    if (this.#isFree) return this.#add(frame);
    this.#waitingSends++;
    try {
      await this.#calls.run(async () => {
        if (!await this.#untilReady()) throw this.#error ?? sendError("the stream has ended");
        this.#add(frame);
      });
    } finally {
      this.#waitingSends--;
    }
  }

  /** Tells that the source has a frame that is not sent; it counts as dropped here. */
  skip(): void {
    this.#session.leaveOut();
  }

  /**
   * Ends the stream: no more frames come. It waits until the relay has confirmed that all have left,
   * and for a relay that is gone as long as `giveUpMs`.
   *
   * @throws {StreamError} `unreachable` when the relay stays away, or what else ended the connection
   */
  async end(): Promise<void> {
    // Those that wait were sent before.
    await this.#calls.run(() => this.#endInput());
    await this.closed;
  }

  /**
   * Stops: what was sent may still leave for three seconds, if there is a connection. What ended the
   * connection before is told by {@linkcode closed}, not here.
   */
  async close(): Promise<void> {
    this.#stop();
    await this.closed.catch(() => {});
  }

  /** As {@linkcode close}, unless {@linkcode end} was called: then it waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasInputEnded) this.#stop();
    await this.closed.catch(() => {});
  }

  #frameOf(data: Uint8Array, options: SendOptions): OutgoingFrame {
    const { config = this.#config, ptsUs = null } = options;
    if (data.byteLength === 0) throw sendError("it is empty");
    if (ptsUs !== null && !Number.isSafeInteger(ptsUs)) {
      throw sendError(`ptsUs is ${ptsUs}, not a whole number of microseconds`);
    }
    if (config === undefined) {
      throw sendError("its format is not known; give publish a format, or the frame a config");
    }
    const kind = options.kind ?? (isCodedInTime(config.format) ? undefined : "key");
    if (kind === undefined) {
      throw sendError(`a frame of ${config.format} needs a kind: "key" or "delta"`);
    }
    this.#config = config;
    return {
      data: options.transfer ? data as Uint8Array<ArrayBuffer> : withHeadroom([data]),
      kind,
      leading: options.leading ?? false,
      configuration: options.configuration ?? false,
      config,
      ptsUs,
      captureUs: options.captureUs ?? this.#clock.wallUs(),
      catchUp: options.catchUp ?? false,
    };
  }

  #add(frame: OutgoingFrame): void {
    this.#session.add({ ...frame, isHeld: this.#isHeld });
    this.#isHeld = false;
    this.#flush();
  }

  /** Whether a frame is taken now, and nobody waits to give another. */
  get #isFree(): boolean {
    return this.#calls.length === 0 && !this.#isOver && !this.#hasInputEnded && this.#mayTake;
  }

  /** Whether the relay has greeted, and frames can be stamped by its clock. */
  get #isReady(): boolean {
    return this.#session.welcome !== undefined && this.#session.canStamp;
  }

  get #mayTake(): boolean {
    const session = this.#session;
    // Even what may be dropped is not taken before the first connection stands.
    return this.#options.onFull === "drop"
      ? this.#isReady || session.sent.frames > 0
      : (this.#isReady && session.wantsFrame) ||
        (this.#goneSinceMs !== undefined && session.mayHold);
  }

  async #untilReady(): Promise<boolean> {
    while (!this.#isOver && !this.#isStopped && !this.#hasInputEnded) {
      if (this.#mayTake) return true;
      this.#isHeld = this.#isReady;
      await this.#frameWakeup.wait(this.#clock);
    }
    return false;
  }

  #endInput(): void {
    if (this.#hasInputEnded) return;
    this.#hasInputEnded = true;
    this.#session.end();
    this.#arm();
    this.#connectionWakeup.notify();
  }

  #stop(): void {
    if (this.#isStopped || this.#isOver) return;
    this.#isStopped = true;
    this.#endInput();
    this.#frameWakeup.notify();
    // Without a connection nothing can leave any more.
    const graceMs = this.#connection === undefined ? 0 : STOP_MS;
    this.#graceTimer = setTimeout(() => this.#abort.abort("stopped"), graceMs);
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
        onLost: (reason, retryMs) => this.#onLost(reason, retryMs),
        onRestored: () => options.onEvent?.({ type: "restored" }),
      }, (connection) => this.#serve(connection));
      if (this.#hasGivenUp) throw this.#goneError();
      if (!this.#session.isDone && !this.#isStopped) {
        throw new StreamError("failed", "Cannot end the stream: the relay did not confirm its end");
      }
    } catch (error) {
      this.#error = error;
      throw error;
    } finally {
      this.#isOver = true;
      this.#frameWakeup.notify();
      clearTimeout(this.#graceTimer);
      clearTimeout(this.#giveUpTimer);
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
      connection.send(session.open(this.#options.live ?? null, this.#heldMs()));
      while (!signal.aborted) {
        for (let m = connection.take(); m !== undefined; m = connection.take()) {
          session.receive(m, clock.wallUs());
        }
        if (session.welcome !== undefined) this.#isBack();
        if (session.isDone) break;
        const dueMs = lifeline.poll(session, connection, clock);
        if (lifeline.lost !== undefined) return lifeline.lost;
        this.#flush();
        if (session.wantsFrame || session.welcome !== undefined) this.#frameWakeup.notify();
        if (connection.closed !== undefined && connection.waiting === 0) return connection.closed;
        await this.#connectionWakeup.wait(clock, dueMs);
      }
      return "done";
    } catch (error) {
      if (error instanceof ProtocolError) connection.close(CLOSE.protocolError, error.message);
      throw error;
    } finally {
      this.#connection = undefined;
      connection.close(CLOSE.normal, "");
    }
  }

  /** Sends what may be sent. */
  #flush(): void {
    if (this.#connection === undefined || !this.#isReady) return;
    const { sent } = this.#session;
    let { bytes } = sent;
    for (let m = this.#session.next(); m !== undefined; m = this.#session.next()) {
      this.#connection.send(m);
      if (sent.bytes > bytes) this.#meter.add(sent.bytes - bytes, this.#clock.nowMs());
      bytes = sent.bytes;
    }
  }

  /** How long a source has been held up that was live when the relay went, in milliseconds. */
  #heldMs(): number {
    const clock = this.#clock;
    if (this.#goneSinceMs === undefined || this.#session.stats?.stream.live !== true) return 0;
    const { oldestUs = Infinity } = this.#session;
    const heldMs = Math.max(clock.nowMs() - this.#goneSinceMs, (clock.wallUs() - oldestUs) / 1000);
    return Math.min(heldMs, MAX_HELD_UP_MS);
  }

  #onLost(reason: string, retryMs: number): void {
    const isFirst = this.#goneSinceMs === undefined;
    this.#goneSinceMs ??= this.#clock.nowMs();
    this.#arm();
    this.#frameWakeup.notify();
    const { goneMs, notDelivered } = this.stats();
    this.#options.onEvent?.({
      type: "lost",
      reason,
      retryMs,
      goneMs: isFirst ? 0 : goneMs,
      notDelivered,
    });
  }

  #isBack(): void {
    this.#goneSinceMs = undefined;
    clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = undefined;
  }

  /** Sees to it that at the end of the input the relay is not waited for without end. */
  #arm(): void {
    if (!this.#hasInputEnded || this.#goneSinceMs === undefined || this.#isOver) return;
    this.#giveUpTimer ??= setTimeout(() => {
      this.#hasGivenUp = true;
      this.#abort.abort("the relay is gone");
    }, this.#options.giveUpMs ?? GIVE_UP_MS);
  }

  #goneError(): StreamError {
    const { goneMs, notDelivered } = this.stats();
    const frames = notDelivered === 1 ? "1 frame was" : `${notDelivered} frames were`;
    const seconds = Math.round(goneMs / 1000);
    return new StreamError(
      "unreachable",
      `Cannot end the stream at ${this.#url}: the relay has been gone for ` +
        `${seconds} s, and ${frames} not delivered`,
      { detail: "not_delivered" },
    );
  }
}

function sendError(why: string): StreamError {
  return new StreamError("usage", `Cannot send a frame: ${why}`);
}

/** A name for this run that no other has. */
function runName(): string {
  // Unlike randomUUID, it is also there in pages without a secure context.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
