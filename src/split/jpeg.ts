/**
 * The structure of JPEG images: marker segments and where an image ends.
 *
 * Markers and their codes are those of ITU-T T.81 (1992), Table B.1.
 *
 * @module
 */
import { BytePattern } from "../bytes/search.ts";
import { hex } from "../bytes/text.ts";
import type { FrameInput } from "./frame_input.ts";

/** The first bytes of every JPEG image: SOI, T.81 B.2.1. */
export const JPEG_START: Uint8Array<ArrayBuffer> = Uint8Array.of(0xff, 0xd8);

/** The last bytes of every JPEG image: EOI. */
export const JPEG_END: Uint8Array<ArrayBuffer> = Uint8Array.of(0xff, 0xd9);

/** SOI and the first byte of the marker behind it. */
export const JPEG_IMAGE_START: BytePattern = new BytePattern(Uint8Array.of(0xff, 0xd8, 0xff));

const JPEG_START_PATTERN = new BytePattern(JPEG_START);

const TEM = 0x01;
const RES_FIRST = 0x02;
const RES_LAST = 0xbf;
const SOF0 = 0xc0;
const SOF15 = 0xcf;
const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const RST0 = 0xd0;
const RST7 = 0xd7;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** Length of the longest scan header, with four components: T.81 B.2.3. */
const MAX_SCAN_HEADER_BYTES = 14;

/** Segments that {@linkcode readJpegHead} looks at: an image has few before its scan. */
const MAX_HEADER_SEGMENTS = 256;

/** Segments of another image that are looked at within one: few stand before its scan. */
const MAX_SWALLOWED_SEGMENTS = 64;

/** Picture size in pixels; a height of 0 in the frame header (it is in a DNL segment) is `null`. */
export interface JpegSize {
  readonly width: number | null;
  readonly height: number | null;
}

const UNKNOWN_SIZE: JpegSize = { width: null, height: null };

/**
 * Finds the end of a JPEG image that begins at the first byte of a run of bytes that grows.
 *
 * Segments are passed by their length, so an image within one (the thumbnail in EXIF) is not seen.
 * No byte is looked at twice.
 */
export class JpegScanner {
  #position = JPEG_START.length;
  #inEntropyCodedData = false;
  /** Begin of the content of the segment that was passed last, while no marker is known behind it. */
  #segment: number | undefined;
  /** Whether the segment that was passed last is still to be looked at. */
  #isSegmentNew = false;
  /** The code of the last frame header; `undefined` before the first. */
  #frameCode: number | undefined;
  #hasScan = false;
  /** Where the entropy-coded data of the scan begins that is passed at the moment. */
  #scan = 0;
  #size = UNKNOWN_SIZE;

  /** Size of the picture, as far as it has been read. */
  get size(): JpegSize {
    return this.#size;
  }

  /** Bytes that the image is known to have at least. */
  get knownBytes(): number {
    return this.#position;
  }

  /** Gets ready for the next image. */
  reset(): void {
    this.#position = JPEG_START.length;
    this.#inEntropyCodedData = false;
    this.#segment = undefined;
    this.#isSegmentNew = false;
    this.#frameCode = undefined;
    this.#hasScan = false;
    this.#size = UNKNOWN_SIZE;
  }

  /**
   * The number of unread bytes within which no image begins but the one at the first, of which no
   * end was found; gets ready for another. A segment may have swallowed the next image, unless
   * another marker stands behind it.
   */
  passed(input: FrameInput): number {
    this.reset();
    this.#position = 0;
    // A fault beyond the limit is not seen where the input comes byte by byte.
    input.succeeds(() => this.findEnd(input, input.limitedBytes));
    const passed = this.#segment ?? this.#position;
    this.reset();
    return passed;
  }

