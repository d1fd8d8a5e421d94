/**
 * Publishes frames to a stream.
 *
 * @module
 */
import { lostFrames } from "../core/drops.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { FOLLOWED } from "../core/liveness.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { Thinning } from "../core/thinning.ts";
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { openClientSocket } from "../net/client_socket.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { keepConnected } from "../net/reconnect.ts";
import { Wakeup } from "../net/wakeup.ts";
import { CLOSE } from "../wire/close_code.ts";
import { MAX_HELD_UP_MS } from "../wire/control_message.ts";
import { PublisherSession } from "../wire/publisher_session.ts";
import type { FrameSource, SourceFrame } from "./frame_source.ts";
import { SourcePace } from "./source_pace.ts";

/** How long frames may still leave after a stop was asked for, in milliseconds. */
const STOP_MS = 3000;
/** How long a relay that is gone is waited for at the end of the input, in milliseconds. */
const GIVE_UP_MS = 60_000;

/** How far behind its source a publisher must be before its user is told what slows it down. */
const SLOWED_MS = 1000;

/** Frames at the beginning without a key frame after which that is said, and the time of a live one. */
const MAX_KEYLESS_FRAMES = 300;
const MAX_KEYLESS_MS = 2000;
const KEY_ADVICE =
  "check --format, and make the encoder write key frames with their parameter sets " +
  "(ffmpeg: -g 60 -bsf:v dump_extra)";

/** Options of a {@linkcode Publisher}. */
export interface PublishOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** Take the stream from a publisher that is there. */
  readonly takeover: boolean;
  /** Wait for credit (lossless), or drop the older of two frames that have none. */
  readonly onFull: "wait" | "drop";
  /** Whether the source is live; `null` where that is to be seen. @default {null} */
  readonly live?: boolean | null;
  /**
   * How long a relay that is gone is waited for at the end of the input, in milliseconds.
   * @default {60000}
   */
  readonly giveUpMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Numbers of a publisher. */
export interface PublishStats {
  /** Frames and bytes sent. */
  readonly frames: number;
  readonly bytes: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Frames that wait here and in the relay's queue. */
  readonly queue: number;
  /** How long what a live source has to be read has been there, in milliseconds. */
  readonly behindMs: number;
  /** Frames dropped here. */
  readonly dropped: number;
  /** Frames that viewers should have got from the relay and did not, for whatever reason. */
  readonly undelivered: number;
  /** Frames that the relay has not confirmed; 0 once it has confirmed the end. */
  readonly notDelivered: number;
  /** For how long there has been no connection to the relay in milliseconds; 0 while there is one. */
  readonly goneMs: number;
}

/** What is to be said of a relay that is gone. */
export function describeGone({ goneMs, notDelivered }: PublishStats): string {
  return `the relay has been gone for ${Math.floor(goneMs / 1000)} s; ${waiting(notDelivered)}`;
}

function waiting(frames: number): string {
  return frames === 1 ? "1 frame waits" : `${frames} frames are waiting`;
}

/** Sends the frames of one source to one stream. */
export class Publisher {
  readonly #options: PublishOptions;
  readonly #session: PublisherSession;
  readonly #meter = new RateMeter();
  readonly #pace = new SourcePace();
  /** Thins pictures of a film that has more of them than the stream lets out. */
  readonly #thinning = new Thinning();
  /** Whether the source is live, as far as that need not be seen. */
  #live: boolean | null;
  /** What the user has been told once. */
  readonly #told = new Set<string>();
  /** Notified when the connection has something to do. */
  readonly #connectionWakeup = new Wakeup();
  /** Notified when the source may go on. */
  readonly #sourceWakeup = new Wakeup();
  #connection: Connection | undefined;
  #isOver = false;
  /** Since when there has been no connection, once there was one. */
  #goneSinceMs: number | undefined;
  /** Whether all of the input has been read. */
  #hasRead = false;
  /** Ends everything; what has not left does not leave any more. */
  readonly #end = new AbortController();
  #giveUpTimer: ReturnType<typeof setTimeout> | undefined;
  #hasGivenUp = false;

