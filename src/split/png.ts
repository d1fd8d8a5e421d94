/**
 * PNG images one after another, as `ffmpeg -f image2pipe -c:v png` writes them.
 *
 * @module
 */
import { BytePattern } from "../bytes/search.ts";
import { bytesOf, hasBytesAt, hex } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import type { FrameFinder } from "./resync.ts";
import type { SplitFrame, SplitterOptions } from "./splitter.ts";

/** The first eight bytes of every PNG image: PNG (third edition) 5.2. */
export const PNG_SIGNATURE: Uint8Array<ArrayBuffer> = bytesOf("\x89PNG\r\n\x1a\n");

const IMAGE_START = new BytePattern(PNG_SIGNATURE);
const IHDR = 0x49484452;
const IEND = 0x49454e44;
const IHDR_DATA_BYTES = 13;
/** Length and type before a chunk's data, and the checksum behind it. */
const CHUNK_HEADER_BYTES = 8;
const CHUNK_EXTRA_BYTES = 12;
const MAX_CHUNK_DATA_BYTES = 2 ** 31 - 1;

/** Picture size in pixels. */
export interface PngSize {
  readonly width: number;
  readonly height: number;
}

/** Splits a run of PNG images; a frame is an image from its signature to the end of IEND. */
export class PngSplitter implements FrameFinder {
  readonly input: FrameInput;
  #position = PNG_SIGNATURE.length;
  /** Begin of the data of the chunk that was passed last. */
  #chunk: number | undefined;
  #config: StreamConfig | undefined;

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  /** A chunk may have swallowed the next image, unless another stands behind it. */
  get passed(): number {
    this.restart();
    this.#position = 0;
    // A fault beyond the limit is not seen where the input comes byte by byte.
    this.input.succeeds(() => this.#findEnd(this.input.limitedBytes));
    return this.#chunk ?? this.#position;
  }

  findStart(from: number): number {
    return IMAGE_START.findStart(this.input.bytes, from);
  }

  restart(): void {
    this.#position = PNG_SIGNATURE.length;
    this.#chunk = undefined;
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
    const length = this.#findEnd(input.bytes);
    if (length === undefined) {
      input.checkUnfinished(Math.max(input.length, this.#position));
      return input.lack("a whole PNG image (up to its IEND chunk)");
    }
    input.checkFrameBytes(length);
    this.#config = pictureConfig(this.#config, "png", {
      codec: "png",
      ...sizeInImageHeader(input.bytes),
    });
    this.restart();
    return { data: input.take(length), kind: "key", ptsUs: null, config: this.#config };
  }

  /** The length of the image, or `undefined` when its end has not come yet: PNG 5.3. */
  #findEnd(bytes: Uint8Array): number | undefined {
    const { input } = this;
    if (!input.startsWith(PNG_SIGNATURE, "a PNG image (89 50 4e 47 0d 0a 1a 0a)")) return undefined;
    if (this.#position === 0) this.#position = PNG_SIGNATURE.length;
    while (this.#position + CHUNK_HEADER_BYTES <= bytes.length) {
      const at = this.#position;
      const dataBytes = uint32(bytes, at);
      const type = uint32(bytes, at + 4);
      this.#checkChunk(bytes, dataBytes, type);
      const end = at + CHUNK_EXTRA_BYTES + dataBytes;
      if (type === IEND) return end <= bytes.length ? end : undefined;
      if (type === IHDR) {
        if (end > bytes.length) return undefined;
        this.#checkSize(bytes);
      }
      this.#position = end;
      this.#chunk = at + CHUNK_HEADER_BYTES;
    }
    return undefined;
  }

  #checkChunk(bytes: Uint8Array, dataBytes: number, type: number): void {
    const at = this.#position;
    const isFirst = at === PNG_SIGNATURE.length;
    let expected: string | undefined;
    if (isFirst && (type !== IHDR || dataBytes !== IHDR_DATA_BYTES)) {
      expected = "an IHDR chunk of 13 bytes";
    } else if (!isFirst && type === IHDR) {
      expected = "one IHDR chunk in an image";
    } else if (type === IEND && dataBytes !== 0) {
      expected = "an empty IEND chunk";
    } else if (dataBytes > MAX_CHUNK_DATA_BYTES || !isChunkType(bytes, at + 4)) {
      expected = "a PNG chunk (its length, then its type of four letters)";
    }
    if (expected === undefined) return;
    const found = hex(bytes.subarray(at, at + CHUNK_HEADER_BYTES));
    this.input.fail({ at, expected, found });
  }

  #checkSize(bytes: Uint8Array): void {
    const { width, height } = sizeInImageHeader(bytes);
    if (width > 0 && height > 0) return;
    this.input.fail({
      at: this.#position + CHUNK_HEADER_BYTES,
      expected: "a width and a height above 0",
      found: `${width}x${height}`,
    });
  }
}

/** The size in the header of a PNG image; `undefined` when it is no PNG image. */
export function readPngSize(bytes: Uint8Array): PngSize | undefined {
  const headerBytes = PNG_SIGNATURE.length + CHUNK_HEADER_BYTES + IHDR_DATA_BYTES;
  if (bytes.length < headerBytes || !hasBytesAt(bytes, 0, PNG_SIGNATURE)) return undefined;
  if (uint32(bytes, PNG_SIGNATURE.length + 4) !== IHDR) return undefined;
  return sizeInImageHeader(bytes);
}

/** Width and height of the IHDR chunk that follows the signature: PNG 11.2.1. */
function sizeInImageHeader(bytes: Uint8Array): PngSize {
  const at = PNG_SIGNATURE.length + CHUNK_HEADER_BYTES;
  return { width: uint32(bytes, at), height: uint32(bytes, at + 4) };
}

function isChunkType(bytes: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 4; index++) {
    const letter = bytes[index]! & ~0x20;
    if (letter < 0x41 || letter > 0x5a) return false;
  }
  return true;
}

/** Big endian. */
function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}
