/**
 * The decoder of formats that are coded in time where there is no WebCodecs: by Media Source Extensions,
 * from the same frames, boxed in the page. What the browser shows is drawn as all other pictures are.
 *
 * @module
 */
import { joined } from "../bytes/joined.ts";
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS } from "../core/stream_format.ts";
import { backoffMs } from "../net/backoff.ts";
import { AppendQueue } from "./append_queue.ts";
import type { ReceivedFrame } from "./connection.ts";
import { type Fragment, FragmentLine, fragmentType } from "./fragments.ts";
import { LiveEdge, oldEndS } from "./live_edge.ts";
import { CATCH_UP_PAUSE_MS, type Decoder, type DecoderEvents } from "./pictures.ts";

/** How often it is looked after while nothing comes, in milliseconds. */
const LOOK_MS = 100;
/** Frames of which it is remembered when they are shown. */
const MAX_PENDING = 1800;
/** Instants of the browser's player are as exact as this, in microseconds. */
const NEAR_US = 900;
/** Key frames of which it is remembered where they stand. */
const MAX_KEYS = 4096;
/** Least and longest time from a failure to the next try, in milliseconds, about. */
const MAX_RETRY_MS = 10_000;
/** A film that was shown for so long was a good one, in milliseconds. */
const GOOD_MS = 5000;

/** Media Source Extensions of the browser: the managed ones where it has them, as iPhones have no others. */
function mediaSources(): typeof MediaSource | undefined {
  const known: { ManagedMediaSource?: typeof MediaSource; MediaSource?: typeof MediaSource } =
    globalThis;
  return known.ManagedMediaSource ?? known.MediaSource;
}

/** The media type by which Media Source Extensions play `config` here; `undefined` where they do not. */
export function mediaSourceType(config: StreamConfig): string | undefined {
  const { usualCodec } = FORMAT_FACTS[config.format];
  const type = usualCodec === null ? undefined : fragmentType(config, usualCodec);
  return type !== undefined && mediaSources()?.isTypeSupported(type) === true ? type : undefined;
}

/** A frame that is somewhere in the browser's player. */
type Pending = Pick<Fragment, "shownUs" | "frame">;

/** Plays video by Media Source Extensions. */
export class MediaSourceDecoder implements Decoder {
  readonly #type: string;
  readonly #events: DecoderEvents;
  readonly #line: FragmentLine;
  readonly #queue = new AppendQueue();
  readonly #edge = new LiveEdge();
  #film: Film | undefined;
  /** Frames that were handed over and not shown. */
  #pending: Pending[] = [];
  /** Times at which key frames are shown. */
  #keysUs: number[] = [];
  #appendedUs = -Infinity;
  #runUs = 0;
  /** Whether what comes is older than what is to be shown: pictures are held until it has come. */
  #isJoining = false;
  #held: Pending | undefined;
  #pushedMs = 0;
  #isWaiting = false;
  #isClosed = false;
  #failures = 0;
  #retryMs = -Infinity;
  #looking: ReturnType<typeof setInterval>;

  /** For frames of `config`, which are of the media type `type` once they are boxed. */
  constructor(config: StreamConfig, type: string, events: DecoderEvents) {
    this.#type = type;
    this.#events = events;
    this.#line = new FragmentLine(config);
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  push(frame: ReceivedFrame): void {
    if (this.#isClosed) return;
    const nowMs = performance.now();
    const { key } = frame.header;
    const mayBegin = key && nowMs >= this.#retryMs;
    if (this.#line.needsKey && !mayBegin) return this.#events.onSkipped(1);
    const fragment = this.#line.push(frame);
    if (fragment === undefined) {
      if (key) this.#events.onDamaged("A key frame does not say what a decoder must know");
      else this.#events.onSkipped(1);
      return;
    }
    this.#film ??= this.#open();
    this.#pushedMs = nowMs;
    const old = this.#queue.push(fragment);
    if (fragment.runUs !== undefined) this.#beginRun(fragment.runUs, old);
    if (key) this.#keysUs.push(fragment.shownUs);
    if (this.#keysUs.length > MAX_KEYS) this.#keysUs.splice(0, MAX_KEYS / 2);
    if (this.#queue.isOver) this.#giveUp();
    this.#look();
  }

  /** A frame is passed over: those behind it need a key frame. */
  pass(): void {
    this.#line.breakOff();
    this.#queue.clear();
    this.#pending = [];
    this.#held = undefined;
  }

  end(): void {}

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looking);
    this.#discard();
  }

  #open(): Film {
    const film: Film = new Film(this.#type, {
      onReady: () => this.#film === film && this.#look(),
      onShown: (shownUs) => this.#film === film && this.#shown(shownUs),
      onFailed: (error) => this.#film === film && this.#failed(error),
    });
    return film;
  }

  #beginRun(runUs: number, old: number): void {
    if (old > 0) this.#events.onSkipped(old);
    this.#runUs = runUs;
    this.#pending = [];
    this.#held = undefined;
    this.#isJoining = true;
    this.#setWaiting(false);
  }

