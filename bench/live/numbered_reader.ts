/**
 * Finds numbered frames in a run of bytes, each as soon as its last byte has come.
 *
 * @module
 */
import type { NumberedFrames } from "./numbered_frames.ts";

/** Reads what a viewer writes to its standard output. It holds one frame and one chunk at most. */
export class NumberedReader {
  readonly #frames: NumberedFrames;
  #bytes = new Uint8Array(1 << 17);
  #start = 0;
  #end = 0;

  constructor(frames: NumberedFrames) {
    this.#frames = frames;
  }

  /** Bytes of a frame that is not whole. */
  get unfinished(): number {
    return this.#end - this.#start;
  }

  /** Appends bytes. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The number of the next whole frame, or `undefined` where there is none yet.
   *
   * @throws {Error} when the bytes are not those of a frame that was written
   */
  next(): number | undefined {
    if (this.unfinished < this.#frames.headBytes) return undefined;
    const unread = this.#bytes.subarray(this.#start, this.#end);
    const number = this.#frames.numberOf(unread);
    const length = this.#frames.lengthOf(number);
    if (unread.length < length) return undefined;
    if (!this.#frames.matches(unread.subarray(0, length), number)) {
      throw new Error(`Cannot accept frame ${number}: its bytes are not those that were written`);
    }
    this.#start += length;
    return number;
  }

  #makeRoom(bytes: number): void {
    const unread = this.#bytes.subarray(this.#start, this.#end);
    const isFull = unread.length + bytes > this.#bytes.length;
    const target = isFull ? new Uint8Array(2 * (unread.length + bytes)) : this.#bytes;
    target.set(unread);
    this.#bytes = target;
    this.#end = unread.length;
    this.#start = 0;
  }
}
