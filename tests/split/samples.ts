/**
 * Small inputs of every format, made by hand, and a way to split them.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { bytesOf } from "../../src/bytes/text.ts";
import { InputError } from "../../src/errors.ts";
import type { SplitFrame, Splitter } from "../../src/split/splitter.ts";

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Whether these are the same bytes. For large ones: where they differ, `assertEquals` takes memory
 * for the product of their lengths.
 */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

export function uint32(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function uint16(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 8, value);
}

/** `count` bytes that begin with `first` and grow by one. */
export function ramp(count: number, first = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, index) => (first + index) & 0xff);
}

export function jpegSegment(code: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(0xff, code), uint16(payload.length + 2), payload);
}

export const SOI: Uint8Array<ArrayBuffer> = Uint8Array.of(0xff, 0xd8);
export const EOI: Uint8Array<ArrayBuffer> = Uint8Array.of(0xff, 0xd9);

export function frameHeader(width: number, height: number, code = 0xc0): Uint8Array<ArrayBuffer> {
  const size = concat(Uint8Array.of(8), uint16(height), uint16(width));
  return jpegSegment(code, concat(size, Uint8Array.of(1, 1, 0x11, 0)));
}

export function scanHeader(): Uint8Array<ArrayBuffer> {
  return jpegSegment(0xda, Uint8Array.of(1, 1, 0, 0, 0x3f, 0));
}

export interface JpegOptions {
  readonly width?: number;
  readonly height?: number;
  /** Segments in front of the frame header. */
  readonly before?: Uint8Array;
  /** Entropy-coded data, already stuffed, with whatever else follows the scan header. */
  readonly scan?: Uint8Array;
}

/** A JPEG image by its structure; no decoder would find a picture in it. */
export function jpeg(options: JpegOptions = {}): Uint8Array<ArrayBuffer> {
  const { width = 16, height = 8, before = new Uint8Array(0) } = options;
  const scan = options.scan ??
    Uint8Array.of(1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0, 0xff, 0xd7, 5);
  return concat(SOI, before, frameHeader(width, height), scanHeader(), scan, EOI);
}

export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = concat(bytesOf(type), data);
  return concat(uint32(data.length), content, uint32(crc32(content)));
}

export interface PngOptions {
  readonly width?: number;
  readonly height?: number;
  /** Chunks between the header and the end. */
  readonly chunks?: Uint8Array;
}

export const PNG_START: Uint8Array<ArrayBuffer> = bytesOf("\x89PNG\r\n\x1a\n");

export function png(options: PngOptions = {}): Uint8Array<ArrayBuffer> {
  const { width = 16, height = 8, chunks = pngChunk("IDAT", bytesOf("some IEND data")) } = options;
  const header = concat(uint32(width), uint32(height), Uint8Array.of(8, 2, 0, 0, 0));
  return concat(
    PNG_START,
    pngChunk("IHDR", header),
    chunks,
    pngChunk("IEND", new Uint8Array(0)),
  );
}

/** What came out of a splitter, and the error that ended it. */
export interface SplitResult {
  readonly frames: readonly SplitFrame[];
  readonly error: InputError | undefined;
}

/** Pushes every chunk, takes all frames after each, then ends the input. */
export function split(splitter: Splitter, chunks: Iterable<Uint8Array>): SplitResult {
  const frames: SplitFrame[] = [];
  function drain(): void {
    for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
      frames.push(frame);
    }
  }
  try {
    for (const chunk of chunks) {
      const reused = chunk.slice();
      splitter.push(reused);
      reused.fill(0xee);
      drain();
    }
    splitter.end();
    drain();
    return { frames, error: undefined };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { frames, error };
  }
}

/** The error that splitting `chunks` ends with. */
export function errorOf(splitter: Splitter, ...chunks: Uint8Array[]): InputError {
  const { error } = split(splitter, chunks);
  if (error === undefined) throw new Error("Cannot read the error: the input was split");
  return error;
}

/** How many bytes a splitter takes in, `start` and then `filler` without end, until it refuses. */
export function bytesUntilError(splitter: Splitter, start: Uint8Array, filler: Uint8Array): number {
  function* chunks(): Generator<Uint8Array> {
    for (let chunk = start; pushed < 100_000; chunk = filler) {
      pushed += chunk.length;
      yield chunk;
    }
  }
  let pushed = 0;
  const { error } = split(splitter, chunks());
  if (error === undefined || pushed >= 100_000) throw new Error("Cannot find a limit");
  return pushed;
}

/** `bytes` cut at the given offsets. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const cuts = [0, ...offsets.toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}
