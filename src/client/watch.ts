/**
 * Watches a stream.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import { isCodedInTime } from "../core/frame.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { keepConnected } from "../net/reconnect.ts";
import { Wakeup } from "../net/wakeup.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { FrameHeader } from "../wire/frame_message.ts";
import { type ViewerEvent, ViewerSession } from "../wire/viewer_session.ts";
import { FilmLength } from "./film_length.ts";
import type { Sink } from "./sink.ts";

/** Options of a {@linkcode Watcher}. */
export interface WatchOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** Stop after so many frames were written, `null` for no limit. */
  readonly count: number | null;
  /** Stop after so many milliseconds, and with a film of that length; `null` for no limit. */
  readonly durationMs: number | null;
  /** Write every n-th frame of those received. */
  readonly every: number;
  /** Most frames a second that the relay should send, `null` for all. */
  readonly fps: number | null;
  /** Longest delay in milliseconds that frames under way may stand for. */
  readonly maxDelayMs: number;
  /** Wait for the next publisher when one ends the stream. */
  readonly follow: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Numbers of a viewer. */
export interface WatchStats {
  /** Frames and bytes written. */
  readonly frames: number;
  readonly bytes: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** From the publisher's capture to here in milliseconds, once it is known. */
  readonly latencyMs: number | undefined;
  /** The relay's part of that in milliseconds, as it last said. */
  readonly relayMs: number | undefined;
  /** Frames of the stream that did not come. */
  readonly skipped: number;
  /** What the viewer waits for, or `undefined` while frames come. */
  readonly waitsFor: string | undefined;
}

/** Writes the frames of one stream to one sink. */
export class Watcher {
  readonly #options: WatchOptions;
  readonly #sink: Sink;
  readonly #session: ViewerSession;
  readonly #meter = new RateMeter();
  readonly #wakeup = new Wakeup();
  #received = 0;
  #frames = 0;
  #bytes = 0;
  #latencyUs: number | undefined;
  #isDone = false;
  readonly #film = new FilmLength();
  /** Whether the first frame was one of the past; not known before it. */
  #beganBehind: boolean | undefined;

  constructor(options: WatchOptions, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
    this.#session = new ViewerSession(options);
  }

  /** Numbers so far. */
  stats(): WatchStats {
    const { clock } = this.#options;
    const rate = this.#meter.rate(clock.nowMs());
    const isConnected = this.#session.welcome !== undefined;
    const waitsFor = !isConnected
      ? "the relay"
      : rate.framesPerSecond === 0
      ? this.#session.stats?.stream.publishing ? "a frame" : "a publisher"
      : undefined;
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      ...rate,
      latencyMs: this.#latencyUs === undefined ? undefined : this.#latencyUs / 1000,
      relayMs: this.#session.stats?.viewer?.relayMs ?? undefined,
      skipped: this.#session.skipped,
      waitsFor,
    };
  }

  /**
   * Writes frames until the publisher ends the stream, a limit is reached or `signal` comes. What
   * was received by then is in its place when this returns, also by an error.
   *
   * @throws {StreamError} when the relay cannot be reached, closes the connection for good, or a
   * frame cannot be written
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, url, durationMs } = this.#options;
    const timeUp = new AbortController();
    const timer = durationMs === null
      ? undefined
      : setTimeout(() => timeUp.abort("time is up"), durationMs);
    const either = AbortSignal.any([signal, timeUp.signal]);
    try {
      await keepConnected({
        url,
        clock,
        signal: either,
        wakeup: this.#wakeup,
        onLost: (why, delayMs) =>
          log.warn(`lost the relay: ${why}; trying again in ${Math.round(delayMs)} ms`),
        onRestored: () => log.info("connected again"),
      }, (connection) => this.#serve(connection, either));
    } finally {
      clearTimeout(timer);
      await this.#sink.finish();
    }
  }

  /** The loop that owns a connection. */
  async #serve(connection: Connection, signal: AbortSignal): Promise<"done" | Closed> {
    const { clock } = this.#options;
    const wake = () => this.#wakeup.notify();
    signal.addEventListener("abort", wake);
    let clockDueMs = 0;
    try {
      connection.send(this.#session.open());
      while (!signal.aborted && !this.#isDone) {
        const message = connection.take();
        if (message !== undefined) {
          const event = this.#session.receive(message, clock.wallUs());
          if (event.type === "frame") await this.#take(event, connection);
          if (event.type === "end" && !this.#options.follow) this.#isDone = true;
          continue;
        }
        if (connection.closed !== undefined) return connection.closed;
        if (this.#session.welcome !== undefined && clock.nowMs() >= clockDueMs) {
          connection.send(this.#session.askTime(clock.wallUs()));
          clockDueMs = clock.nowMs() + this.#session.clockIntervalMs;
        }
        await this.#wakeup.wait(clock, clockDueMs > 0 ? clockDueMs : Infinity);
      }
      return "done";
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new StreamError("failed", `Cannot understand the relay: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", wake);
      connection.close(CLOSE.normal, "");
    }
  }

  /**
   * Whether the film is as long as it may be. What brings a viewer that has just come up to the
   * present comes at once, so that the clock on the wall does not measure it.
   */
  #isOver(header: FrameHeader): boolean {
    const { durationMs } = this.#options;
    this.#beganBehind ??= header.catchUp;
    if (durationMs === null || !this.#beganBehind) return false;
    return this.#film.next(header) >= durationMs * 1000;
  }

  /** A frame is confirmed once it is written, so that a slow disk is seen as a slow viewer. */
  async #take(
    frame: Extract<ViewerEvent, { type: "frame" }>,
    connection: Connection,
  ): Promise<void> {
    const { clock, every, count } = this.#options;
    if (frame.isNew && this.#isOver(frame.header)) this.#isDone = true;
    else if (frame.isNew) {
      if (!frame.header.catchUp) this.#latencyUs = frame.latencyUs ?? this.#latencyUs;
      if (this.#received++ % every === 0) {
        const { data, config, header } = frame;
        if (every > 1 && isCodedInTime(config.format)) throw everyError(config.format);
        const kind = header.key ? "key" : "delta";
        if (await this.#sink.write({ ...header, data, config, kind })) {
          this.#frames++;
          this.#bytes += data.byteLength;
          this.#meter.add(data.byteLength, clock.nowMs());
        }
      }
    }
    release(frame.data);
    connection.send(this.#session.acknowledge(frame.header.sequence));
    if (count !== null && this.#frames >= count) this.#isDone = true;
  }
}

function everyError(format: string): StreamError {
  return new StreamError(
    "failed",
    `Cannot write every n-th frame of ${format}: its frames depend on one another; leave out ` +
      "--every, or use --fps, by which the relay sends fewer",
  );
}
