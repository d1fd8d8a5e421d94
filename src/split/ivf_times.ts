/**
 * The times of the frames of an IVF file, by which a frame's header is known among other bytes.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";
import { BytePattern } from "../bytes/search.ts";
import { IVF_FRAME_HEADER_BYTES } from "./ivf_header.ts";

/** As many steps between two frames are few, in the largest of those before. */
const FEW_STEPS = 16;
/** Largest step that is believed at all. */
const MAX_STEPS = 1000;
/** The same in units of time, as long as no step is known. */
const MAX_FIRST_STEP = 2 ** 20;

const FILE = new BytePattern(bytesOf("DKIF"));

/** As many bytes of a frame's header as tell it from others: its size and half of its time. */
export const MIN_PART_BYTES = 8;

/** The time in a frame's header in units, its lower 32 bits and its higher ones. */
export interface IvfTime {
  readonly low: number;
  readonly high: number;
}

/** What the times of the frames so far say of the next. */
export class IvfFrameTimes {
  readonly #last: number | undefined;
  readonly #maxStep: number;
  /** Smallest step that a frame may have that is searched for: less than 1 where there was one. */
  readonly #minStep: number;

  constructor(last?: number, maxStep = 0, minStep = 1) {
    this.#last = last;
    this.#maxStep = maxStep;
    this.#minStep = minStep;
  }

  /** The times with that of another frame. */
  after(time: IvfTime): IvfFrameTimes {
    const value = valueOf(time);
    if (this.#last === undefined) return new IvfFrameTimes(value);
    const step = value - this.#last;
    if (Math.abs(step) > this.#window) {
      return new IvfFrameTimes(value, this.#maxStep, this.#minStep);
    }
    return new IvfFrameTimes(value, Math.max(this.#maxStep, step), Math.min(this.#minStep, step));
  }

  /** Whether the frame behind the last may have this time. */
  isLikely(time: IvfTime): boolean {
    return this.#last === undefined || Math.abs(valueOf(time) - this.#last) <= this.#window;
  }

  /** Whether a frame with this time may come next after others that are missing. */
  mayFollow(time: IvfTime): boolean {
    const value = valueOf(time);
    if (this.#last === undefined) return value <= MAX_FIRST_STEP;
    const step = value - this.#last;
    // The times may have begun again meanwhile.
    return (step >= this.#minStep && step <= this.#window) || value <= this.#maxStep;
  }

  /** Whether it is as if no frame were missing, or few. */
  isNext(time: IvfTime): boolean {
    if (this.#last === undefined) return valueOf(time) <= MAX_FIRST_STEP;
    const step = valueOf(time) - this.#last;
    const most = this.#maxStep > 0 ? this.#maxStep * FEW_STEPS : MAX_FIRST_STEP;
    return step >= this.#minStep && step <= most;
  }

  /**
   * Where a frame's header stands first, or `file` begins, at `from` or behind it; at the end so
   * many bytes are left as may be part of one.
   */
  findHeader(bytes: Uint8Array, from: number, file: number, maxFrameBytes: number): number {
    const end = Math.min(file, bytes.length - IVF_FRAME_HEADER_BYTES + 1);
    for (let at = from; at < end; at++) {
      if (this.#isHeaderAt(bytes, at, maxFrameBytes)) return at;
    }
    return Math.min(file, Math.max(from, end));
  }

  /**
   * Where another frame's header, or another file, begins in the frame up to `length`; a header of
   * which only {@linkcode MIN_PART_BYTES} have come there is taken for one.
   */
  findWithin(
    bytes: Uint8Array,
    from: number,
    length: number,
    maxFrameBytes: number,
  ): number | undefined {
    const frame = bytes.subarray(0, length);
    const last = length - MIN_PART_BYTES;
    let at = from;
    while (at <= last && !this.#isHeaderAt(frame, at, maxFrameBytes)) at++;
    const file = FILE.find(at > last ? frame : frame.subarray(0, at), from);
    if (file >= 0) return file;
    return at > last ? undefined : at;
  }

  #isHeaderAt(bytes: Uint8Array, at: number, maxFrameBytes: number): boolean {
    // The highest byte of the time is almost always 0, and few others are.
    const last = this.#last ?? 0;
    if (last < 2 ** 56 && (bytes[at + 11] ?? 0) !== 0) return false;
    const time = { low: uint32(bytes, at + 4), high: uint32(bytes, at + 8) };
    if (!this.mayFollow(time)) return false;
    const size = uint32(bytes, at);
    return size > 0 && size <= maxFrameBytes;
  }

  get #window(): number {
    return this.#maxStep > 0 ? this.#maxStep * MAX_STEPS : MAX_FIRST_STEP;
  }
}

function valueOf({ low, high }: IvfTime): number {
  return high * 2 ** 32 + low;
}

/** The 32 bits at `at`, little endian; bytes past the end count as 0. */
export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>>
    0;
}
