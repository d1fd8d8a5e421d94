/**
 * JPEG images one after another, as `ffmpeg -f mjpeg` writes them.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import { JpegScanner } from "./jpeg.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";

/** Splits a run of JPEG images; a frame is an image from SOI to EOI (ITU-T T.81 B.2.1). */
export class MjpegSplitter implements Splitter {
  readonly #input: FrameInput;
  readonly #scanner = new JpegScanner();
  #config: StreamConfig | undefined;

  constructor(options: SplitterOptions) {
    this.#input = new FrameInput(options);
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
