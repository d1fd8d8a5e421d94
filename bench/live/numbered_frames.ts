/**
 * Frames that tell their number, made once and written again and again.
 *
 * The number is eight digits at the same place in every frame of a format: in a comment segment of
 * a JPEG image, in a user-data SEI message of an H.264 access unit, at the start of any other frame.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const DIGITS = 8;
const TEXT = new TextEncoder();
const START_CODE = [0, 0, 0, 1] as const;
const NAL_SEI = 6;
const NAL_DELIMITER = 9;
/** `user_data_unregistered`: H.264, D.1.7. */
const SEI_USER_DATA = 5;
const UUID = "stream live mark";

/** The formats, as `publish --format` names them. */
export type NumberedFormat = "mjpeg" | "h264" | "lp32" | "raw";

/** Where the number begins. */
const NUMBER_AT: Readonly<Record<NumberedFormat, number>> = {
  // SOI, COM marker, its length.
  mjpeg: 6,
  // Delimiter with its start code; start code, header, type, size, UUID.
  h264: 6 + START_CODE.length + 3 + UUID.length,
  lp32: 4,
  raw: 0,
};

/** A run of numbered frames without end: the same ones in turn, but for their numbers. */
export class NumberedFrames {
  readonly format: NumberedFormat;
  readonly #blanks: readonly Uint8Array[];
  readonly #numberAt: number;

  /** `blanks` have room for the number: see {@linkcode blankOf}. */
  constructor(format: NumberedFormat, blanks: readonly Uint8Array[]) {
    this.format = format;
    this.#blanks = blanks;
    this.#numberAt = NUMBER_AT[format];
  }

  /** Bytes from which the number can be read. */
  get headBytes(): number {
    return this.#numberAt + DIGITS;
  }

  /** Mean length of a frame in bytes. */
  get meanBytes(): number {
    return this.#blanks.reduce((sum, { length }) => sum + length, 0) / this.#blanks.length;
  }

  /** The frame with this number, for the caller to keep. */
  frame(number: number): Uint8Array<ArrayBuffer> {
    const frame = new Uint8Array(this.#blankOf(number));
    TEXT.encodeInto(String(number).padStart(DIGITS, "0"), frame.subarray(this.#numberAt));
    return frame;
  }

  /** Length in bytes of the frame with this number. */
  lengthOf(number: number): number {
    return this.#blankOf(number).length;
  }

  /** The number of the frame that begins with `bytes`, of which there are `headBytes` at least. */
  numberOf(bytes: Uint8Array): number {
    const digits = new TextDecoder().decode(bytes.subarray(this.#numberAt, this.headBytes));
    if (!/^\d{8}$/.test(digits)) {
      throw new Error(`Cannot tell a frame's number: its place holds ${JSON.stringify(digits)}`);
    }
    return Number(digits);
  }

  /** Whether `bytes` are the frame with this number, but for the number itself. */
  matches(bytes: Uint8Array, number: number): boolean {
    const blank = this.#blankOf(number);
    const [start, end] = [this.#numberAt, this.headBytes];
    return bytes.length === blank.length &&
      Buffer.compare(bytes.subarray(0, start), blank.subarray(0, start)) === 0 &&
      Buffer.compare(bytes.subarray(end), blank.subarray(end)) === 0;
  }

  #blankOf(number: number): Uint8Array {
    return this.#blanks[number % this.#blanks.length]!;
  }
}

/**
 * `frame` with room for its number. An access unit must begin with a delimiter behind a long start
 * code; of length-prefixed and raw frames the first bytes are written over.
 */
export function blankOf(format: NumberedFormat, frame: Uint8Array): Uint8Array {
  const zeros = "0".repeat(DIGITS);
  switch (format) {
    case "mjpeg":
      return joined(frame.subarray(0, 2), [0xff, 0xfe, 0, 2 + DIGITS], ascii(zeros), frame, 2);
    case "h264": {
      if (START_CODE.some((byte, at) => frame[at] !== byte) || frame[4] !== NAL_DELIMITER) {
        throw new Error("Cannot number an access unit: it begins with no delimiter");
      }
      const payload = ascii(UUID + zeros);
      const message = [NAL_SEI, SEI_USER_DATA, payload.length, ...payload, 0x80];
      return joined(frame.subarray(0, 6), START_CODE, message, frame, 6);
    }
    case "lp32":
    case "raw": {
      const blank = frame.slice();
      blank.set(ascii(zeros), NUMBER_AT[format]);
      return blank;
    }
  }
}

/** Length-prefixed frames of noise, `bytes` long without their prefix. */
export function noiseFrames(bytes: number, count: number): NumberedFrames {
  const blanks = Array.from({ length: count }, () => {
    const frame = new Uint8Array(4 + bytes);
    new DataView(frame.buffer).setUint32(0, bytes);
    for (let start = 4; start < frame.length; start += 65_536) {
      crypto.getRandomValues(frame.subarray(start, start + 65_536));
    }
    return blankOf("lp32", frame);
  });
  return new NumberedFrames("lp32", blanks);
}

function ascii(text: string): Uint8Array {
  return TEXT.encode(text);
}

/** The first three, and `rest` from `restAt` on. */
function joined(
  head: Uint8Array,
  prefix: readonly number[],
  mark: Uint8Array | readonly number[],
  rest: Uint8Array,
  restAt: number,
): Uint8Array {
  const bytes = new Uint8Array(head.length + prefix.length + mark.length + rest.length - restAt);
  let at = 0;
  for (const part of [head, prefix, mark, rest.subarray(restAt)]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
