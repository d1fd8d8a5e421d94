/**
 * The splitter for a format that is named, or found from the first bytes.
 *
 * @module
 */
import { detectFormat } from "./detect.ts";
import type { InputFormat } from "./format.ts";
import { H264Splitter } from "./h264.ts";
import { HevcSplitter } from "./hevc.ts";
import { IvfSplitter } from "./ivf.ts";
import { Lp32Splitter } from "./lp32.ts";
import { MjpegSplitter } from "./mjpeg.ts";
import { MpjpegSplitter } from "./mpjpeg.ts";
import { PngSplitter } from "./png.ts";
import { RawSplitter, type RawSplitterOptions } from "./raw.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";
import { Y4mSplitter } from "./y4m.ts";

/** Formats whose frames tell their own size. */
export type SelfDelimitingFormat = Exclude<InputFormat, "raw">;

/** Options of {@linkcode createSplitter}; `format` says which. */
export type CreateSplitterOptions =
  | (SplitterOptions & { readonly format: SelfDelimitingFormat | "auto" })
  | (RawSplitterOptions & { readonly format: "raw" });

const SPLITTERS: Readonly<
  Record<SelfDelimitingFormat, new (options: SplitterOptions) => Splitter>
> = {
  mjpeg: MjpegSplitter,
  mpjpeg: MpjpegSplitter,
  png: PngSplitter,
  y4m: Y4mSplitter,
  h264: H264Splitter,
  hevc: HevcSplitter,
  ivf: IvfSplitter,
  lp32: Lp32Splitter,
};

/** A splitter of the format that the options name. */
export function createSplitter(options: CreateSplitterOptions): Splitter {
  switch (options.format) {
    case "raw":
      return new RawSplitter(options);
    case "auto":
      return createAutoSplitter(options);
    default:
      return new SPLITTERS[options.format](options);
  }
}

/**
 * A splitter that finds the format from the first bytes; its `next` throws an `InputError` when
 * they are of no format that has a signature.
 */
export function createAutoSplitter(options: SplitterOptions): Splitter {
  return new AutoSplitter(options);
}

class AutoSplitter implements Splitter {
  readonly #options: SplitterOptions;
  #splitter: Splitter | undefined;
  #firstBytes = new Uint8Array(0);
  #ended = false;

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  get damaged(): number {
    return this.#splitter?.damaged ?? 0;
  }

  push(chunk: Uint8Array): void {
    if (this.#splitter !== undefined) return this.#splitter.push(chunk);
    if (this.#ended) throw new TypeError("Cannot push bytes: the input has ended");
    const joined = new Uint8Array(this.#firstBytes.length + chunk.length);
    joined.set(this.#firstBytes);
    joined.set(chunk, this.#firstBytes.length);
    this.#firstBytes = joined;
  }

  end(): void {
    this.#ended = true;
    this.#splitter?.end();
  }

  idle(): void {
    this.#splitter?.idle?.();
  }

  next(): SplitFrame | undefined {
    this.#splitter ??= this.#detect();
    return this.#splitter?.next();
  }

  #detect(): Splitter | undefined {
    const format = detectFormat(this.#firstBytes, this.#ended);
    if (format === undefined) return undefined;
    // A format that is detected has a signature, which raw frames have not.
    if (format === "raw") throw new TypeError("Cannot detect raw frames");
    const splitter = createSplitter({ ...this.#options, format });
    splitter.push(this.#firstBytes);
    this.#firstBytes = new Uint8Array(0);
    if (this.#ended) splitter.end();
    return splitter;
  }
}
