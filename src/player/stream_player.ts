/**
 * Plays one stream into one canvas, without any page around it.
 *
 * ```js
 * const player = new StreamPlayer({ url: "ws://127.0.0.1:8080/live", name: "live", canvas });
 * player.addEventListener("state", () => caption.textContent = player.state.sentence);
 * player.start();
 * ```
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { systemClock } from "../host/clock.ts";
import { DEFAULT_MAX_DELAY_MS, type StatsMessage } from "../wire/control_message.ts";
import { Connection, type Lost, type ReceivedFrame, type TokenSource } from "./connection.ts";
import { type Delay, delayOf } from "./delay.ts";
import { Window } from "./meter.ts";
import { MediaSourceDecoder, mediaSourceType } from "./media_source.ts";
import { createPictureDecoder, type Decoder, type DecoderEvents } from "./pictures.ts";
import { presented } from "./presentation.ts";
import { Screen } from "./screen.ts";
import { type State, stateOf } from "./sentences.ts";
import { CodedDecoder } from "./video.ts";
import { type Way, type WayFacts, wayOf } from "./ways.ts";

/** Over how long rates and delays are measured, in milliseconds. */
const RATE_WINDOW_MS = 2000;
const DELAY_WINDOW_MS = 1000;
/** A publisher is gone when the relay says so and no frame has come for so long. */
const SILENT_MS = 700;
/** How often the state is looked at while nothing happens, in milliseconds. */
const LOOK_MS = 100;
/** A page that was not let run for so long has hung: the relay may have skipped frames meanwhile. */
const HUNG_MS = 350;
/** For so long afterwards it is watched whether frames still come, in milliseconds. */
const AFTER_HUNG_MS = 2000;
/** Frames that do not come, in milliseconds, and in the time that one takes. */
const MISSING_MS = 150;
const MISSING_FRAMES = 4;
/** Damaged frames in a row before the player says so. */
const MANY_DAMAGED = 3;
/** How long a key frame may take before it is said that one is waited for, in milliseconds. */
const KEY_PATIENCE_MS = 500;
/** A key frame that is to come within this time, in milliseconds, is waited for. */
const KEY_SOON_MS = 1500;
/** Least time between two returns for the last key frame; doubled each time, in milliseconds. */
const REJOIN_MS = 1000;
const MAX_REJOIN_MS = 30_000;

/** Numbers of a player, at one moment. */
export interface PlayerStats {
  /** What the frames are; `undefined` before the first. */
  readonly config: StreamConfig | undefined;
  /** How video is played; `undefined` for pictures, and where it is not. */
  readonly way: Way | undefined;
  /** Width in pixels of the picture that is drawn; 0 before the first. */
  readonly width: number;
  /** Height in pixels of the picture that is drawn; 0 before the first. */
  readonly height: number;
  /** Pictures drawn per second. */
  readonly framesPerSecond: number;
  /** Frames received per second. */
  readonly receivedPerSecond: number;
  /** Bits received per second. */
  readonly bitsPerSecond: number;
  /** Where the delay comes from; `undefined` before the clocks have been compared. */
  readonly delay: Delay | undefined;
  /** Frames drawn so far. */
  readonly drawn: number;
  /** Frames that came and were not drawn. */
  readonly skipped: number;
  /** Frames that did not come. */
  readonly missed: number;
  /** Frames that came and could not be decoded. */
  readonly damaged: number;
  /** Frames that the relay dropped, for each reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Milliseconds from the relay to here and back; `undefined` before the relay has told. */
  readonly roundTripMs: number | undefined;
  /** Viewers of the stream; `undefined` before the relay has told. */
  readonly viewers: number | undefined;
  /** Sequence of the frame that is drawn; `undefined` before the first. */
  readonly sequence: number | undefined;
}

/**
 * Why a player does not show what comes: the page is hidden, somebody paused it, or any other reason
 * of the one who uses it.
 */
export type HoldReason = string;

/**
 * Plays one stream. Events: `state` (see `state`), `hold` (see `isPaused`), `size` (the picture has
 * another size), `drawn` (a picture was drawn).
 */
