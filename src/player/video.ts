/**
 * The decoder of formats that are coded in time: H.264, H.265, VP8, VP9 and AV1, by WebCodecs.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS } from "../core/stream_format.ts";
import { colourSpace } from "./colours.ts";
import type { ReceivedFrame } from "./connection.ts";
import { EarlyFrames } from "./early_frames.ts";
import { CATCH_UP_PAUSE_MS, type Decoder, type DecoderEvents, type Picture } from "./pictures.ts";

/** Seconds of frames that wait for a decoder that is behind. */
const BEHIND_S = 0.15;
const MIN_BEHIND_FRAMES = 3;
/** How long a decoder may be behind, in milliseconds. */
const PATIENCE_MS = 300;
/** How long it may take to catch up with a stream that has just been joined, in milliseconds. */
const CATCH_UP_MS = 2000;
/** After so long without a frame, and three times the usual, pictures held back are asked for. */
const FLUSH_PAUSE_MS = 500;
/** How many frames later a picture may come out of the decoder than its frame went in. */
const MAX_REORDERED = 32;

/** What a decoder has made of `frame`, ready to be drawn. */
export function decodedPicture(picture: VideoFrame, frame: ReceivedFrame): Picture {
  return {
    width: picture.displayWidth,
    height: picture.displayHeight,
    frame,
    draw: (context) => context.drawImage(picture, 0, 0),
    close: () => picture.close(),
  };
}

/** Why `config` cannot be decoded here, as a sentence, or the decoder's own configuration. */
export async function decoderConfig(
  { format, codec }: StreamConfig,
): Promise<string | VideoDecoderConfig> {
  const { label: name, usualCodec } = FORMAT_FACTS[format];
  if (usualCodec === null) return `${format} is not a video format.`;
  if (typeof VideoDecoder === "undefined") {
    return globalThis.isSecureContext
      ? `This browser cannot decode ${name}: it has no WebCodecs.`
      : `${name} needs a secure page: open it over https, or on the relay’s machine as localhost. ` +
        "If it is published as MJPEG, it plays on any page.";
  }
  const wanted = { codec: codec ?? usualCodec, optimizeForLatency: true };
  try {
    const { supported } = await VideoDecoder.isConfigSupported(wanted);
    if (supported === true) return wanted;
  } catch {
    // Not a codec string that it understands.
  }
  return `This browser cannot decode ${name} (${wanted.codec}).`;
}

/** What is remembered of a frame in the decoder. */
export interface Pending {
  readonly frame: ReceivedFrame;
  readonly number: number;
}

/**
 * Decodes video. It never queues for long: when it is behind, it goes on with the newest key frame.
 */
export class CodedDecoder implements Decoder {
  readonly #config: StreamConfig;
  readonly #events: DecoderEvents;
  #wanted: VideoDecoderConfig | undefined;
  #decoder: VideoDecoder | undefined;
  readonly #early = new EarlyFrames();
  readonly #pending = new Map<number, Pending>();
  #held: VideoFrame | undefined;
  #heldFrame: ReceivedFrame | undefined;
  #pauseTimer: ReturnType<typeof setTimeout> | undefined;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #needsKey = true;
  #wasFlushed = false;
  #isWaiting = false;
  #isClosed = false;
  #fed = 0;
  #behindSinceMs = Infinity;
  #patienceMs = PATIENCE_MS;

  constructor(config: StreamConfig, events: DecoderEvents) {
    this.#config = config;
    this.#events = events;
    this.#begin();
  }

