/**
 * Frames behind their length, as websocat's `lengthprefixed:` reads and writes them.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import { sniffPicture } from "./sniff.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";

const PREFIX_BYTES = 4;

/** Splits messages that follow their length, 32 bits big endian; a frame is without its length. */
export class Lp32Splitter implements Splitter {
  readonly #input: FrameInput;
  /** Length of the frame whose prefix has been read. */
  #length: number | undefined;
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
    if (this.#length === undefined) {
      if (input.finished) return undefined;
      if (input.length < PREFIX_BYTES) return input.lack("a frame length of 4 bytes");
      this.#length = this.#readLength();
    }
    const length = this.#length;
    if (input.length < length) return input.lack(`a frame of ${length} bytes`);
    this.#length = undefined;
    this.#config = pictureConfig(
      this.#config,
      "lp32",
      sniffPicture(input.bytes.subarray(0, length)),
    );
    return { data: input.take(length), kind: "key", ptsUs: null, config: this.#config };
  }

  #readLength(): number {
    const input = this.#input;
    const { buffer, byteOffset } = input.bytes;
    const length = new DataView(buffer, byteOffset, PREFIX_BYTES).getUint32(0);
    if (length === 0) {
      input.fail({ at: 0, expected: "a frame length above 0", found: "0" });
    }
    input.checkFrameBytes(length);
    input.expect(length);
    input.skip(PREFIX_BYTES);
    return length;
  }
}
