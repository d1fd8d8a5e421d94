/**
 * A small picture of a stream, once a second.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { CLOSE } from "../wire/close_code.ts";
import { Connection, type Lost, type TokenSource } from "./connection.ts";
import { KeyFrameDecoder } from "./key_frames.ts";
import {
  createPictureDecoder,
  type Decoder,
  type DecoderEvents,
  type Picture,
} from "./pictures.ts";
import { presented } from "./presentation.ts";

/** What the relay is asked for. */
const FPS = 1;
const MAX_DELAY_MS = 300;
/** How long after a refusal the relay is asked again, in milliseconds. */
const ASK_AGAIN_MS = 10_000;
/** Largest side of the picture that is kept, in pixels. */
const MAX_SIDE = 480;
/** A larger canvas for pictures in their own size is given back at once, in pixels. */
const MAX_KEPT_PIXELS = 1920 * 1088;

/** Shows one stream in a canvas that is much smaller than its pictures. */
export class Thumbnail {
  readonly #url: string;
  readonly #token: TokenSource;
  readonly #canvas: HTMLCanvasElement;
  readonly #scaler: Scaler;
  readonly #onChange: () => void;
  #connection: Connection | undefined;
  #decoder: Decoder | undefined;
  #lostMs = 0;

  phase: "connecting" | "open" | "lost" = "connecting";
  /** How the last connection ended, until there is another. */
  lost: Lost | undefined;
  /** Why nothing can be shown. */
  unsupported: string | undefined;
  /** What is wrong with the last frame. */
  damaged: string | undefined;
  hasPicture = false;
  /** How it was ended by somebody who may, after which it does not come back by itself. */
  #ended: Lost | undefined;

  constructor({ url, token, canvas, scaler, onChange }: {
    /** The stream's WebSocket address. */
    readonly url: string;
    /** The token that lets it in. */
    readonly token: TokenSource;
    readonly canvas: HTMLCanvasElement;
    readonly scaler: Scaler;
    /** Something of the state has changed. */
    readonly onChange: () => void;
  }) {
    this.#url = url;
    this.#token = token;
    this.#canvas = canvas;
    this.#scaler = scaler;
    this.#onChange = onChange;
  }

  /** Whether the relay counts it as a viewer. */
  get isWatching(): boolean {
    return this.#connection !== undefined && this.phase === "open";
  }

  /** Connects, unless it is connected; after a refusal, not before a while has passed. */
  open(): void {
    if (this.lost?.isFinal && performance.now() - this.#lostMs > ASK_AGAIN_MS) this.close();
    if (this.#ended !== undefined) {
      this.phase = "lost";
      this.lost = this.#ended;
      return;
    }
    if (this.#connection !== undefined) return;
    this.phase = "connecting";
    this.lost = undefined;
    const options = { url: this.#url, token: this.#token, fps: FPS, maxDelayMs: MAX_DELAY_MS };
    this.#connection = new Connection(options, {
      onConnecting: () => {
        this.phase = "connecting";
      },
      onWelcome: () => {
        this.phase = "open";
        this.lost = undefined;
        this.#onChange();
      },
      onConfig: (config) => this.#configure(config),
      onFrame: (frame) => this.#decoder?.push(frame),
      onStats: () => {},
      onEnd: () => {},
      onLost: (lost) => {
        this.phase = "lost";
        this.lost = lost;
        this.#lostMs = performance.now();
        if (lost.code === CLOSE.ended) this.#ended = lost;
        this.#onChange();
      },
    });
    this.#connection.open();
  }

  /** Leaves the stream; the last picture stays. */
  close(): void {
    if (this.#connection === undefined) return;
    this.#connection.close();
    this.#connection = undefined;
    this.#decoder?.close();
    this.#decoder = undefined;
    this.phase = "connecting";
    this.lost = undefined;
  }

  #configure(config: StreamConfig): void {
    this.#decoder?.close();
    this.#decoder = undefined;
    this.unsupported = undefined;
    this.damaged = undefined;
    const events: DecoderEvents = {
      onPicture: (picture) => this.#show(presented(picture, config)),
      onSkipped: () => {},
      onDamaged: (sentence) => {
        this.damaged = sentence;
        this.#onChange();
      },
      onUnsupported: (sentence) => {
        this.unsupported = sentence;
        this.#onChange();
      },
      onWaitingForKey: () => {},
      onLeftBehind: () => {},
      framesPerSecond: () => FPS,
    };
    const decoder = createPictureDecoder(config, events) ?? new KeyFrameDecoder(config, events);
    if (typeof decoder === "string") events.onUnsupported(decoder);
    else this.#decoder = decoder;
  }

  #show(picture: Picture): void {
    this.#scaler.draw(picture, this.#canvas);
    const isNews = !this.hasPicture || this.damaged !== undefined;
    this.hasPicture = true;
    this.damaged = undefined;
    if (isNews) this.#onChange();
  }
}

/** Draws pictures small. All thumbnails share one, for the pictures in their own size take memory. */
export class Scaler {
  readonly #whole = document.createElement("canvas");

  /** Draws a picture into a canvas that gets its shape, and closes the picture. */
  draw(picture: Picture, canvas: HTMLCanvasElement): void {
    const { width, height } = picture;
    const small = smallSize(width, height, MAX_SIDE);
    const whole = this.#whole;
    // It only grows, as streams of different sizes take turns.
    if (whole.width < width) whole.width = width;
    if (whole.height < height) whole.height = height;
    const from = whole.getContext("2d", { alpha: false });
    if (canvas.width !== small.width) canvas.width = small.width;
    if (canvas.height !== small.height) canvas.height = small.height;
    const to = canvas.getContext("2d", { alpha: false });
    if (from !== null && to !== null) {
      from.fillStyle = "black";
      from.fillRect(0, 0, width, height);
      picture.draw(from);
      to.imageSmoothingQuality = "high";
      to.drawImage(whole, 0, 0, width, height, 0, 0, small.width, small.height);
    }
    picture.close();
    if (whole.width * whole.height > MAX_KEPT_PIXELS) whole.width = whole.height = 1;
  }
}

/** The size of a picture of which no side is longer than `maxSide`. */
export function smallSize(
  width: number,
  height: number,
  maxSide: number,
): { width: number; height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}
