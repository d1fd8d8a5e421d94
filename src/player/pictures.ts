/**
 * Decoders of frames that stand alone: JPEG, PNG and whatever else the browser takes for a picture,
 * and pixels that are not compressed. Only the newest frame counts.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS } from "../core/stream_format.ts";
import { pixelsOf } from "../picture/frame_picture.ts";
import type { ReceivedFrame } from "./connection.ts";
import { type PixelPicture, pixelPicture, toRgba, toVideoFrame } from "./pixels.ts";

/** After so long without a frame, the last one of those that catch up is shown, in milliseconds. */
export const CATCH_UP_PAUSE_MS = 60;

/** A picture that is ready to be drawn, once; whoever has it closes it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly frame: ReceivedFrame;
  readonly draw: (context: CanvasRenderingContext2D) => void;
  readonly close: () => void;
}

/** What a decoder tells. */
export interface DecoderEvents {
  readonly onPicture: (picture: Picture) => void;
  /** Frames that will not be shown. */
  readonly onSkipped: (frames: number) => void;
  /** A frame that cannot be decoded. */
  readonly onDamaged: (sentence: string) => void;
  /** Nothing of this configuration can be decoded. */
  readonly onUnsupported: (sentence: string) => void;
  readonly onWaitingForKey: (isWaiting: boolean) => void;
  /** It needs the last key frame again to go on. */
  readonly onLeftBehind: () => void;
  /** How fast frames come. */
  readonly framesPerSecond: () => number;
}

/** Turns frames of one configuration into pictures. */
export interface Decoder {
  readonly push: (frame: ReceivedFrame) => void;
  /** A frame is passed over. */
  readonly pass: () => void;
  /** No more frames come for now. */
  readonly end: () => void;
  readonly close: () => void;
}

/** Pictures that are decoded at the same time, on the browser's own threads. */
const MAX_UNDER_WAY = 2;

/** Decodes compressed pictures. */
export class PictureDecoder implements Decoder {
  readonly #type: string;
  readonly #events: DecoderEvents;
  #waiting: ReceivedFrame | undefined;
  #underWay = 0;
  #number = 0;
  #shown = 0;
  #isClosed = false;

  /** For pictures of the media type `type`; empty where it is not known. */
  constructor(type: string, events: DecoderEvents) {
    this.#type = type;
    this.#events = events;
  }

  push(frame: ReceivedFrame): void {
    if (this.#underWay < MAX_UNDER_WAY) {
      this.#decode(frame);
      return;
    }
    if (this.#waiting !== undefined) this.#events.onSkipped(1);
    this.#waiting = frame;
  }

  pass(): void {}

  end(): void {}

  close(): void {
    this.#isClosed = true;
    this.#waiting = undefined;
  }

  async #decode(frame: ReceivedFrame): Promise<void> {
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

  #show(bitmap: ImageBitmap, number: number, frame: ReceivedFrame): void {
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

/** Shows pixels: there is nothing to decode, so they are converted when they are drawn. */
export class PixelDecoder implements Decoder {
  readonly #format: "raw" | "y4m";
  readonly #picture: PixelPicture;
  readonly #events: DecoderEvents;
  #hasFrames = true;

  constructor(format: "raw" | "y4m", picture: PixelPicture, events: DecoderEvents) {
    this.#format = format;
    this.#picture = picture;
    this.#events = events;
  }

  push(frame: ReceivedFrame): void {
    const { width, height, bytes } = this.#picture;
    const data = pixelsOf(frame.data, this.#format);
    if (data?.length !== bytes) {
      this.#events.onDamaged(
        `A frame has ${data?.length ?? 0} bytes of pixels instead of ${bytes}`,
      );
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

  pass(): void {}

  end(): void {}

  close(): void {}

  #draw(context: CanvasRenderingContext2D, data: Uint8Array<ArrayBuffer>): void {
    const frame = this.#hasFrames ? this.#frameOf(data) : undefined;
    if (frame === undefined) {
      const { width, height } = this.#picture;
      context.putImageData(new ImageData(toRgba(data, this.#picture), width, height), 0, 0);
      return;
    }
    context.drawImage(frame, 0, 0);
    frame.close();
  }

  #frameOf(data: Uint8Array<ArrayBuffer>): VideoFrame | undefined {
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

/**
 * A decoder for frames that stand alone, or a sentence why they cannot be shown; `undefined` for
 * formats coded in time.
 */
export function createPictureDecoder(
  config: StreamConfig,
  events: DecoderEvents,
): Decoder | string | undefined {
  const { format, pixelFormat, width, height } = config;
  const { mediaType } = FORMAT_FACTS[format];
  if (mediaType !== null) return new PictureDecoder(mediaType, events);
  if (format !== "raw" && format !== "y4m" && format !== "lp32") return undefined;
  // Bytes of which nothing is known may be a picture that the browser knows, like WebP.
  if (format === "lp32" || (format === "raw" && pixelFormat === null)) {
    return new PictureDecoder("", events);
  }
  const picture = pixelPicture(config);
  if (picture !== undefined) return new PixelDecoder(format, picture, events);
  if (width === null || height === null) {
    return "The stream does not say how large its pictures are.";
  }
  return `Pictures in the pixel format ${pixelFormat} cannot be shown here.`;
}
