// @ts-check
/// <reference lib="dom" />
/**
 * Decoders of frames that stand alone: JPEG, PNG and whatever else the browser takes for a picture,
 * and pixels that are not compressed. Only the newest frame counts.
 *
 * @module
 */
import { pixelPicture, pixelsOf, toRgba, toVideoFrame } from "./pixels.js";

/** @typedef {import("./connection.js").Config} Config */
/** @typedef {import("./connection.js").ReceivedFrame} ReceivedFrame */

/**
 * A picture that is ready to be drawn, once; whoever has it closes it.
 *
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {ReceivedFrame} frame
 * @property {(context: CanvasRenderingContext2D) => void} draw
 * @property {() => void} close
 */

/**
 * What a decoder tells.
 *
 * @typedef {object} DecoderEvents
 * @property {(picture: Picture) => void} onPicture
 * @property {(frames: number) => void} onSkipped frames that will not be shown
 * @property {(sentence: string) => void} onDamaged a frame that cannot be decoded
 * @property {(sentence: string) => void} onUnsupported nothing of this configuration can be decoded
 * @property {(isWaiting: boolean) => void} onWaitingForKey
 * @property {() => void} onLeftBehind it needs the last key frame again to go on
 * @property {() => number} framesPerSecond how fast frames come
 */

/**
 * Turns frames of one configuration into pictures.
 *
 * @typedef {object} Decoder
 * @property {(frame: ReceivedFrame) => void} push
 * @property {() => void} pass a frame is passed over
 * @property {() => void} end no more frames come for now
 * @property {() => void} close
 */

/** Pictures that are decoded at the same time, on the browser's own threads. */
const MAX_UNDER_WAY = 2;

/**
 * Decodes compressed pictures.
 *
 * @implements {Decoder}
 */
export class PictureDecoder {
  /** @readonly @type {string} */ #type;
  /** @readonly @type {DecoderEvents} */ #events;
  /** @type {ReceivedFrame | undefined} */ #waiting;
  #underWay = 0;
  #number = 0;
  #shown = 0;
  #isClosed = false;

  /**
   * @param {string} type the pictures' media type; empty where it is not known
   * @param {DecoderEvents} events
   */
  constructor(type, events) {
    this.#type = type;
    this.#events = events;
  }

  /** @param {ReceivedFrame} frame */
  push(frame) {
    if (this.#underWay < MAX_UNDER_WAY) {
      this.#decode(frame);
      return;
    }
    if (this.#waiting !== undefined) this.#events.onSkipped(1);
    this.#waiting = frame;
  }

  pass() {}

  end() {}

  close() {
    this.#isClosed = true;
    this.#waiting = undefined;
  }

  /** @param {ReceivedFrame} frame */
  async #decode(frame) {
    this.#underWay++;
    const number = ++this.#number;
    try {
      const bitmap = await createImageBitmap(new Blob([frame.data], { type: this.#type }));
      this.#show(bitmap, number, frame);
    } catch {
      if (!this.#isClosed) this.#events.onDamaged("The browser cannot read this picture");
    }
    this.#underWay--;
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next !== undefined) this.#decode(next);
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {number} number
   * @param {ReceivedFrame} frame
   */
  #show(bitmap, number, frame) {
    if (this.#isClosed || number < this.#shown) {
      bitmap.close();
      if (!this.#isClosed) this.#events.onSkipped(1);
      return;
    }
    this.#shown = number;
    this.#events.onPicture({
      width: bitmap.width,
      height: bitmap.height,
      frame,
      draw: (context) => context.drawImage(bitmap, 0, 0),
      close: () => bitmap.close(),
    });
  }
}

/**
 * Shows pixels: there is nothing to decode, so they are converted when they are drawn.
 *
 * @implements {Decoder}
 */
export class PixelDecoder {
  /** @readonly @type {"raw" | "y4m"} */ #format;
  /** @readonly @type {import("./pixels.js").PixelPicture} */ #picture;
  /** @readonly @type {DecoderEvents} */ #events;
  #hasFrames = true;

  /**
   * @param {"raw" | "y4m"} format
   * @param {import("./pixels.js").PixelPicture} picture
   * @param {DecoderEvents} events
   */
  constructor(format, picture, events) {
    this.#format = format;
    this.#picture = picture;
    this.#events = events;
  }

  /** @param {ReceivedFrame} frame */
  push(frame) {
    const { width, height, bytes } = this.#picture;
    const data = pixelsOf(frame.data, this.#format);
    if (data.length !== bytes) {
      this.#events.onDamaged(`A frame has ${data.length} bytes of pixels instead of ${bytes}`);
      return;
    }
    this.#events.onPicture({
      width,
      height,
      frame,
      draw: (context) => this.#draw(context, data),
      close: () => {},
    });
  }

  pass() {}

  end() {}

  close() {}

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array<ArrayBuffer>} data
   */
  #draw(context, data) {
    const frame = this.#hasFrames ? this.#frameOf(data) : undefined;
    if (frame === undefined) {
      const { width, height } = this.#picture;
      context.putImageData(new ImageData(toRgba(data, this.#picture), width, height), 0, 0);
      return;
    }
    context.drawImage(frame, 0, 0);
    frame.close();
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} data
   * @returns {VideoFrame | undefined}
   */
  #frameOf(data) {
    try {
      const frame = toVideoFrame(data, this.#picture);
      this.#hasFrames = frame !== undefined;
      return frame;
    } catch {
      // A browser that does not take this format, or this size.
      this.#hasFrames = false;
      return undefined;
    }
  }
}

/** @type {ReadonlyMap<string, string>} */
const MEDIA_TYPES = new Map([["mjpeg", "image/jpeg"], ["png", "image/png"]]);

/**
 * A decoder for frames that stand alone, or a sentence why they cannot be shown; `undefined` for
 * formats coded in time.
 *
 * @param {Config} config
 * @param {DecoderEvents} events
 * @returns {Decoder | string | undefined}
 */
export function createPictureDecoder(config, events) {
  const { format, pixelFormat, width, height } = config;
  const type = MEDIA_TYPES.get(format);
  if (type !== undefined) return new PictureDecoder(type, events);
  if (format !== "raw" && format !== "y4m" && format !== "lp32") return undefined;
  // Bytes of which nothing is known may be a picture that the browser knows, like WebP.
  if (format === "lp32" || (format === "raw" && pixelFormat === null)) {
    return new PictureDecoder("", events);
  }
  const picture = pixelPicture(config);
  if (picture !== undefined) return new PixelDecoder(format, picture, events);
  if (width === null || height === null) return "The frames come without the picture’s size.";
  return `Pictures in the pixel format ${pixelFormat} cannot be shown here.`;
}
