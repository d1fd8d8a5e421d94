/**
 * Publishes the frames of a source.
 *
 * @module
 */
import {
  type PassOptions,
  publish,
  type Publisher,
  type PublishEvent,
  type PublishOptions,
  type PublishStats,
} from "../client/mod.ts";
import { FOLLOWED } from "../core/liveness.ts";
import type { FrameRate } from "../core/pacing.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { Thinning } from "../core/thinning.ts";
import { type ErrorDetail, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { FrameSource, SourceFrame } from "./frame_source.ts";
import { SourcePace } from "./source_pace.ts";

/** How far behind its source a publisher must be before its user is told what slows it down. */
const SLOWED_MS = 1000;

/** Frames at the beginning without a key frame after which that is said, and the time of a live one. */
const MAX_KEYLESS_FRAMES = 300;
const MAX_KEYLESS_MS = 2000;
const KEY_ADVICE =
  "check --format, and make the encoder write key frames with their parameter sets " +
  "(ffmpeg: -g 60 -bsf:v dump_extra)";
const REORDERED =
  "the input has B frames and no timestamps, so that recordings of it (.mp4, .mkv) show pictures at " +
  "wrong times; let ffmpeg write timestamps (-f mpegts), or no B frames (-bf 0)";

/** How an error of the library goes on where an option of the command line helps. */
const ADVICE: Readonly<Record<ErrorDetail, string>> = {
  stream_busy: " with --takeover",
  not_delivered: "; start it and publish again, or wait for it longer with --give-up",
};

/** Options of a {@linkcode SourcePublisher}. */
export interface SourcePublisherOptions
  extends PassOptions, Pick<PublishOptions, "openSocket" | "outlivesRelay"> {
  /** The stream's address. */
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

/** Numbers of a publisher, and of its source. */
export interface SourceStats extends PublishStats {
  /** How long what a live source has to be read has been there, in milliseconds. */
  readonly behindMs: number;
}

/** Before there is a publisher. */
const NOTHING_SENT: PublishStats = {
  frames: 0,
  bytes: 0,
  framesPerSecond: 0,
  bytesPerSecond: 0,
  queue: 0,
  dropped: 0,
  undelivered: 0,
  notDelivered: 0,
  goneMs: 0,
  live: null,
};

/** What is to be said of a relay that is gone. */
export function describeGone(
  { goneMs, notDelivered }: Pick<PublishStats, "goneMs" | "notDelivered">,
): string {
  return `the relay has been gone for ${Math.floor(goneMs / 1000)} s; ${waiting(notDelivered)}`;
}

function waiting(frames: number): string {
  return frames === 1 ? "1 frame waits" : `${frames} frames are waiting`;
}

/** Sends the frames of one source to one stream. */
export class SourcePublisher {
  readonly #options: SourcePublisherOptions;
  readonly #pace = new SourcePace();
  /** Thins pictures of a film that has more of them than the stream lets out. */
  readonly #thinning = new Thinning();
  /** What the user has been told once. */
  readonly #told = new Set<string>();
  #out: Publisher | undefined;

  constructor(options: SourcePublisherOptions) {
    this.#options = options;
  }

  /** The stream's frame rate as the relay told it last. */
  get fps(): FrameRate {
    return this.#out?.fps ?? "source";
  }

  /** Numbers so far. */
  stats(): SourceStats {
    const stats = this.#out?.stats() ?? NOTHING_SENT;
    // A file, or an encoder that is faster than the tick, is read when its time has come.
    const isRead = stats.live !== false;
    return { ...stats, behindMs: isRead ? this.#pace.behindMs(this.#options.clock.nowMs()) : 0 };
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
    const { url, log: _, live = null, ...options } = this.#options;
    const out = publish(url, {
      ...options,
      live: live ?? (source.isPaced ? true : null),
      onEvent: (event) => this.#tell(event),
    });
    this.#out = out;
    let isOver = false;
    const stop = () => {
      source.stop();
      out.close();
    };
    const over = () => {
      isOver = true;
      source.stop();
    };
    out.closed.then(over, over);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    // A broken input is reported once the frames before it have left.
    let fault: unknown;
    try {
      await this.#feed(out, source, signal);
    } catch (error) {
      // What a publisher that is over says is told by its end.
      if (!isOver && !signal.aborted) fault = error;
    }
    try {
      await out.end();
    } catch (error) {
      throw fault ?? advised(error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
    if (fault !== undefined) throw fault;
  }

  async #feed(out: Publisher, source: FrameSource, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let keyless: number | undefined = 0;
    let keylessSinceMs: number | undefined;
    let leftOut: SourceFrame | undefined;
    while (await out.ready()) {
      this.#pace.ask(clock.nowMs());
      const frame = await source.next();
      if (frame === undefined) break;
      this.#pace.read(clock.nowMs());
      this.#tellSlowed(frame);
      // The last picture of a film is shown in any case.
      if (leftOut !== undefined) out.skip();
      leftOut = source.isPaced && this.#isTooMany(frame) ? frame : undefined;
      if (leftOut !== undefined) continue;
      if (frame.isReordered && frame.ptsUs === null) this.#tellOnce("reordered", REORDERED);
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
      await out.send(frame.data, { ...frame, transfer: true });
    }
    if (leftOut !== undefined && !signal.aborted) {
      await out.send(leftOut.data, { ...leftOut, transfer: true });
    }
    if (keyless !== undefined && keyless > 0 && !signal.aborted) throw keylessError(keyless);
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
      this.#out?.stats().live === false &&
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

  #tellOnce(what: "film" | "keyless" | "reordered" | "slowed", sentence: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#options.log.warn(sentence);
  }

  #tell(event: PublishEvent): void {
    const { log } = this.#options;
    if (event.type === "restored") return log.info("connected again");
    const { reason, retryMs, goneMs, notDelivered } = event;
    const state = goneMs === 0 ? waiting(notDelivered) : describeGone(event);
    log.warn(
      `lost the relay: ${reason}; ${state}; trying again in ${Math.round(retryMs)} ms`,
      { goneMs: Math.round(goneMs), notDelivered },
    );
  }
}

/** An error of the library, with what to do about it on the command line. */
function advised(error: unknown): unknown {
  if (!(error instanceof StreamError) || error.detail === undefined) return error;
  const { code, message, detail } = error;
  return new StreamError(code, message + ADVICE[detail], { cause: error, detail });
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
