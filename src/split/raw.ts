/**
 * Frames of one fixed size, as `ffmpeg -f rawvideo` writes them.
 *
 * @module
 */
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { layoutOf, pictureBytes } from "../core/pixel_format.ts";
import { StreamError } from "../errors.ts";
import { FrameInput } from "./frame_input.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";

/** The size of a frame as a number of bytes; nothing is known of the picture. */
export interface RawFrameSize {
  /** Size of a frame in bytes. */
  readonly frameBytes: number;
}

/** The size of a frame as that of a picture without padding. */
export interface RawPictureSize {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Pixel format under its ffmpeg name. */
  readonly pixelFormat: string;
}

/** Options of a {@linkcode RawSplitter}. */
export type RawSplitterOptions = SplitterOptions & (RawFrameSize | RawPictureSize);

/** Splits an input into frames of one fixed size. */
export class RawSplitter implements Splitter {
  readonly #input: FrameInput;
  readonly #frameBytes: number;
  readonly #config: StreamConfig;

  /** @throws {StreamError} `usage` when the options make no frame size. */
  constructor(options: RawSplitterOptions) {
    this.#input = new FrameInput(options);
    this.#frameBytes = frameBytesOf(options);
    const picture = "frameBytes" in options ? {} : {
      width: options.width,
      height: options.height,
      pixelFormat: options.pixelFormat,
    };
    this.#config = bareConfig("raw", { codec: "raw", ...picture });
    // A frame over the limit is refused by next(); no memory is set aside for it.
    if (this.#frameBytes <= options.maxFrameBytes) this.#input.expect(this.#frameBytes);
  }

  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  end(): void {
    this.#input.end();
  }

  next(): SplitFrame | undefined {
    const input = this.#input;
    if (input.finished) return undefined;
    input.checkFrameBytes(this.#frameBytes);
    if (input.length < this.#frameBytes) {
      const advice = "check that the size and the pixel format are those of the input";
      return input.lack(`a frame of ${this.#frameBytes} bytes`, { advice });
    }
    return {
      data: input.take(this.#frameBytes),
      kind: "key",
      ptsUs: null,
      config: this.#config,
    };
  }
}

function frameBytesOf(options: RawSplitterOptions): number {
  if ("frameBytes" in options) return checkedSize(options.frameBytes, "frame size in bytes");
  const layout = layoutOf(options.pixelFormat);
  if (layout === undefined) {
    throw new StreamError(
      "usage",
      `Cannot split raw frames: unknown pixel format "${options.pixelFormat}"`,
    );
  }
  return pictureBytes(
    layout,
    checkedSize(options.width, "width"),
    checkedSize(options.height, "height"),
  );
}

function checkedSize(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new StreamError("usage", `Cannot split raw frames: the ${name} is ${value}`);
}