  /**
   * The length in bytes of the image that begins at the first unread byte of `input`, or
   * `undefined` when its end has not come yet.
   *
   * @throws {InputError} when the bytes are not those of a JPEG image.
   */
  findEnd(input: FrameInput, bytes: Uint8Array = input.bytes): number | undefined {
    if (!input.startsWith(JPEG_START, "a JPEG image (ff d8)")) return undefined;
    if (this.#position === 0) this.#position = JPEG_START.length;
    for (;;) {
      if (this.#inEntropyCodedData && !this.#passEntropyCodedData(bytes, input)) return undefined;
      const code = this.#readMarkerCode(bytes, input);
      if (code === undefined) return undefined;
      if (code === EOI) {
        if (!this.#hasScan) this.#fail(input, "a scan in the JPEG image (ff da)", hex(JPEG_END));
        return this.#position + 2;
      }
      if (isStandalone(code)) {
        this.#position += 2;
      } else if (!this.#passSegment(bytes, code, input)) {
        return undefined;
      }
    }
  }

  /** Moves to the marker that ends the entropy-coded segment, T.81 B.1.1.5; false if not there. */
  #passEntropyCodedData(bytes: Uint8Array, input: FrameInput): boolean {
    let at = this.#position;
    for (;;) {
      at = bytes.indexOf(0xff, at);
      if (at < 0 || at + 1 >= bytes.length) {
        this.#position = at < 0 ? Math.max(this.#position, bytes.length) : at;
        if (this.#position > this.#scan) this.#segment = undefined;
        return false;
      }
      const code = bytes[at + 1]!;
      if (code === 0xff) {
        at += 1;
      } else if (code === 0x00 || (code >= RST0 && code <= RST7)) {
        at += 2;
      } else {
        if (at === this.#scan && !isArithmetic(this.#frameCode)) {
          this.#position = at;
          this.#fail(input, "the data of a JPEG scan", hex(bytes.subarray(at)));
        }
        this.#position = at;
        this.#inEntropyCodedData = false;
        this.#segment = undefined;
        return true;
      }
    }
  }

  /** Moves past fill bytes (T.81 B.1.1.2) and returns the code of the marker that follows. */
  #readMarkerCode(bytes: Uint8Array, input: FrameInput): number | undefined {
    let at = this.#position;
    if (at >= bytes.length) return undefined;
    if (bytes[at] !== 0xff) this.#failAtMarker(bytes, input);
    while (bytes[at + 1] === 0xff) at++;
    const code = bytes[at + 1];
    if (this.#isSegmentNew && code !== undefined) this.#checkSegment(bytes, input);
    this.#position = at;
    if (code === 0x00 || code === SOI) this.#failAtMarker(bytes, input);
    if (code !== undefined && code >= RES_FIRST && code <= RES_LAST) {
      this.#failAtMarker(bytes, input);
    }
    return code;
  }

  /** Moves past a segment by its length, T.81 B.1.1.4; false if that has not come yet. */
  #passSegment(bytes: Uint8Array, code: number, input: FrameInput): boolean {
    const at = this.#position;
    this.#segment = undefined;
    if (at + 4 > bytes.length) return false;
    const length = uint16(bytes, at + 2);
    if (isFrameHeader(code)) {
      if (length < 8) this.#failAtLength(length, 8, input);
      if (at + 9 > bytes.length) return false;
      this.#size = sizeInFrameHeader(bytes, at);
      this.#frameCode = code;
    }
    if (length < 2) this.#failAtLength(length, 2, input);
    if (code === SOS && length > MAX_SCAN_HEADER_BYTES && input.resyncs) {
      this.#failAtScanHeader(length, input);
    }
    if (code === SOS) {
      if (this.#frameCode === undefined) {
        this.#fail(input, "a JPEG frame header before the scan", hex(bytes.subarray(at)));
      }
      this.#scan = at + 2 + length;
      if (this.#scan >= bytes.length) return false;
      this.#hasScan = true;
    }
    this.#position = at + 2 + length;
    this.#inEntropyCodedData = code === SOS;
    this.#segment = at + 2;
    this.#isSegmentNew = true;
    if (code === SOS) this.#checkSegment(bytes, input);
    return true;
  }

  /** Fails where the segment that was passed was cut off, and the next image's start completes it. */
  #checkSegment(bytes: Uint8Array, input: FrameInput): void {
    this.#isSegmentNew = false;
    const at = this.#segment!;
    const start = this.#inEntropyCodedData
      // Nothing that a scan header may hold is a marker.
      ? JPEG_START_PATTERN.find(bytes.subarray(0, this.#position + 1), at + 2)
      : findSwallowedStart(bytes, at + 2, this.#position);
    if (start < 0) return;
    this.#position = start;
    this.#fail(input, "the rest of a JPEG segment", hex(bytes.subarray(start)));
  }

  #fail(input: FrameInput, expected: string, found: string): never {
    input.fail({ at: this.#position, expected, found });
  }

  #failAtMarker(bytes: Uint8Array, input: FrameInput): never {
    input.fail({
      at: this.#position,
      expected: "a JPEG marker that continues or ends the image",
      found: hex(bytes.subarray(this.#position)),
    });
  }

  #failAtScanHeader(length: number, input: FrameInput): never {
    input.fail({
      at: this.#position + 2,
      expected: `a JPEG scan header of at most ${MAX_SCAN_HEADER_BYTES} bytes`,
      found: String(length),
    });
  }

  #failAtLength(length: number, least: number, input: FrameInput): never {
    input.fail({
      at: this.#position + 2,
      expected: `a JPEG segment length of ${least} or more`,
      found: String(length),
    });
  }
}

/** What stands before the picture's data in a JPEG image. */
export interface JpegHead {
  readonly size: JpegSize;
  /** Whether a frame header is followed by a scan with data. */
  readonly hasScan: boolean;
}

/**
 * The headers of a JPEG image; `undefined` when it is none.
 *
 * Never looks at the picture.
 */
export function readJpegHead(bytes: Uint8Array): JpegHead | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== SOI || bytes[2] !== 0xff) return undefined;
  let at = 2;
  let size: JpegSize | undefined;
  let frameCode: number | undefined;
  let hasScan = false;
  for (let count = 0; count < MAX_HEADER_SEGMENTS && !hasScan; count++) {
    const code = bytes[at + 1];
    if (bytes[at] !== 0xff || code === undefined || code === EOI) break;
    if (isFrameHeader(code)) {
      size = at + 9 <= bytes.length ? sizeInFrameHeader(bytes, at) : UNKNOWN_SIZE;
      frameCode = code;
    }
    at += code === 0xff ? 1 : isStandalone(code) ? 2 : 2 + uint16(bytes, at + 2);
    hasScan = code === SOS && size !== undefined &&
      (isArithmetic(frameCode) || !isMarker(bytes, at));
  }
  return { size: size ?? UNKNOWN_SIZE, hasScan };
}

/** The size in the frame header of a JPEG image; `undefined` when it is no JPEG image. */
export function readJpegSize(bytes: Uint8Array): JpegSize | undefined {
  return readJpegHead(bytes)?.size;
}

/**
 * Where another image begins within the segment content from `from` to `to` that has only its first
 * segments there: a thumbnail has its scan and its end in the same segment. -1 where none does.
 */
function findSwallowedStart(bytes: Uint8Array, from: number, to: number): number {
  const content = bytes.subarray(0, to);
  for (
    let start = content.indexOf(SOI, from);
    start >= 0;
    start = content.indexOf(SOI, start + 1)
  ) {
    if (start > from && content[start - 1] === 0xff && isHeadAt(bytes, start - 1, to)) {
      return start - 1;
    }
  }
  return -1;
}

/**
 * Whether the image at `start` begins as the one at 0, and `to` stands in front of its scan. Looks at
 * nothing behind the marker at `to`.
 */
function isHeadAt(bytes: Uint8Array, start: number, to: number): boolean {
  let at = start + 2;
  if (bytes[at] !== 0xff || bytes[at + 1] !== bytes[3]) return false;
  for (let count = 0; count < MAX_SWALLOWED_SEGMENTS && at < to; count++) {
    const code = bytes[at + 1]!;
    if (bytes[at] !== 0xff || code < SOF0 || code === SOS || code === EOI) return false;
    if (at + 4 > to) return true;
    at += 2 + uint16(bytes, at + 2);
  }
  return at >= to;
}

/** Whether a marker stands at `at` that ends entropy-coded data: T.81 B.1.1.5. */
function isMarker(bytes: Uint8Array, at: number): boolean {
  const code = bytes[at + 1] ?? 0;
  return bytes[at] === 0xff && code !== 0 && !isStandalone(code);
}

/** Whether a scan may have no data, since zeros at its end are left out: T.81 D.1.8. */
function isArithmetic(frameCode: number | undefined): boolean {
  return frameCode !== undefined && frameCode > JPG;
}

/** Markers without a length: T.81 B.1.1.3. */
function isStandalone(code: number): boolean {
  return code === TEM || (code >= RST0 && code <= RST7);
}

/** SOF0 to SOF15, without the three codes among them that mean something else. */
function isFrameHeader(code: number): boolean {
  return code >= SOF0 && code <= SOF15 && code !== DHT && code !== JPG && code !== DAC;
}

/** Lines and samples per line of the frame header (T.81 B.2.2) whose marker is at `at`. */
function sizeInFrameHeader(bytes: Uint8Array, at: number): JpegSize {
  return { height: uint16(bytes, at + 5) || null, width: uint16(bytes, at + 7) || null };
}

/** Big endian; bytes past the end count as 0. */
function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
