/**
 * Frames that come before it is known whether they can be decoded.
 *
 * @module
 */
import type { ReceivedFrame } from "./connection.ts";

/** Most frames that are kept, and most bytes: more than browsers need to answer. */
const MAX_FRAMES = 600;
const MAX_BYTES = 32 * 1024 * 1024;

/** Keeps the last key frame and all that followed it, or, where that is too much, nothing. */
export class EarlyFrames {
  #frames: ReceivedFrame[] = [];
  #bytes = 0;
  #hasGivenUp = false;

  /** Whether what is there now cannot be decoded for want of what was too much. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** Keeps a frame if it can be decoded with what is kept. */
  push(frame: ReceivedFrame): void {
    if (frame.header.key) this.clear();
    else if (this.#frames.length === 0) return;
    this.#frames.push(frame);
    this.#bytes += frame.data.byteLength;
    if (this.#frames.length <= MAX_FRAMES && this.#bytes <= MAX_BYTES) return;
    this.clear();
    this.#hasGivenUp = true;
  }

  /** Hands all frames out. */
  take(): ReceivedFrame[] {
    const frames = this.#frames;
    this.clear();
    return frames;
  }

  /** Keeps nothing of what has come. */
  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#hasGivenUp = false;
  }
}
