/**
 * The splitter for a format that is named, or found from the first bytes.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { detectFormat, unknownInput } from "./detect.ts";
import { type Detected, DetectingSplitter } from "./detecting_splitter.ts";
import { FormatSearch } from "./format_search.ts";
import { FORMATS, type InputFormat, type SelfDelimitingFormat } from "./formats.ts";
import { RawSplitter, type RawSplitterOptions } from "./raw.ts";
import { MIN_SEARCH_BYTES } from "./resync.ts";
import type { Splitter, SplitterOptions } from "./splitter.ts";

export type { SelfDelimitingFormat };

/** Options of {@linkcode createSplitter}; `format` says which. */
export type CreateSplitterOptions =
  | (SplitterOptions & { readonly format: SelfDelimitingFormat | "auto" })
  | (RawSplitterOptions & { readonly format: "raw" });

/** A splitter of the format that the options name. */
export function createSplitter(options: CreateSplitterOptions): Splitter {
  switch (options.format) {
    case "raw":
      return new RawSplitter(options);
    case "auto":
      return createAutoSplitter(options);
    default:
      return FORMATS[options.format].split(options);
  }
}

/**
 * A splitter that finds the format from the first bytes; its `next` throws an `InputError` when
 * they are of no format that has a signature. Where it resynchronises, the first frame may begin
 * behind other bytes, {@linkcode MIN_SEARCH_BYTES} of them at most.
 */
export function createAutoSplitter(options: SplitterOptions): Splitter {
  const detection = new FormatDetection(options);
  return new DetectingSplitter((bytes, { isEnded }) => detection.detect(bytes, isEnded));
}

/** Finds the format of one input. */
class FormatDetection {
  readonly #options: SplitterOptions;
  readonly #search = new FormatSearch();
  /** Whether the first bytes are of no format, so that a frame is looked for behind them. */
  #isSearched = false;

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  /** The splitter for an input that begins with `bytes`; `undefined` where more must come. */
  detect(bytes: Uint8Array, isEnded: boolean): Detected | undefined {
    const format = this.#findFormat(bytes, isEnded);
    if (format === undefined) return undefined;
    // A format that is detected has a signature, which raw frames have not.
    if (format === "raw") throw new TypeError("Cannot detect raw frames");
    return { splitter: createSplitter({ ...this.#options, format }) };
  }

  #findFormat(bytes: Uint8Array, isEnded: boolean): InputFormat | undefined {
    if (!this.#isSearched) {
      try {
        return detectFormat(bytes, isEnded);
      } catch (error) {
        const isUnknown = error instanceof InputError && error.fault.isUnknown === true;
        if (!isUnknown || !this.#maySearch(bytes)) throw error;
        this.#isSearched = true;
      }
    }
    const found = this.#search.next(bytes);
    const isRefused = found !== undefined && this.#options.resyncs !== true &&
      found !== "h264" && found !== "hevc";
    if (isRefused || (found === undefined && (isEnded || bytes.length > MIN_SEARCH_BYTES))) {
      throw unknownInput(bytes);
    }
    return found;
  }

  /** Whether a frame may begin behind `bytes`: always behind zeros in front of a start code. */
  #maySearch(bytes: Uint8Array): boolean {
    return this.#options.resyncs === true || (bytes[0] === 0 && bytes[1] === 0);
  }
}
