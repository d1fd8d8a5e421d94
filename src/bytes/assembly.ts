/**
 * Bytes of a frame under assembly: chunks go in as they were read, frames come out.
 *
 * The unread bytes always lie in one run of memory, so that a parser can index them. A byte is
 * copied once on its way in; a frame that fills most of the buffer leaves with the buffer itself,
 * any other as a copy, so that whoever keeps a frame keeps little more memory than its bytes.
 *
 * @module
 */
import { emptyWithHeadroom, HEADROOM_BYTES } from "./headroom.ts";

/** Options of an {@linkcode Assembly}. */
export interface AssemblyOptions {
  /** Capacity of the first buffer in bytes. @default {65536} */
  readonly initialBytes?: number;
}

/** A growing buffer of unread bytes. Its reader bounds it: it takes or refuses what it holds. */
export class Assembly {
  #buffer: Uint8Array<ArrayBuffer>;
  #start = HEADROOM_BYTES;
  #end = HEADROOM_BYTES;
  #offset = 0;
  #capacityHint: number;
  #largestChunk = 0;

  constructor(options: AssemblyOptions = {}) {
    this.#capacityHint = options.initialBytes ?? 65_536;
    this.#buffer = new Uint8Array(HEADROOM_BYTES + this.#capacityHint);
  }

  /** Number of unread bytes. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Offset of the first unread byte from the start of the input. */
  get offset(): number {
    return this.#offset;
  }

  /** The unread bytes; valid until the next call of `append`, `take` or `skip`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Copies `chunk` behind the unread bytes. */
  append(chunk: Uint8Array): void {
    this.#largestChunk = Math.max(this.#largestChunk, chunk.length);
    this.#reserve(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Announces that about `count` bytes will be held at once, so that growing is rare. */
  expect(count: number): void {
    this.#capacityHint = Math.max(this.#capacityHint, count);
  }

  /**
   * Removes the first `count` unread bytes and returns them, with {@linkcode HEADROOM_BYTES} free
   * bytes before them in the same `ArrayBuffer`, which is at most a third larger. The caller owns
   * the result.
   */
  take(count: number): Uint8Array<ArrayBuffer> {
    if (count > this.length) throw new RangeError(`Cannot take ${count} of ${this.length} bytes`);
    const rest = this.length - count;
    if (this.#buffer.length - HEADROOM_BYTES > count + count / 3) {
      const copy = emptyWithHeadroom(count);
      copy.set(this.#buffer.subarray(this.#start, this.#start + count));
      this.skip(count);
      return copy;
    }
    const whole = this.#buffer;
    const start = this.#start;
    this.#buffer = new Uint8Array(HEADROOM_BYTES + Math.max(this.#roomyCapacity, rest));
    this.#buffer.set(whole.subarray(start + count, this.#end), HEADROOM_BYTES);
    this.#start = HEADROOM_BYTES;
    this.#end = HEADROOM_BYTES + rest;
    this.#offset += count;
    return whole.subarray(start, start + count);
  }

  /** Removes the first `count` unread bytes. */
  skip(count: number): void {
    if (count > this.length) throw new RangeError(`Cannot skip ${count} of ${this.length} bytes`);
    this.#start += count;
    this.#offset += count;
    if (this.#start === this.#end) this.#start = this.#end = HEADROOM_BYTES;
  }

  /** Room for the announced frame and the part of a chunk that comes with its last byte. */
  get #roomyCapacity(): number {
    return this.#capacityHint + this.#largestChunk;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#buffer.length) return;
    const length = this.length;
    const needed = length + count;
    // Room for half as much again keeps the moves rare, in place as well as to a new buffer.
    const roomy = HEADROOM_BYTES + needed + (needed >> 1);
    if (roomy <= this.#buffer.length) {
      this.#buffer.copyWithin(HEADROOM_BYTES, this.#start, this.#end);
    } else {
      const grown = new Uint8Array(Math.max(roomy, HEADROOM_BYTES + this.#roomyCapacity));
      grown.set(this.#buffer.subarray(this.#start, this.#end), HEADROOM_BYTES);
      this.#buffer = grown;
    }
    this.#start = HEADROOM_BYTES;
    this.#end = HEADROOM_BYTES + length;
  }
}
