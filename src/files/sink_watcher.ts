/**
 * Writes the frames of a stream to a sink.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import type { Sink } from "./sink.ts";
import {
  type OpenSocket,
  type PassOptions,
  type ReceivedFrame,
  watch,
  type Watcher,
  type WatchEvent,
  type WatchStats,
} from "../client/mod.ts";
import { Deque } from "../core/deque.ts";
import { RateMeter } from "../core/rate_meter.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { FilmLength } from "./film_length.ts";
import { Patience } from "./patience.ts";
import { PipeBacklog } from "./pipe_backlog.ts";

/** Options of a {@linkcode SinkWatcher}. */
export interface SinkWatcherOptions {
  /** The stream's address. */
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
  /** What goes with every connection. @default {nothing} */
  readonly pass?: PassOptions;
  /** What opens the WebSocket. @default {`ws`} */
  readonly openSocket?: OpenSocket;
  readonly clock: Clock;
  readonly log: Log;
}

/** Numbers of a viewer; frames and bytes are those written. */
export interface SinkStats extends WatchStats {
  /** Frames that came and have no place in the recording: what they need is not in it. */
  readonly leftOut: number;
}

/** Before there is a viewer. */
const NOTHING_RECEIVED: WatchStats = {
  frames: 0,
  bytes: 0,
  framesPerSecond: 0,
  bytesPerSecond: 0,
  latencyMs: null,
  relayMs: null,
  skipped: 0,
  waitsFor: "relay",
};

interface Unread {
  readonly frame: ReceivedFrame;
  /** When it will have been read. */
  readonly readMs: number;
}

/** Writes the frames of one stream to one sink. */
export class SinkWatcher {
  readonly #options: SinkWatcherOptions;
  readonly #sink: Sink;
  readonly #meter = new RateMeter();
  readonly #film = new FilmLength();
  /** What stands in the pipe behind the sink, where there is one. */
  readonly #backlog: PipeBacklog | undefined;
  /** Frames that are written and not yet read, as far as is known. */
  readonly #unread = new Deque<Unread>();
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  #watcher: Watcher | undefined;
  #received = 0;
  #frames = 0;
  #bytes = 0;
  #leftOut = 0;
  #isDone = false;
  /** Whether the first frame was one of the past; not known before it. */
  #beganBehind: boolean | undefined;

  constructor(options: SinkWatcherOptions, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
    this.#backlog = sink.pipeBytes === undefined ? undefined : new PipeBacklog(sink.pipeBytes);
  }

  /** Numbers so far. */
  stats(): SinkStats {
    return {
      ...this.#watcher?.stats() ?? NOTHING_RECEIVED,
      frames: this.#frames,
      bytes: this.#bytes,
      ...this.#meter.rate(this.#options.clock.nowMs()),
      leftOut: this.#leftOut,
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
    const { url, durationMs, fps, maxDelayMs, follow, openSocket, pass, clock, log } =
      this.#options;
    const timeUp = new AbortController();
    const timer = durationMs === null
      ? undefined
      : setTimeout(() => timeUp.abort("time is up"), durationMs);
    const stop = AbortSignal.any([signal, timeUp.signal]);
    const watcher = watch(url, {
      ...pass,
      fps,
      maxDelayMs,
      follow,
      clock,
      ...(openSocket === undefined ? {} : { openSocket }),
      confirm: "manual",
      signal: stop,
      onEvent: (event) => this.#tell(event),
    });
    this.#watcher = watcher;
    const patience = new Patience(this.#sink.needsReader ? stop : undefined);
    let isCutOff = false;
    try {
      for await (const frame of watcher) {
        isCutOff = await patience.until(this.#take(frame, watcher)) === "over";
        if (isCutOff || this.#isDone) break;
      }
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#readTimer);
      // What is cut off cannot be ended: that would wait behind it.
      try {
        isCutOff ||= await patience.until(this.#sink.finish()) === "over";
      } finally {
        patience.end();
      }
      if (isCutOff) log.warn(`nobody reads ${this.#sink.describe()}: its last frame is cut off`);
    }
  }

  #tell(event: WatchEvent): void {
    const { log } = this.#options;
    if (event.type === "restored") log.info("connected again");
    if (event.type !== "lost") return;
    log.warn(`lost the relay: ${event.reason}; trying again in ${Math.round(event.retryMs)} ms`);
  }

  /**
   * Whether the film is as long as it may be. What brings a viewer that has just come up to the
   * present comes at once, so that the clock on the wall does not measure it.
   */
  #isOver(frame: ReceivedFrame): boolean {
    const { durationMs } = this.#options;
    this.#beganBehind ??= frame.catchUp;
    if (durationMs === null || !this.#beganBehind) return false;
    return this.#film.next(frame) >= durationMs * 1000;
  }

  /**
   * A frame is confirmed once it is written, so that a slow disk is seen as a slow viewer, and where
   * it is written to a pipe once it must have been read.
   */
  async #take(frame: ReceivedFrame, watcher: Watcher): Promise<void> {
    const { clock, every, count } = this.#options;
    const { data, config } = frame;
    let readMs = 0;
    if (this.#isOver(frame)) this.#isDone = true;
    else if (this.#received++ % every === 0) {
      if (every > 1 && isCodedInTime(config.format)) throw everyError(config.format);
      const beganMs = clock.nowMs();
      if (await this.#sink.write(frame)) {
        readMs = this.#backlog?.wrote(data.byteLength, beganMs, clock.nowMs()) ?? 0;
        this.#frames++;
        this.#bytes += data.byteLength;
        this.#meter.add(data.byteLength, clock.nowMs());
      } else {
        this.#leftOut++;
      }
    }
    release(data);
    this.#unread.push({ frame, readMs: Math.max(readMs, this.#unread.last?.readMs ?? 0) });
    this.#confirm(watcher);
    if (count !== null && this.#frames >= count) this.#isDone = true;
  }

  /** Confirms what has been read, and comes again when more will have been. */
  #confirm(watcher: Watcher): void {
    const nowMs = this.#options.clock.nowMs();
    while (this.#unread.first !== undefined && this.#unread.first.readMs <= nowMs) {
      watcher.confirm(this.#unread.shift().frame);
    }
    clearTimeout(this.#readTimer);
    const { first } = this.#unread;
    if (first === undefined) return;
    this.#readTimer = setTimeout(() => this.#confirm(watcher), first.readMs - nowMs);
  }
}

function everyError(format: string): StreamError {
  return new StreamError(
    "failed",
    `Cannot write every n-th frame of ${format}: its frames depend on one another; leave out ` +
      "--every, or use --fps, which makes the relay send fewer",
  );
}
