/**
 * JPEG images one after another, as `ffmpeg -f mjpeg` writes them.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import { JPEG_IMAGE_START, JpegScanner } from "./jpeg.ts";
import type { FrameFinder } from "./resync.ts";
import type { SplitFrame, SplitterOptions } from "./splitter.ts";

/** Splits a run of JPEG images; a frame is an image from SOI to EOI (ITU-T T.81 B.2.1). */
export class MjpegSplitter implements FrameFinder {
  readonly input: FrameInput;
  readonly #scanner = new JpegScanner();
  #config: StreamConfig | undefined;

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#scanner.passed(this.input);
  }

  findStart(from: number): number {
    return JPEG_IMAGE_START.findStart(this.input.bytes, from);
  }

  restart(): void {
    this.#scanner.reset();
  }

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    const { input } = this;
    if (input.finished) return undefined;
    const length = this.#scanner.findEnd(input);
    if (length === undefined) {
      input.checkUnfinished(Math.max(input.length, this.#scanner.knownBytes));
      return input.lack("a whole JPEG image (up to ff d9)");
    }
    input.checkFrameBytes(length);
    this.#config = pictureConfig(this.#config, "mjpeg", { codec: "jpeg", ...this.#scanner.size });
    this.#scanner.reset();
    return { data: input.take(length), kind: "key", ptsUs: null, config: this.#config };
  }
}
