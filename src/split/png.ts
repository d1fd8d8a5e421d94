/**
 * PNG images one after another, as `ffmpeg -f image2pipe -c:v png` writes them.
 *
 * @module
 */
import { crc32 } from "../bytes/crc32.ts";
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
const PLTE = 0x504c5445;
const IDAT = 0x49444154;
const IEND = 0x49454e44;
/** The checksum of an empty IEND chunk. */
const IEND_CHECKSUM = 0xae426082;
const IHDR_DATA_BYTES = 13;
/** Length and type before a chunk's data, and the checksum behind it. */
const CHUNK_HEADER_BYTES = 8;
const CHUNK_EXTRA_BYTES = 12;
const MAX_CHUNK_DATA_BYTES = 2 ** 31 - 1;
/** Chunks of another image that are looked at within a chunk. */
const MAX_SWALLOWED_CHUNKS = 64;

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
  /** Its type, 0 before the first. */
  #chunkType = 0;
  /** Whether a chunk with picture data was passed. */
  #hasData = false;
  /** Length of the image that was left out for a checksum, which is searched no further. */
  #spoiledBytes: number | undefined;
  #config: StreamConfig | undefined;

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  /** A chunk may have swallowed the next image, unless another stands behind it. */
  get passed(): number {
    if (this.#spoiledBytes !== undefined) return this.#spoiledBytes;
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
    this.#chunkType = 0;
    this.#hasData = false;
    this.#spoiledBytes = undefined;
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
    this.#checkSums(input.bytes, length);
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
      // Two bytes of data tell the beginning of picture data.
      if (type === IDAT && at + CHUNK_HEADER_BYTES + 2 > bytes.length) return undefined;
      this.#checkChunk(bytes, dataBytes, type);
      if (this.#chunk !== undefined) this.#checkSwallowed(bytes, type);
      const end = at + CHUNK_EXTRA_BYTES + dataBytes;
      if (type === IEND) {
        if (end > bytes.length) return undefined;
        this.#checkEnd(bytes, end);
        return end;
      }
      if (type === IHDR) {
        if (end > bytes.length) return undefined;
        this.#checkSize(bytes);
      }
      if (end > input.maxFrameBytes) input.checkUnfinished(end);
      this.#hasData ||= type === IDAT;
      this.#position = end;
      this.#chunk = at + CHUNK_HEADER_BYTES;
      this.#chunkType = type;
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
    } else if (type === IEND && !this.#hasData) {
      expected = "an IDAT chunk before IEND";
    } else if (dataBytes > MAX_CHUNK_DATA_BYTES || !isChunkType(bytes, at + 4, type)) {
      expected = "a PNG chunk (its length, then its type of four letters)";
    }
    if (expected === undefined) return;
    const found = hex(bytes.subarray(at, at + CHUNK_HEADER_BYTES));
    this.input.fail({ at, expected, found });
  }

  /**
   * Fails where the chunk that was passed was cut off, and the next image's start completes it. To
   * spare the search, picture data within others is believed.
   */
  #checkSwallowed(bytes: Uint8Array, type: number): void {
    const at = this.#position;
    const isWithinData = type === IDAT && this.#chunkType === IDAT;
    if (isWithinData && !beginsZlib(bytes, at + CHUNK_HEADER_BYTES)) return;
    const content = bytes.subarray(0, at);
    let start = IMAGE_START.find(content, this.#chunk);
    while (start >= 0 && !endsWithChunks(content, start)) {
      start = IMAGE_START.find(content, start + 1);
    }
    if (start < 0) return;
    this.input.fail({
      at: start,
      expected: "the rest of a PNG chunk",
      found: hex(bytes.subarray(start)),
    });
  }

  /** Fails where the checksum at the end was cut off, and the next image's start completes it. */
  #checkEnd(bytes: Uint8Array, end: number): void {
    if (uint32(bytes, end - 4) === IEND_CHECKSUM) return;
    const start = IMAGE_START.findStart(bytes.subarray(0, end), end - 4);
    if (start === end) return;
    const found = hex(bytes.subarray(start, end));
    this.input.fail({ at: start, expected: "the rest of the checksum of IEND", found });
  }

  /** Fails where a chunk that every decoder needs is not what was written: PNG 5.3, 13.1. */
  #checkSums(bytes: Uint8Array, length: number): void {
    for (let at = PNG_SIGNATURE.length; at < length;) {
      const sumAt = at + CHUNK_HEADER_BYTES + uint32(bytes, at);
      const isNeeded = !isSmall(bytes[at + 4]!);
      const sum = isNeeded ? crc32(bytes.subarray(at + 4, sumAt)) : 0;
      if (isNeeded && sum !== uint32(bytes, sumAt)) {
        this.#spoiledBytes = length;
        const expected = `the checksum ${sum.toString(16).padStart(8, "0")} of a PNG chunk`;
        const found = hex(bytes.subarray(sumAt, sumAt + 4));
        this.input.fail({ at: sumAt, expected, found });
      }
      at = sumAt + 4;
    }
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

/** Whether the chunks of the image at `start` end where `bytes` do, before its own end. */
function endsWithChunks(bytes: Uint8Array, start: number): boolean {
  let at = start + PNG_SIGNATURE.length;
  for (let count = 0; count < MAX_SWALLOWED_CHUNKS && at + 8 <= bytes.length; count++) {
    if (uint32(bytes, at + 4) === IEND) return false;
    at += CHUNK_EXTRA_BYTES + uint32(bytes, at);
  }
  return at === bytes.length;
}

/** Whether a zlib stream may begin there, whose window PNG limits: RFC 1950 2.2, PNG 10.1. */
function beginsZlib(bytes: Uint8Array, at: number): boolean {
  const [cmf, flags] = [bytes[at]!, bytes[at + 1]!];
  return (cmf & 0x0f) === 8 && cmf >> 4 <= 7 && ((cmf << 8) | flags) % 31 === 0;
}

/**
 * Whether a chunk's type may stand at `at`: four letters, of which the third is a capital, and so
 * may the first be only in the types that every decoder knows: PNG 5.4.
 */
function isChunkType(bytes: Uint8Array, at: number, type: number): boolean {
  for (let index = at; index < at + 4; index++) {
    const letter = bytes[index]! & ~0x20;
    if (letter < 0x41 || letter > 0x5a) return false;
  }
  if (isSmall(bytes[at + 2]!)) return false;
  return isSmall(bytes[at]!) || [IHDR, PLTE, IDAT, IEND].includes(type);
}

/** Whether a letter is a small one. */
function isSmall(letter: number): boolean {
  return (letter & 0x20) !== 0;
}

/** Big endian. */
function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}