  constructor(options: PublishOptions) {
    this.#options = options;
    this.#live = options.live ?? null;
    this.#session = new PublisherSession({
      session: crypto.randomUUID(),
      takeover: options.takeover,
      onFull: options.onFull,
    });
  }

  /** The stream's frame rate as the relay told it last. */
  get fps(): number | "source" {
    return this.#session.stats?.stream.fps ?? this.#session.welcome?.fps ?? "source";
  }

  /** Numbers so far. */
  stats(): PublishStats {
    const session = this.#session;
    const stream = session.stats?.stream;
    const nowMs = this.#options.clock.nowMs();
    return {
      ...session.sent,
      ...this.#meter.rate(nowMs),
      queue: session.unsent + (stream?.queue.frames ?? 0),
      // A file, or an encoder that is faster than the tick, is read when its time has come.
      behindMs: stream?.live === false ? 0 : this.#pace.behindMs(nowMs),
      dropped: session.dropped,
      undelivered: stream === undefined ? 0 : lostFrames(stream.dropped),
      notDelivered: session.isDone ? 0 : session.waiting,
      goneMs: this.#goneSinceMs === undefined ? 0 : nowMs - this.#goneSinceMs,
    };
  }

  /**
   * Sends the frames of `source` until there are no more and all have left the relay, or until
   * `signal` asks for a stop: then what has been read still leaves, for a moment. A relay that is
   * gone is waited for, at the end of the input for a while.
   *
   * @throws {InputError} when the input is broken, after the frames before the fault have left
   * @throws {StreamError} `bad_input` when nobody can have seen any of its frames
   * @throws {StreamError} when the relay cannot be reached, closes the connection for good or stays
   * away
   */
  async run(source: FrameSource, signal: AbortSignal): Promise<void> {
    const end = this.#end;
    if (source.isPaced) this.#live ??= true;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const stop = () => {
      source.stop();
      this.#sourceWakeup.notify();
      // Without a connection nothing can leave any more.
      const graceMs = this.#connection === undefined ? 0 : STOP_MS;
      grace = setTimeout(() => end.abort("stopped"), graceMs);
    };
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const reading = this.#read(source, signal);
    // A broken input is reported once the frames before it have left, not as an unhandled rejection.
    reading.catch(() => {});
    try {
      await keepConnected({
        url: this.#options.url,
        openSocket: openClientSocket,
        clock: this.#options.clock,
        signal: end.signal,
        wakeup: this.#connectionWakeup,
        onLost: (why, delayMs) => this.#onLost(why, delayMs),
        onRestored: () => this.#options.log.info("connected again"),
      }, (connection) => this.#serve(connection, end.signal));
    } finally {
      this.#isOver = true;
      source.stop();
      this.#sourceWakeup.notify();
      clearTimeout(grace);
      clearTimeout(this.#giveUpTimer);
      signal.removeEventListener("abort", stop);
    }
    await reading;
    if (this.#hasGivenUp) throw this.#goneError();
    if (!this.#session.isDone && !signal.aborted) {
      throw new StreamError("failed", "Cannot end the stream: the relay did not confirm its end");
    }
  }

  async #read(source: FrameSource, signal: AbortSignal): Promise<void> {
    const { clock, onFull } = this.#options;
    let keyless: number | undefined = 0;
    let keylessSinceMs: number | undefined;
    let isHeld = false;
    let leftOut: SourceFrame | undefined;
    try {
      while (!signal.aborted && !this.#isOver) {
        // Even what may be dropped is not read before the first connection stands.
        const mayRead = onFull === "drop"
          ? this.#isReady || this.#session.sent.frames > 0
          : (this.#isReady && this.#session.wantsFrame) ||
            (this.#goneSinceMs !== undefined && this.#session.mayHold);
        if (!mayRead) {
          isHeld = this.#isReady;
          await this.#sourceWakeup.wait(clock);
          continue;
        }
        this.#pace.ask(clock.nowMs());
        const frame = await source.next();
        if (frame === undefined) break;
        this.#pace.read(clock.nowMs());
        this.#tellSlowed(frame);
        // The last picture of a film is shown in any case.
        if (leftOut !== undefined) this.#session.leaveOut();
        leftOut = source.isPaced && this.#isTooMany(frame) ? frame : undefined;
        if (leftOut !== undefined) continue;
        if (frame.kind === "key") keyless = undefined;
        else if (keyless !== undefined) {
          keyless++;
          keylessSinceMs ??= clock.nowMs();
          const isLong = keyless >= MAX_KEYLESS_FRAMES ||
            clock.nowMs() - keylessSinceMs >= MAX_KEYLESS_MS;
          if (isLong) {
            this.#tellOnce(
              "keyless",
              `nobody can see the first ${keyless} frames, because none is a key frame; ${KEY_ADVICE}`,
            );
          }
        }
        this.#session.add({ ...frame, captureUs: clock.wallUs(), isHeld });
        isHeld = false;
        this.#flush();
      }
      if (leftOut !== undefined && !signal.aborted) {
        this.#session.add({ ...leftOut, captureUs: clock.wallUs() });
      }
      if (keyless !== undefined && keyless > 0 && !signal.aborted) throw keylessError(keyless);
    } finally {
      this.#session.end();
      this.#hasRead = true;
      this.#arm();
      this.#connectionWakeup.notify();
    }
  }

  /** Whether the relay has greeted, and frames can be stamped by its clock. */
  get #isReady(): boolean {
    return this.#session.welcome !== undefined && this.#session.canStamp;
  }

  /** Whether a picture of a film is one more than the stream lets out. */
  #isTooMany({ config, ptsUs }: SourceFrame): boolean {
    const { fps } = this;
    if (fps === "source" || ptsUs === null || isCodedInTime(config.format)) return false;
    const ptsMs = ptsUs / 1000;
    if (this.#thinning.arrived(1000 / fps, ptsMs) <= ptsMs) {
      this.#thinning.left(1000 / fps, ptsMs);
      return false;
    }
    this.#tellOnce(
      "film",
      `the film has more pictures a second than the ${fps} that the relay sends; the rest are ` +
        'left out evenly; to send all, start the relay with a higher --fps or with "--fps source"',
    );
    return true;
  }

  /** Says once why a source that had to be waited for has to wait now. */
  #tellSlowed({ config }: SourceFrame): void {
    const { fps } = this;
    const { intervalMs } = this.#pace;
    const isSlowed = fps !== "source" && intervalMs !== undefined &&
      intervalMs * fps * FOLLOWED < 1000 && this.#options.onFull === "wait" &&
      this.#session.stats?.stream.live === false &&
      this.#pace.behindMs(this.#options.clock.nowMs()) >= SLOWED_MS;
    if (!isSlowed) return;
    const flag = isCodedInTime(config.format) ? "--live" : "--on-full drop";
    // A rate that people know, not one that was measured.
    const about = Math.round(200 / intervalMs) * 5;
    this.#tellOnce(
      "slowed",
      `frames arrive faster than the ${fps} a second that the relay sends, so the input waits; ` +
        `if it is live, use ${flag}, or start the relay with --fps ${about} ` +
        'or "--fps source"',
    );
  }

  #tellOnce(what: "film" | "keyless" | "slowed", sentence: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#options.log.warn(sentence);
  }

  /** How long a source has been held up that was live when the relay went, in milliseconds. */
  #heldMs(): number {
    const { clock } = this.#options;
    if (this.#goneSinceMs === undefined || this.#session.stats?.stream.live !== true) return 0;
    const { oldestUs = Infinity } = this.#session;
    const heldMs = Math.max(clock.nowMs() - this.#goneSinceMs, (clock.wallUs() - oldestUs) / 1000);
    return Math.min(heldMs, MAX_HELD_UP_MS);
  }

  #onLost(why: string, delayMs: number): void {
    const { clock, log } = this.#options;
    const isFirst = this.#goneSinceMs === undefined;
    this.#goneSinceMs ??= clock.nowMs();
    this.#arm();
    this.#sourceWakeup.notify();
    const stats = this.stats();
    const state = isFirst ? waiting(stats.notDelivered) : describeGone(stats);
    log.warn(
      `lost the relay: ${why}; ${state}; trying again in ${Math.round(delayMs)} ms`,
      { goneMs: Math.round(stats.goneMs), notDelivered: stats.notDelivered },
    );
  }

  /** Sees to it that at the end of the input the relay is not waited for without end. */
  #arm(): void {
    if (!this.#hasRead || this.#goneSinceMs === undefined || this.#isOver) return;
    this.#giveUpTimer ??= setTimeout(() => {
      this.#hasGivenUp = true;
      this.#end.abort("the relay is gone");
    }, this.#options.giveUpMs ?? GIVE_UP_MS);
  }

  #isBack(): void {
    this.#goneSinceMs = undefined;
    clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = undefined;
  }

  #goneError(): StreamError {
    const { goneMs, notDelivered } = this.stats();
    const frames = notDelivered === 1 ? "1 frame was" : `${notDelivered} frames were`;
    const seconds = Math.round(goneMs / 1000);
    return new StreamError(
      "unreachable",
      `Cannot end the stream at ${this.#options.url}: the relay has been gone for ` +
        `${seconds} s, and ${frames} not delivered; start it and publish again, or wait for it ` +
        "longer with --give-up",
    );
  }

  /** The loop that owns a connection. */
  async #serve(connection: Connection, signal: AbortSignal): Promise<"done" | Closed> {
    const { clock } = this.#options;
    const session = this.#session;
    const wake = () => this.#connectionWakeup.notify();
    signal.addEventListener("abort", wake);
    let clockDueMs = 0;
    this.#connection = connection;
    try {
      connection.send(session.open(this.#live, this.#heldMs()));
      while (!signal.aborted) {
        for (let m = connection.take(); m !== undefined; m = connection.take()) {
          session.receive(m, clock.wallUs());
        }
        if (session.welcome !== undefined) this.#isBack();
        if (session.isDone) break;
        if (session.welcome !== undefined && clock.nowMs() >= clockDueMs) {
          connection.send(session.askTime(clock.wallUs()));
          clockDueMs = clock.nowMs() + session.clockIntervalMs;
        }
        this.#flush();
        if (session.wantsFrame || session.welcome !== undefined) this.#sourceWakeup.notify();
        if (connection.closed !== undefined && connection.waiting === 0) return connection.closed;
        await this.#connectionWakeup.wait(clock, clockDueMs > 0 ? clockDueMs : Infinity);
      }
      return "done";
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      connection.close(CLOSE.protocolError, messageOf(error));
      throw new StreamError("failed", `Cannot understand the relay: ${error.message}`, {
        cause: error,
      });
    } finally {
      this.#connection = undefined;
      signal.removeEventListener("abort", wake);
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
      if (sent.bytes > bytes) this.#meter.add(sent.bytes - bytes, this.#options.clock.nowMs());
      bytes = sent.bytes;
    }
  }
}

function keylessError(frames: number): StreamError {
  const what = frames === 1
    ? "the only frame: it is not a"
    : `any of the ${frames} frames: none is a`;
  return new StreamError(
    "bad_input",
    `Cannot show ${what} key frame, and a viewer needs one to begin; ${KEY_ADVICE}`,
  );
}