  /** Too much waits: it goes on with the next key frame, or with the last one again. */
  #giveUp(): void {
    this.#events.onSkipped(this.#queue.clear());
    this.#line.breakOff();
    this.#setWaiting(true);
    this.#events.onLeftBehind();
  }

  #failed(error: string): void {
    const film = this.#film;
    if (film === undefined) return;
    const nowMs = performance.now();
    if (film.playedMs > GOOD_MS) this.#failures = 0;
    this.#retryMs = nowMs + backoffMs(this.#failures++, Math.random(), MAX_RETRY_MS);
    this.#events.onSkipped(this.#queue.clear() + this.#pending.length);
    this.#discard();
    this.#line.breakOff();
    this.#setWaiting(true);
    this.#events.onDamaged(error);
    this.#events.onLeftBehind();
  }

  #discard(): void {
    this.#film?.close();
    this.#film = undefined;
    this.#queue.clear();
    this.#pending = [];
    this.#held = undefined;
    this.#keysUs = [];
    this.#appendedUs = -Infinity;
  }

  /** Hands over what waits, and sees to it that the newest is shown. */
  #look(): void {
    const film = this.#film;
    if (film === undefined || this.#isClosed) return;
    if (film.isReady) this.#append(film);
    if (this.#appendedUs < this.#runUs) return;
    const nowMs = performance.now();
    if (this.#isJoining) return this.#join(film, nowMs);
    const { edgeUs } = this.#line;
    const edgeS = Math.min(edgeUs, this.#appendedUs) / 1e6;
    const { rate, isJump } = this.#edge.next({ nowMs, positionS: film.positionS, edgeS });
    if (isJump) this.#jump(film, edgeS);
    else film.rate = rate;
    film.play();
  }

  #append(film: Film): void {
    if (this.#removeOld(film)) return;
    const fragments = this.#queue.take();
    const [first] = fragments;
    if (first === undefined) return;
    this.#pending.push(...fragments.map(({ shownUs, frame }) => ({ shownUs, frame })));
    if (this.#pending.length > MAX_PENDING) this.#pending.splice(0, MAX_PENDING / 2);
    for (const { shownUs } of fragments) this.#appendedUs = Math.max(this.#appendedUs, shownUs);
    const told = film.append(joined(fragments.flatMap(({ parts }) => parts)), first.runUs);
    if (told === "full") this.#giveUp();
  }

  /** Removes what was played, now and then. */
  #removeOld(film: Film): boolean {
    const { positionS, startS } = film;
    if (startS === undefined) return false;
    const endS = oldEndS({ startS, positionS, keysUs: this.#keysUs });
    if (endS === undefined) return false;
    this.#keysUs = this.#keysUs.filter((keyUs) => keyUs / 1e6 > endS);
    return film.remove(endS);
  }

  /** Goes to the newest picture, once the present has come or nothing newer comes. */
  #join(film: Film, nowMs: number): void {
    const isPresent = this.#pending.at(-1)?.frame.header.catchUp === false;
    const isPause = nowMs - this.#pushedMs > CATCH_UP_PAUSE_MS;
    if (this.#queue.length > 0 || !film.isReady || (!isPresent && !isPause)) return;
    this.#isJoining = false;
    const edgeUs = Math.min(this.#line.edgeUs, this.#appendedUs);
    const held = this.#held;
    this.#held = undefined;
    if (held?.shownUs === edgeUs) this.#show(film, held);
    else this.#jump(film, edgeUs / 1e6);
    film.play();
  }

  #jump(film: Film, toS: number): void {
    this.#edge.jumped(performance.now());
    film.rate = 1;
    film.jump(toS);
  }

  #shown(shownUs: number): void {
    const film = this.#film;
    const index = this.#pending.findLastIndex((pending) => pending.shownUs <= shownUs + NEAR_US);
    const pending = this.#pending[index];
    if (pending === undefined || film === undefined) return;
    // Frames that are shown in another order than they came may still be among those before.
    this.#pending = this.#pending.filter((other) => other.shownUs > pending.shownUs);
    if (this.#isJoining) this.#held = pending;
    else this.#show(film, pending);
  }

  #show(film: Film, { frame }: Pending): void {
    const { width, height } = film;
    if (width === 0) return;
    this.#events.onPicture({
      width,
      height,
      frame,
      draw: (context) => film.draw(context),
      close: () => {},
    });
  }

  #setWaiting(isWaiting: boolean): void {
    if (isWaiting !== this.#isWaiting) this.#events.onWaitingForKey(isWaiting);
    this.#isWaiting = isWaiting;
  }
}

/** What a film tells. */
interface FilmEvents {
  /** It takes something, or has shown what it has. */
  readonly onReady: () => void;
  /** A picture is shown: its time, in microseconds. */
  readonly onShown: (shownUs: number) => void;
  readonly onFailed: (sentence: string) => void;
}

/** The browser's player and what it plays: made once, and thrown away when it fails. */
class Film {
  readonly #video = document.createElement("video");
  readonly #source: MediaSource;
  readonly #events: FilmEvents;
  readonly #over = new AbortController();
  readonly #beganMs = performance.now();
  #buffer: SourceBuffer | undefined;
  #positionS = -1;

  constructor(type: string, events: FilmEvents) {
    this.#events = events;
    const { signal } = this.#over;
    const video = this.#video;
    video.muted = true;
    video.autoplay = true;
    video.playsInline = true;
    // Without it iPhones open no source.
    video.disableRemotePlayback = true;
    video.addEventListener("error", () => this.#fail(), { signal });
    this.#source = new (mediaSources()!)();
    const url = URL.createObjectURL(this.#source);
    this.#source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(url);
      this.#open(type);
    }, { signal, once: true });
    video.src = url;
    this.#watch();
  }

  get isReady(): boolean {
    return this.#buffer !== undefined && !this.#buffer.updating && !this.#over.signal.aborted;
  }

  /** How long ago it began, in milliseconds. */
  get playedMs(): number {
    return performance.now() - this.#beganMs;
  }

  get positionS(): number {
    return this.#video.currentTime;
  }

  /** Where what it has begins, in seconds. */
  get startS(): number | undefined {
    const ranges = this.#buffer?.buffered;
    return ranges === undefined || ranges.length === 0 ? undefined : ranges.start(0);
  }

  get width(): number {
    return this.#video.videoWidth;
  }

  get height(): number {
    return this.#video.videoHeight;
  }

  set rate(rate: number) {
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }

  draw(context: CanvasRenderingContext2D): void {
    context.drawImage(this.#video, 0, 0);
  }

  jump(toS: number): void {
    this.#video.currentTime = toS;
  }

  /** Plays on where the browser has stopped, as it may do with what is not seen. */
  play(): void {
    if (!this.#video.paused || document.hidden) return;
    // It says so again where it may not play, or is interrupted.
    this.#video.play().catch(() => {});
  }

  /** Takes bytes, of which a run begins at `runUs` if that is told; or there is no room for them. */
  append(bytes: Uint8Array<ArrayBuffer>, runUs: number | undefined): "taken" | "full" {
    const buffer = this.#buffer!;
    try {
      if (runUs !== undefined) buffer.timestampOffset = runUs / 1e6;
      buffer.appendBuffer(bytes);
      return "taken";
    } catch (error) {
      if ((error as Error).name !== "QuotaExceededError") {
        this.#fail();
        return "taken";
      }
    }
    // All that was played, up to the run that is to come, or to what is shown.
    const ranges = buffer.buffered;
    const endS = runUs === undefined
      ? ranges.length > 1 ? ranges.start(ranges.length - 1) : 0
      : Infinity;
    if (endS > 0) buffer.remove(0, endS);
    return "full";
  }

  /** Removes all in front of `endS`, in seconds. */
  remove(endS: number): boolean {
    try {
      this.#buffer?.remove(0, endS);
      return true;
    } catch {
      // Its source has been closed by the browser, which tells of it.
      return false;
    }
  }

  close(): void {
    this.#over.abort();
    this.#video.removeAttribute("src");
    // What it holds is given back.
    this.#video.load();
  }

  #open(type: string): void {
    const { signal } = this.#over;
    if (signal.aborted) return;
    try {
      this.#buffer = this.#source.addSourceBuffer(type);
    } catch {
      this.#fail();
      return;
    }
    this.#buffer.addEventListener("updateend", () => this.#events.onReady(), { signal });
    this.#buffer.addEventListener("error", () => this.#fail(), { signal });
    this.#events.onReady();
  }

  #fail(): void {
    if (this.#over.signal.aborted) return;
    this.#events.onFailed("The browser’s player found a damaged frame");
  }

  /** Tells of each picture that is shown, for as long as it lives. */
  #watch(): void {
    const video = this.#video;
    const { signal } = this.#over;
    if (typeof video.requestVideoFrameCallback === "function") {
      const next = (_nowMs: number, { mediaTime }: VideoFrameCallbackMetadata) => {
        if (signal.aborted) return;
        video.requestVideoFrameCallback(next);
        this.#events.onShown(Math.round(mediaTime * 1e6));
      };
      video.requestVideoFrameCallback(next);
      return;
    }
    // A browser that does not tell: what it should show at this time.
    const look = () => {
      if (signal.aborted) return;
      requestAnimationFrame(look);
      if (video.readyState < video.HAVE_CURRENT_DATA || video.seeking) return;
      if (video.currentTime === this.#positionS) return;
      this.#positionS = video.currentTime;
      this.#events.onShown(Math.round(video.currentTime * 1e6));
    };
    requestAnimationFrame(look);
  }
}
