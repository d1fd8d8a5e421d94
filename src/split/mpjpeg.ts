/**
 * JPEG images as parts of a multipart body, as `ffmpeg -f mpjpeg` and network cameras write them.
 *
 * The syntax is that of RFC 2046 section 5.1.1, read with the tolerance that cameras need: lines
 * may end in LF alone, and the boundary is whatever the first line says.
 *
 * @module
 */
import { PatternSearch } from "../bytes/search.ts";
import { bytesOf, hex, latin1 } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import {
  JPEG_END,
  JPEG_IMAGE_START,
  JPEG_START,
  JpegScanner,
  readJpegHead,
  readJpegSize,
} from "./jpeg.ts";
import type { FrameFinder } from "./resync.ts";
import type { SplitFrame, SplitterOptions } from "./splitter.ts";

/** Longest boundary line in bytes; RFC 2046 allows 70 characters. */
export const MAX_BOUNDARY_BYTES = 256;
/** Most bytes in the headers of one part. */
export const MAX_PART_HEADER_BYTES = 8192;
/** Most header lines of one part. */
export const MAX_PART_HEADERS = 64;

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
const DASHES = bytesOf("--");
const HEADER_START = /^[a-z][a-z0-9-]*:/i;

/**
 * Splits a multipart body of JPEG images; a frame is the body of a part.
 *
 * Where it resynchronises, any line that begins with `--` may be the boundary, the first may be
 * absent, and an image is found by itself where its headers are not: its own structure tells its
 * length, unless it ends where Content-length says.
 */
