/**
 * JPEG images as parts of a multipart body, as `ffmpeg -f mpjpeg` and network cameras write them.
 *
 * The syntax is that of RFC 2046 section 5.1.1, read with the tolerance that cameras need: lines
 * may end in LF alone, and the boundary is whatever the first line says.
 *
 * @module
 */
import { bytesOf, hex, latin1 } from "../bytes/text.ts";
import type { StreamConfig } from "../core/frame.ts";
import { pictureConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import { JPEG_START, JpegScanner, readJpegSize } from "./jpeg.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";

/** Longest boundary line in bytes; RFC 2046 allows 70 characters. */
export const MAX_BOUNDARY_BYTES = 256;
/** Most bytes in the headers of one part. */
export const MAX_PART_HEADER_BYTES = 8192;
/** Most header lines of one part. */
export const MAX_PART_HEADERS = 64;

const LF = 0x0a;
const CR = 0x0d;
const DASHES = bytesOf("--");

/** Splits a multipart body of JPEG images; a frame is the body of a part. */
export class MpjpegSplitter implements Splitter {
  readonly #input: FrameInput;
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
    this.#input = new FrameInput(options);
  }

  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  end(): void {
    this.#input.end();
  }

  next(): SplitFrame | undefined {
    for (;;) {
      if (this.#state === "body") return this.#readBody();
      const betweenFrames = this.#state === "boundary" || this.#headerBytes === 0;
      if (betweenFrames && this.#input.finished) return undefined;
      const found = this.#state === "boundary" ? this.#readBoundary() : this.#readHeader();
      if (!found) return undefined;
    }
  }

  #readBoundary(): boolean {
    const input = this.#input;
    this.#skipLineBreaks();
    if (input.finished) return false;
    const boundary = this.#boundary;
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
    const fits = boundary === "" ? text.length > 2 : text === boundary || text === `${boundary}--`;
    if (!fits) input.fail({ at: 0, expected, found: hex(line.content, 80) });
    if (boundary === "") this.#boundary = text;
    input.skip(line.lineBytes);
    // Behind the closing boundary only another body with the same boundary may follow.
    if (text !== this.#boundary) return true;
    this.#state = "headers";
    this.#headerBytes = 0;
    this.#headers = 0;
    this.#contentLength = undefined;
    return true;
  }

  #readHeader(): boolean {
    const line = this.#peekLine(MAX_PART_HEADER_BYTES - this.#headerBytes, "a header line");
    if (line === undefined) return false;
    const text = latin1(line.content).trim();
    if (text === "") {
      this.#state = "body";
      if (this.#contentLength !== undefined) {
        this.#input.checkFrameBytes(this.#contentLength);
        this.#input.expect(this.#contentLength);
      }
    } else {
      this.#keepHeader(text, line.content);
    }
    this.#headerBytes += line.lineBytes;
    this.#input.skip(line.lineBytes);
    return true;
  }

  #keepHeader(text: string, line: Uint8Array): void {
    const colon = text.indexOf(":");
    if (colon <= 0) {
      this.#input.fail({ at: 0, expected: "a header line (name: value)", found: hex(line) });
    }
    if (++this.#headers > MAX_PART_HEADERS) {
      this.#input.fail({
        at: 0,
        expected: `at most ${MAX_PART_HEADERS} headers in a part`,
        found: "one more",
      });
    }
    if (text.slice(0, colon).trimEnd().toLowerCase() !== "content-length") return;
    const value = text.slice(colon + 1).trim();
    const length = Number(value);
    if (!/^\d+$/.test(value) || length === 0 || !Number.isSafeInteger(length)) {
      this.#input.fail({
        at: 0,
        expected: "a number of bytes in Content-length",
        found: `"${value.slice(0, 40)}"`,
      });
    }
    this.#contentLength = length;
  }

  #readBody(): SplitFrame | undefined {
    const input = this.#input;
    const announced = this.#contentLength;
    let size;
    let length: number;
    if (announced === undefined) {
      const end = this.#scanner.findEnd(input);
      if (end === undefined) {
        input.checkUnfinished(Math.max(input.length, this.#scanner.knownBytes));
        return input.lack("a whole JPEG image (up to ff d9)");
      }
      length = end;
      size = this.#scanner.size;
      this.#scanner.reset();
      input.checkFrameBytes(length);
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

  #skipLineBreaks(): void {
    const bytes = this.#input.bytes;
    let count = 0;
    while (bytes[count] === CR || bytes[count] === LF) count++;
    this.#input.skip(count);
  }

  /** The line at the start of the unread bytes; `undefined` when it is not all there yet. */
  #peekLine(maxBytes: number, expected: string): Line | undefined {
    const input = this.#input;
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

/** A line that has been found but not yet taken out of the input. */
interface Line {
  /** The line without its LF. */
  readonly content: Uint8Array;
  /** Bytes of the line with its LF. */
  readonly lineBytes: number;
}