  async #begin(): Promise<void> {
    const wanted = await decoderConfig(this.#config);
    if (this.#isClosed) return;
    if (typeof wanted === "string") {
      this.#early.clear();
      this.#events.onUnsupported(wanted);
      return;
    }
    this.#wanted = wanted;
    if (this.#early.hasGivenUp) this.#events.onLeftBehind();
    for (const frame of this.#early.take()) this.push(frame);
  }

  push(frame: ReceivedFrame): void {
    if (this.#isClosed) return;
    if (this.#wanted === undefined) {
      this.#early.push(frame);
      return;
    }
    const { key, catchUp } = frame.header;
    const isBehind = this.#isBehind();
    if (catchUp) this.#patienceMs = CATCH_UP_MS;
    if (key && (this.#needsKey || (isBehind && !catchUp))) this.#restart(frame);
    else if (isBehind && !catchUp && !this.#needsKey) this.#giveUp();
    if (this.#needsKey && !key) {
      this.#events.onSkipped(1);
      if (this.#wasFlushed) this.#events.onLeftBehind();
      this.#wasFlushed = false;
      return;
    }
    this.#decode(frame);
  }

  /** A frame is passed over: those behind it need a key frame. */
  pass(): void {
    this.#early.clear();
    this.#needsKey = true;
    this.#wasFlushed = false;
  }

  /** Nothing follows for now: what the decoder holds back is shown. */
  end(): void {
    this.#flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#dropHeld();
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#flushTimer);
    if (this.#decoder !== undefined && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = undefined;
    this.#pending.clear();
  }

  #isBehind(): boolean {
    const waiting = this.#decoder?.decodeQueueSize ?? 0;
    if (waiting <= Math.max(MIN_BEHIND_FRAMES, BEHIND_S * this.#events.framesPerSecond())) {
      this.#behindSinceMs = Infinity;
      this.#patienceMs = PATIENCE_MS;
      return false;
    }
    const nowMs = performance.now();
    this.#behindSinceMs = Math.min(this.#behindSinceMs, nowMs);
    return nowMs - this.#behindSinceMs > this.#patienceMs;
  }

  /** Drops what waits; only a key frame helps now, and where catching up took too long, a new one. */
  #giveUp(): void {
    const isTooSlow = this.#patienceMs === CATCH_UP_MS;
    this.#events.onSkipped(this.#pending.size);
    this.#pending.clear();
    this.#decoder?.reset();
    this.#needsKey = true;
    this.#setWaiting(true);
    if (!isTooSlow) this.#events.onLeftBehind();
  }

  /** Begins anew. */
  #restart(keyFrame: ReceivedFrame): void {
    const wanted = this.#wanted as VideoDecoderConfig;
    const colorSpace = colourSpace(this.#config, keyFrame.data);
    if (this.#needsKey === false) this.#events.onSkipped(this.#pending.size);
    this.#pending.clear();
    if (this.#decoder === undefined || this.#decoder.state === "closed") {
      const decoder: VideoDecoder = new VideoDecoder({
        output: (picture) => this.#output(picture),
        error: (error) => {
          if (this.#decoder === decoder) this.#failed(error);
        },
      });
      this.#decoder = decoder;
    }
    this.#decoder.reset();
    this.#decoder.configure({ ...wanted, ...(colorSpace && { colorSpace }) });
    this.#needsKey = false;
    this.#wasFlushed = false;
    this.#setWaiting(false);
  }

  #decode(frame: ReceivedFrame): void {
    const { key, ptsUs, sequence } = frame.header;
    let timestamp = ptsUs ?? sequence * 1000;
    while (this.#pending.has(timestamp)) timestamp++;
    const type = key ? "key" : "delta";
    this.#pending.set(timestamp, { frame, number: ++this.#fed });
    try {
      this.#decoder?.decode(new EncodedVideoChunk({ type, timestamp, data: frame.data }));
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.#arm();
  }

  #failed(error: Error): void {
    this.#pending.clear();
    this.#needsKey = true;
    this.#setWaiting(true);
    if (error.name === "NotSupportedError") {
      const { label } = FORMAT_FACTS[this.#config.format];
      this.#events.onUnsupported(`This browser cannot decode this kind of ${label}.`);
    } else {
      this.#events.onDamaged("The decoder found a damaged frame");
    }
  }

  #output(picture: VideoFrame): void {
    const pending = this.#pending.get(picture.timestamp);
    if (pending === undefined || this.#isClosed) {
      picture.close();
      return;
    }
    this.#forget(pending.number);
    this.#pending.delete(picture.timestamp);
    this.#dropHeld();
    if (pending.frame.header.catchUp) {
      this.#held = picture;
      this.#heldFrame = pending.frame;
    } else {
      this.#show(picture, pending.frame);
    }
  }

  /** Forgets frames of which no picture came out: some are only there to be referred to. */
  #forget(number: number): void {
    for (const [timestamp, pending] of this.#pending) {
      if (pending.number > number - MAX_REORDERED) return;
      this.#pending.delete(timestamp);
    }
  }

  #show(picture: VideoFrame, frame: ReceivedFrame): void {
    this.#events.onPicture(decodedPicture(picture, frame));
  }

  #dropHeld(): void {
    this.#held?.close();
    this.#held = undefined;
    this.#heldFrame = undefined;
  }

  /** Waits for a pause in the frames: at its beginning nothing newer comes. */
  #arm(): void {
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#flushTimer);
    this.#pauseTimer = setTimeout(() => this.#pause(), CATCH_UP_PAUSE_MS);
    const { format } = this.#config;
    if (format !== "h264" && format !== "hevc") return;
    const usualMs = 3000 / Math.max(0.2, this.#events.framesPerSecond());
    this.#flushTimer = setTimeout(() => this.#flush(), Math.max(FLUSH_PAUSE_MS, usualMs));
  }

  #pause(): void {
    if (this.#decoder === undefined || this.#isClosed) return;
    if (this.#decoder.decodeQueueSize > 0) {
      this.#pauseTimer = setTimeout(() => this.#pause(), CATCH_UP_PAUSE_MS);
    } else if (this.#held !== undefined && this.#heldFrame !== undefined) {
      const [picture, frame] = [this.#held, this.#heldFrame];
      this.#held = undefined;
      this.#heldFrame = undefined;
      this.#show(picture, frame);
    }
  }

  /** Has the decoder give out what it holds back; afterwards it needs a key frame. */
  async #flush(): Promise<void> {
    const decoder = this.#decoder;
    if (decoder === undefined || decoder.state !== "configured" || this.#pending.size === 0) return;
    this.#needsKey = true;
    this.#wasFlushed = true;
    try {
      await decoder.flush();
    } catch {
      // Reset or closed meanwhile, or told to `error` already.
      return;
    }
    this.#pending.clear();
    this.#pause();
  }

  #setWaiting(isWaiting: boolean): void {
    if (isWaiting !== this.#isWaiting) this.#events.onWaitingForKey(isWaiting);
    this.#isWaiting = isWaiting;
  }
}