export class StreamPlayer extends EventTarget {
  readonly #canvas: HTMLCanvasElement;
  readonly #connection: Connection;
  readonly #screen: Screen;
  readonly #name: string;
  readonly #page = new AbortController();
  readonly #holds = new Set<HoldReason>();
  #decoder: Decoder | undefined;
  #config: StreamConfig | undefined;
  #stats: StatsMessage | undefined;
  #state: State = { kind: "connecting", sentence: "Connecting…", isStale: true };
  #looking: ReturnType<typeof setInterval> | undefined;

  #phase: "connecting" | "open" | "lost" = "connecting";
  #lost: Lost | undefined;
  #isPublishing = false;
  /** Frames a second that leave the relay. */
  #usualRate = 0;
  #hasEnded = false;
  #hasPicture = false;
  /** Whether what is drawn has come since the connection was lost. */
  #isFresh = false;
  #way: Way | undefined;
  #unsupported: string | undefined;
  #damage: string | undefined;
  #damagedInRow = 0;
  #lastFrameMs = 0;
  #waitsForKeySinceMs = Infinity;
  /** When the last key frame came, and how long after the one before. */
  #keyMs = -Infinity;
  #keyIntervalMs = Infinity;
  #lookedMs = Infinity;
  #hungMs = -Infinity;

  /** The newest frame that came while the player was held. */
  #heldBack: ReceivedFrame | undefined;
  #rejoinMs = REJOIN_MS;
  #rejoinedMs = -Infinity;

  #drawn = 0;
  #skipped = 0;
  #damaged = 0;
  #sequence = 0;
  readonly #drawnRate = new Window(RATE_WINDOW_MS);
  readonly #received = new Window(RATE_WINDOW_MS);
  readonly #delays = new Window(DELAY_WINDOW_MS);
  readonly #arrivals = new Window(DELAY_WINDOW_MS);