export class MpjpegSplitter implements FrameFinder {
  readonly input: FrameInput;
  readonly #images = new PatternSearch(JPEG_IMAGE_START);
  readonly #scanner = new JpegScanner();
  #state: "boundary" | "headers" | "body" = "boundary";
  /** The boundary with its leading dashes; empty until the first line has been read. */
  #boundary = "";
  #headerBytes = 0;
  #headers = 0;
  /** Size of the part's body, `undefined` where only the image itself tells. */
  #contentLength: number | undefined;
  #config: StreamConfig | undefined;

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#state === "body" ? this.#scanner.passed(this.input) : 0;
  }

  findStart(from: number): number {
    const { bytes, offset } = this.input;
    return findPart(bytes, from, this.#images.find(bytes, { offset, from }));
  }

  restart(): void {
    this.#begin(this.input.bytes[0] === JPEG_START[0] ? "body" : "boundary");
  }

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    for (;;) {
      if (this.#state === "body") return this.#readBody();
      const betweenFrames = this.#state === "boundary" || this.#headerBytes === 0;
      if (betweenFrames && this.input.finished) return undefined;
      const found = this.#state === "boundary" ? this.#readBoundary() : this.#readHeader();
      if (!found) return undefined;
    }
  }

  #readBoundary(): boolean {
    const { input } = this;
    this.#skipLineBreaks();
    if (input.finished) return false;
    if (this.#isAtHeaders()) {
      this.#begin("headers");
      return true;
    }
    const boundary = input.resyncs ? "" : this.#boundary;
    const expected = boundary === ""
      ? "a multipart boundary (a line that begins with --)"
      : `the boundary "${boundary}"`;
    const prefix = boundary === "" ? DASHES : bytesOf(boundary);
    if (!input.startsWith(prefix, expected)) {
      input.lack(expected);
      return false;
    }
    const line = this.#peekLine(MAX_BOUNDARY_BYTES, expected);
    if (line === undefined) return false;
    const text = latin1(line.content).trimEnd();
    if (input.resyncs && text === `${this.#boundary}--`) {
      input.skip(line.lineBytes);
      return true;
    }
    const fits = boundary === "" ? text.length > 2 : text === boundary || text === `${boundary}--`;
    if (!fits) input.fail({ at: 0, expected, found: hex(line.content, 80) });
    if (boundary === "") this.#boundary = text;
    input.skip(line.lineBytes);
    // Behind the closing boundary only another body with the same boundary may follow.
    if (text !== this.#boundary) return true;
    this.#begin("headers");
    return true;
  }

  #begin(state: "boundary" | "headers" | "body"): void {
    this.#state = state;
    this.#headerBytes = 0;
    this.#headers = 0;
    this.#contentLength = undefined;
    this.#scanner.reset();
  }

  /** Whether the first part begins here without a boundary. */
  #isAtHeaders(): boolean {
    const { input } = this;
    if (!input.resyncs || input.framesTaken > 0 || input.bytes[0] === DASH) return false;
    const line = input.bytes.subarray(0, MAX_BOUNDARY_BYTES);
    const end = line.indexOf(LF);
    return end >= 0 && HEADER_START.test(latin1(line.subarray(0, end)));
  }

  #readHeader(): boolean {
    const line = this.#peekLine(MAX_PART_HEADER_BYTES - this.#headerBytes, "a header line");
    if (line === undefined) return false;
    const text = latin1(line.content).trim();
    if (text === "") {
      if (this.#contentLength === 0) {
        this.input.fail({ at: 0, expected: "a JPEG image in the part", found: "an empty part" });
      }
      this.#state = "body";
      if (this.#contentLength !== undefined) {
        this.input.checkFrameBytes(this.#contentLength);
        this.input.expect(this.#contentLength);
      }
    } else {
      this.#keepHeader(text, line.content);
    }
    this.#headerBytes += line.lineBytes;
    this.input.skip(line.lineBytes);
    return true;
  }

  #keepHeader(text: string, line: Uint8Array): void {
    const colon = text.indexOf(":");
    if (colon <= 0) {
      this.input.fail({ at: 0, expected: "a header line (name: value)", found: hex(line) });
    }
    if (++this.#headers > MAX_PART_HEADERS) {
      this.input.fail({
        at: 0,
        expected: `at most ${MAX_PART_HEADERS} headers in a part`,
        found: "one more",
      });
    }
    if (text.slice(0, colon).trimEnd().toLowerCase() !== "content-length") return;
    const value = text.slice(colon + 1).trim();
    const length = Number(value);
    if (this.input.resyncs) {
      this.#contentLength = /^\d{1,15}$/.test(value) ? length : undefined;
      return;
    }
    if (!/^\d+$/.test(value) || length === 0 || !Number.isSafeInteger(length)) {
      this.input.fail({
        at: 0,
        expected: "a number of bytes in Content-length",
        found: `"${value.slice(0, 40)}"`,
      });
    }
    this.#contentLength = length;
  }

  #readBody(): SplitFrame | undefined {
    const { input } = this;
    const announced = this.#contentLength;
    let size;
    let length: number;
    if (announced === undefined || this.#isDoubtful(announced)) {
      const end = this.#scanner.findEnd(input);
      if (end === undefined) {
        input.checkUnfinished(Math.max(input.length, this.#scanner.knownBytes));
        return input.lack("a whole JPEG image (up to ff d9)");
      }
      length = this.#withPadding(end, announced);
      size = this.#scanner.size;
      input.checkFrameBytes(length);
      this.#scanner.reset();
    } else {
      const expected = `a JPEG image (ff d8) of ${announced} bytes`;
      if (!input.startsWith(JPEG_START, expected)) return input.lack(expected);
      if (input.length < announced) return input.lack(expected);
      length = announced;
      size = readJpegSize(input.bytes.subarray(0, length));
    }
    this.#state = "boundary";
    this.#config = pictureConfig(this.#config, "mjpeg", {
      codec: "jpeg",
      width: size?.width ?? null,
      height: size?.height ?? null,
    });
    return { data: input.take(length), kind: "key", ptsUs: null, config: this.#config };
  }

  /** Whether a body of so many bytes does not end as an image does. */
  #isDoubtful(bytes: number): boolean {
    const { input } = this;
    if (!input.resyncs) return false;
    if (input.length < bytes) return input.ended;
    const image = input.bytes.subarray(0, bytes);
    return image.at(-2) !== JPEG_END[0] || image.at(-1) !== JPEG_END[1] ||
      readJpegHead(image)?.hasScan !== true;
  }

  /** The length of an image with what fills its part up to the length that was announced. */
  #withPadding(end: number, announced: number | undefined): number {
    const { bytes } = this.input;
    if (announced === undefined || announced < end || announced > bytes.length) return end;
    const padding = bytes.subarray(end, announced);
    const image = JPEG_IMAGE_START.findStart(padding, 0);
    return findPart(padding, 0, image) === padding.length ? announced : end;
  }

  #skipLineBreaks(): void {
    const bytes = this.input.bytes;
    let count = 0;
    while (bytes[count] === CR || bytes[count] === LF) count++;
    this.input.skip(count);
  }

  /** The line at the start of the unread bytes; `undefined` when it is not all there yet. */
  #peekLine(maxBytes: number, expected: string): Line | undefined {
    const { input } = this;
    const bytes = input.bytes;
    const end = bytes.subarray(0, maxBytes).indexOf(LF);
    if (end >= 0) return { content: bytes.subarray(0, end), lineBytes: end + 1 };
    if (bytes.length >= maxBytes) {
      input.fail({
        at: 0,
        expected: `${expected} of at most ${maxBytes} bytes`,
        found: hex(bytes),
      });
    }
    // The last boundary of an input may lack its line break; nothing else may.
    if (input.ended && this.#state === "boundary") {
      return { content: bytes, lineBytes: bytes.length };
    }
    input.lack(expected);
    return undefined;
  }
}

/**
 * Where the line break in front of a line that begins with `--` stands, at `from` or behind it, or
 * may once more bytes have come; `image` where none does in front of that.
 */
function findPart(bytes: Uint8Array, from: number, image: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0 && at < image; at = bytes.indexOf(LF, at + 1)) {
    if ((bytes[at + 1] ?? DASH) === DASH && (bytes[at + 2] ?? DASH) === DASH) return at;
  }
  return image;
}

/** A line that has been found but not yet taken out of the input. */
interface Line {
  /** The line without its LF. */
  readonly content: Uint8Array;
  /** Bytes of the line with its LF. */
  readonly lineBytes: number;
}
