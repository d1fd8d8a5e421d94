/**
 * Watches a stream.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import { Deque } from "../core/deque.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { openClientSocket } from "../net/client_socket.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { keepConnected } from "../net/reconnect.ts";
import { Wakeup } from "../net/wakeup.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { FrameHeader } from "../wire/frame_message.ts";
import { type ViewerEvent, ViewerSession } from "../wire/viewer_session.ts";
import { FilmLength } from "./film_length.ts";
import { PipeBacklog } from "./pipe_backlog.ts";
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
  /**
   * From the publisher's capture to here in milliseconds, once it is known: of the frame that the
   * relay told of last, before that of the newest one.
   */
  readonly latencyMs: number | undefined;
  /** The relay's part of that in milliseconds, once it has said it. */
  readonly relayMs: number | undefined;
  /** Frames of the stream that did not come. */
  readonly skipped: number;
  /** Frames that came and have no place in the recording: what they need is not in it. */
  readonly leftOut: number;
  /** What the viewer waits for, or `undefined` while frames come. */
  readonly waitsFor: string | undefined;
}

interface Unread {
  readonly sequence: number;
  /** When it will have been read. */
  readonly readMs: number;
}

/** Writes the frames of one stream to one sink. */
export class Watcher {
  readonly #options: WatchOptions;
  readonly #sink: Sink;
  readonly #session: ViewerSession;
  readonly #meter = new RateMeter();
  readonly #wakeup = new Wakeup();
  /** What stands in the pipe behind the sink, where there is one. */
  readonly #backlog: PipeBacklog | undefined;
  /** Frames that are written and not yet read, as far as is known. */
  readonly #unread = new Deque<Unread>();
  #received = 0;
  #frames = 0;
  #bytes = 0;
  #leftOut = 0;
  #latencyUs: number | undefined;
  #isDone = false;
  readonly #film = new FilmLength();
  /** Whether the first frame was one of the past; not known before it. */
  #beganBehind: boolean | undefined;

  constructor(options: WatchOptions, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
    this.#session = new ViewerSession(options);
    this.#backlog = sink.pipeBytes === undefined ? undefined : new PipeBacklog(sink.pipeBytes);
  }

  /** Numbers so far. */
  stats(): WatchStats {
    const { clock } = this.#options;
    const rate = this.#meter.rate(clock.nowMs());
    const isConnected = this.#session.welcome !== undefined;
    // Both of the same frame: the relay's part alone may be that of another one.
    const { latencyMs, relayMs } = this.#session.stats?.viewer ?? {};
    const ownMs = this.#latencyUs === undefined ? undefined : this.#latencyUs / 1000;
    const waitsFor = !isConnected
      ? "the relay"
      : rate.framesPerSecond === 0
      ? this.#session.stats?.stream.publishing ? "a frame" : "a publisher"
      : undefined;
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      ...rate,
      latencyMs: latencyMs ?? ownMs,
      relayMs: relayMs ?? undefined,
      skipped: this.#session.skipped,
      leftOut: this.#leftOut,
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
        openSocket: openClientSocket,
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
        this.#confirm(connection);
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
        const clockWakeMs = clockDueMs > 0 ? clockDueMs : Infinity;
        await this.#wakeup.wait(clock, Math.min(clockWakeMs, this.#confirmDeadlineMs));
      }
      return "done";
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new StreamError("failed", `Cannot understand the relay: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", wake);
      this.#confirm(connection, Infinity);
      const rest = this.#session.confirmRest(clock.nowMs());
      if (rest !== undefined) connection.send(rest);
      connection.close(CLOSE.normal, "");
    }
  }

  get #confirmDeadlineMs(): number {
    return Math.min(this.#session.confirmDeadlineMs, this.#unread.first?.readMs ?? Infinity);
  }

  /** Confirms what is due, of the frames that have been read by `readMs`. */
  #confirm(connection: Connection, readMs?: number): void {
    const nowMs = this.#options.clock.nowMs();
    while (this.#unread.first !== undefined && this.#unread.first.readMs <= (readMs ?? nowMs)) {
      const confirmation = this.#session.confirm(this.#unread.shift().sequence, nowMs);
      if (confirmation !== undefined) connection.send(confirmation);
    }
    const due = this.#session.confirmDue(nowMs);
    if (due !== undefined) connection.send(due);
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

  /**
   * A frame is confirmed once it is written, so that a slow disk is seen as a slow viewer, and where
   * it is written to a pipe once it must have been read.
   */
  async #take(
    frame: Extract<ViewerEvent, { type: "frame" }>,
    connection: Connection,
  ): Promise<void> {
    const { clock, every, count } = this.#options;
    let readMs = 0;
    if (frame.isNew && this.#isOver(frame.header)) this.#isDone = true;
    else if (frame.isNew) {
      if (!frame.header.catchUp) this.#latencyUs = frame.latencyUs ?? this.#latencyUs;
      if (this.#received++ % every === 0) {
        const { data, config, header } = frame;
        if (every > 1 && isCodedInTime(config.format)) throw everyError(config.format);
        const kind = header.key ? "key" : "delta";
        const beganMs = clock.nowMs();
        if (await this.#sink.write({ ...header, data, config, kind })) {
          readMs = this.#backlog?.wrote(data.byteLength, beganMs, clock.nowMs()) ?? 0;
          this.#frames++;
          this.#bytes += data.byteLength;
          this.#meter.add(data.byteLength, clock.nowMs());
        } else {
          this.#leftOut++;
        }
      }
    }
    release(frame.data);
    const { sequence } = frame.header;
    this.#unread.push({ sequence, readMs: Math.max(readMs, this.#unread.last?.readMs ?? 0) });
    this.#confirm(connection);
    if (count !== null && this.#frames >= count) this.#isDone = true;
  }
}

function everyError(format: string): StreamError {
  return new StreamError(
    "failed",
    `Cannot write every n-th frame of ${format}: its frames depend on one another; leave out ` +
      "--every, or use --fps, which makes the relay send fewer",
  );
}