  constructor({ url, canvas, name = "", fps = null, maxDelayMs = DEFAULT_MAX_DELAY_MS, token }: {
    /** The stream's address, `ws:` or `http:`. */
    readonly url: string | URL;
    /** Takes the picture in its own size. */
    readonly canvas: HTMLCanvasElement;
    /** The stream's name in sentences. */
    readonly name?: string;
    /** Most frames a second, `null` for all. */
    readonly fps?: number | null;
    /** Longest delay that frames under way may stand for. */
    readonly maxDelayMs?: number;
    /** The token that lets the viewer in, asked for before each try. */
    readonly token?: TokenSource | undefined;
  }) {
    super();
    this.#canvas = canvas;
    this.#name = name;
    this.#screen = new Screen(canvas, {
      onDrawn: (frame, isOtherSize) => this.#onDrawn(frame, isOtherSize),
      onSkipped: () => this.#skipped++,
    });
    const options = { url: String(url).replace(/^http/, "ws"), fps, maxDelayMs, token };
    this.#connection = new Connection(options, {
      onConnecting: () => this.#onConnecting(),
      onWelcome: ({ publishing }) => this.#onWelcome(publishing),
      onConfig: (config) => this.#onConfig(config),
      onFrame: (frame) => this.#onFrame(frame),
      onStats: (stats) => this.#onStats(stats),
      onEnd: () => this.#onEnd(),
      onLost: (lost) => this.#onLost(lost),
    });
  }

  /** What the player does at the moment. */
  get state(): State {
    return this.#state;
  }

  /** Whether somebody paused it. */
  get isPaused(): boolean {
    return this.#holds.has("paused");
  }

  /** Connects, and plays until `close`. */
  start(): void {
    const { signal } = this.#page;
    const onVisibility = () => {
      if (document.hidden) {
        this.hold("hidden");
      } else {
        this.release("hidden");
        this.#connection.hurry();
      }
    };
    document.addEventListener("visibilitychange", onVisibility, { signal });
    addEventListener("online", () => this.#connection.hurry(), { signal });
    addEventListener("offline", () => this.#look(), { signal });
    // A page that is kept for the way back has lost its connection.
    addEventListener("pageshow", ({ persisted }) => persisted && this.retry(), { signal });
    if (document.hidden) this.#holds.add("hidden");
    this.#looking = setInterval(() => this.#tick(), LOOK_MS);
    this.#connection.open();
  }

  /** Tries again at once, also after the relay refused. */
  retry(): void {
    this.#lost = undefined;
    this.#connection.open();
  }

  /** Leaves the stream; the last picture stays. */
  close(): void {
    this.#page.abort();
    clearInterval(this.#looking);
    this.#connection.close();
    this.#screen.clear();
    this.#setDecoder(undefined);
  }

  /**
   * Keeps the picture as it is, until no reason to do so is left. Frames are still received, so that
   * the newest is there at once afterwards.
   */
  hold(reason: HoldReason): void {
    if (this.#holds.has(reason)) return;
    this.#holds.add(reason);
    this.#screen.clear();
    this.dispatchEvent(new Event("hold"));
  }

  /** Takes back a reason to hold the picture. */
  release(reason: HoldReason): void {
    if (!this.#holds.delete(reason)) return;
    const frame = this.#heldBack;
    if (this.#holds.size === 0 && frame !== undefined) {
      this.#heldBack = undefined;
      if (frame.header.key) {
        this.#decoder?.push(frame);
      } else {
        // What was passed over is needed now: the relay has it from the last key frame on.
        this.#screen.clear();
        this.#connection.rejoin();
      }
    }
    this.dispatchEvent(new Event("hold"));
  }

  /** The picture that is drawn, as PNG; `null` where there is none. */
  savePicture(): Promise<Blob | null> {
    if (this.#drawn === 0) return Promise.resolve(null);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/png"));
  }

  /** Numbers of this moment. */
  stats(): PlayerStats {
    const nowMs = performance.now();
    const viewer = this.#stats?.viewer ?? undefined;
    return {
      config: this.#config,
      way: this.#way,
      width: this.#drawn > 0 ? this.#canvas.width : 0,
      height: this.#drawn > 0 ? this.#canvas.height : 0,
      framesPerSecond: this.#drawnRate.rate(nowMs),
      receivedPerSecond: this.#received.rate(nowMs),
      bitsPerSecond: this.#received.sumRate(nowMs) * 8,
      delay: this.#delay(nowMs),
      drawn: this.#drawn,
      skipped: this.#skipped,
      missed: this.#connection.missed,
      damaged: this.#damaged,
      dropped: viewer?.dropped ?? {},
      roundTripMs: viewer?.roundTripMs ?? undefined,
      viewers: this.#stats?.stream.viewers,
      sequence: this.#drawn > 0 ? this.#sequence : undefined,
    };
  }

  #delay(nowMs: number): Delay | undefined {
    const totalMs = this.#delays.median(nowMs);
    const arrivalMs = this.#arrivals.median(nowMs);
    if (totalMs === undefined || arrivalMs === undefined) return undefined;
    const answerMs = this.#connection.clock.errorUs / 1000;
    return delayOf({ totalMs, arrivalMs, answerMs, stats: this.#stats });
  }

  #onConnecting(): void {
    this.#phase = "connecting";
    // A return for the key frame is not to be seen.
    if (this.#lost === undefined && this.#hasPicture) return;
    this.#look();
  }

  #onWelcome(isPublishing: boolean): void {
    this.#phase = "open";
    if (this.#lost !== undefined) this.#isFresh = false;
    this.#lost = undefined;
    this.#isPublishing = isPublishing;
    this.#hasEnded = false;
    this.#lastFrameMs = performance.now();
    this.#look();
  }

  #onConfig(config: StreamConfig): void {
    this.#config = config;
    this.#heldBack = undefined;
    this.#unsupported = undefined;
    this.#damage = undefined;
    this.#damagedInRow = 0;
    this.#waitsForKeySinceMs = Infinity;
    this.#way = undefined;
    this.#setDecoder(this.#createDecoder(config));
    this.#look();
  }

  #createDecoder(config: StreamConfig): Decoder | undefined {
    let decoder: Decoder | undefined = undefined;
    const isCurrent = () => decoder === undefined || decoder === this.#decoder;
    const events: DecoderEvents = {
      onPicture: (picture) => {
        this.#damagedInRow = 0;
        this.#damage = undefined;
        if (this.#holds.size > 0) {
          picture.close();
          this.#skipped++;
        } else if (this.#wasPassed(picture.frame)) {
          picture.close();
        } else {
          this.#screen.offer(presented(picture, config));
        }
      },
      onSkipped: (frames) => this.#skipped += frames,
      onDamaged: (sentence) => {
        this.#damaged++;
        if (++this.#damagedInRow >= MANY_DAMAGED || !this.#hasPicture) this.#damage = sentence;
      },
      onUnsupported: (sentence) => {
        if (!isCurrent()) return;
        if (this.#goOnBySource(config, events, sentence)) return;
        this.#way = undefined;
        this.#unsupported = sentence;
        this.#look();
      },
      onWaitingForKey: (isWaiting) => {
        this.#waitsForKeySinceMs = isWaiting ? performance.now() : Infinity;
      },
      onLeftBehind: () => this.#rejoin(),
      framesPerSecond: () => this.#received.rate(performance.now()),
    };
    const created = createPictureDecoder(config, events) ??
      this.#createVideoDecoder(config, events);
    if (typeof created === "string") {
      this.#unsupported = created;
      return undefined;
    }
    decoder = created;
    return created;
  }

  /** Whether a frame that comes again, for a decoder that began anew, stands before what is drawn. */
  #wasPassed({ isNew, header }: ReceivedFrame): boolean {
    return !isNew && this.#isFresh && this.#drawn > 0 && header.sequence <= this.#sequence;
  }

  #createVideoDecoder(config: StreamConfig, events: DecoderEvents): Decoder {
    const type = mediaSourceType(config);
    this.#way = wayOf({ ...browserFacts(type), refusal: undefined });
    return type !== undefined && this.#way?.by === "Media Source"
      ? new MediaSourceDecoder(config, type, events)
      : new CodedDecoder(config, events);
  }

  /** Where WebCodecs refuses, another way may be open: the last key frame comes once more for it. */
  #goOnBySource(config: StreamConfig, events: DecoderEvents, refusal: string): boolean {
    const type = mediaSourceType(config);
    const way = wayOf({ ...browserFacts(type), refusal });
    if (this.#way?.by !== "WebCodecs" || way === undefined || type === undefined) return false;
    this.#way = way;
    this.#setDecoder(new MediaSourceDecoder(config, type, events));
    this.#rejoin();
    return true;
  }

  #setDecoder(decoder: Decoder | undefined): void {
    this.#decoder?.close();
    this.#decoder = decoder;
  }

  #onFrame(frame: ReceivedFrame): void {
    const nowMs = performance.now();
    const { catchUp, captureUs } = frame.header;
    this.#lastFrameMs = nowMs;
    this.#isPublishing = this.#isPublishing || !catchUp;
    this.#hasEnded = this.#hasEnded && catchUp;
    this.#received.add(frame.data.byteLength, nowMs);
    if (frame.header.key && !catchUp) {
      this.#keyIntervalMs = nowMs - this.#keyMs;
      this.#keyMs = nowMs;
    }
    if (!catchUp && this.#connection.clock.isKnown) {
      const arrivalUs = frame.receivedUs + this.#connection.clock.offsetUs - captureUs;
      this.#arrivals.add(arrivalUs / 1000, nowMs);
    }
    if (this.#holds.size > 0) {
      if (this.#heldBack !== undefined) this.#skipped++;
      this.#heldBack = frame;
      this.#decoder?.pass();
    } else {
      this.#decoder?.push(frame);
    }
  }

  #onStats(stats: StatsMessage): void {
    this.#stats = stats;
    this.#usualRate = stats.stream.rate?.framesPerSecond ?? 0;
    this.#isPublishing = stats.stream.publishing ?? this.#isPublishing;
    this.#look();
  }

  #onEnd(): void {
    this.#hasEnded = true;
    this.#isPublishing = false;
    this.#decoder?.end();
    this.#look();
  }

  #onLost(lost: Lost): void {
    this.#phase = "lost";
    this.#lost = lost;
    this.#isPublishing = false;
    this.#look();
  }

  #onDrawn(frame: ReceivedFrame, isOtherSize: boolean): void {
    const nowMs = performance.now();
    const { header: { sequence, captureUs, catchUp } } = frame;
    this.#drawn++;
    this.#sequence = sequence;
    this.#drawnRate.add(1, nowMs);
    if (!catchUp && this.#connection.clock.isKnown) {
      this.#delays.add(
        (systemClock.wallUs() + this.#connection.clock.offsetUs - captureUs) / 1000,
        nowMs,
      );
    }
    this.#hasPicture = true;
    this.#isFresh = true;
    if (this.#state.isStale) this.#look();
    if (isOtherSize) this.dispatchEvent(new Event("size"));
    this.dispatchEvent(new Event("drawn"));
  }

  /** Comes again for the last key frame, and less often each time. */
  #rejoin(): void {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#rejoinedMs;
    const isKeySoon = this.#keyMs + this.#keyIntervalMs - nowMs < KEY_SOON_MS;
    if (sinceMs < this.#rejoinMs || isKeySoon) return;
    this.#rejoinMs = sinceMs > MAX_REJOIN_MS
      ? REJOIN_MS
      : Math.min(MAX_REJOIN_MS, this.#rejoinMs * 2);
    this.#rejoinedMs = nowMs;
    this.#screen.clear();
    this.#connection.rejoin();
  }

  /** Once in a while, since not everything tells of itself. */
  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs > HUNG_MS) this.#hungMs = nowMs;
    this.#lookedMs = nowMs;
    if (this.#isLeftOut(nowMs)) this.#rejoin();
    this.#look();
  }

  /**
   * Whether nothing comes after the page has hung: then the relay waits for a key frame, which may
   * take long, since it had to skip frames that were needed.
   */
  #isLeftOut(nowMs: number): boolean {
    if (nowMs - this.#hungMs > AFTER_HUNG_MS || this.#holds.size > 0) return false;
    if (this.#phase !== "open" || !this.#isPublishing) return false;
    if (this.#config === undefined || !isCodedInTime(this.#config.format)) return false;
    const usualMs = 1000 / Math.max(1, this.#usualRate);
    return nowMs - this.#lastFrameMs > Math.max(MISSING_MS, MISSING_FRAMES * usualMs);
  }

  /** Looks at the facts, and tells when they make another state. */
  #look(): void {
    const nowMs = performance.now();
    // While it comes again for a key frame, what was true before still is.
    if (this.#phase === "connecting" && this.#lost === undefined && this.#hasPicture) return;
    const state = stateOf({
      name: this.#name,
      connection: this.#phase,
      lost: this.#lost,
      isOnline: navigator.onLine,
      isPublishing: this.#isPublishing,
      hasEnded: this.#hasEnded,
      isSilent: nowMs - this.#lastFrameMs > SILENT_MS,
      hasPicture: this.#hasPicture,
      isFresh: this.#isFresh,
      needsKey: nowMs - this.#waitsForKeySinceMs > KEY_PATIENCE_MS,
      unsupported: this.#unsupported,
      damaged: this.#damage,
    });
    const { kind, sentence, isStale } = this.#state;
    if (state.kind === kind && state.sentence === sentence && state.isStale === isStale) return;
    this.#state = state;
    this.dispatchEvent(new Event("state"));
  }
}

function browserFacts(mediaSourceType: string | undefined): Omit<WayFacts, "refusal"> {
  return {
    hasWebCodecs: typeof VideoDecoder !== "undefined",
    isSecure: globalThis.isSecureContext === true,
    hasMediaSource: mediaSourceType !== undefined,
  };
}
