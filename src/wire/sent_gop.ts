/**
 * The frames of the newest GOP that a relay has confirmed, for the case that it is killed: with them
 * its next run can go on at once, and not at the next key frame only.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import type { FrameKind } from "../core/frame.ts";

/** Most frames of a GOP that is kept. */
export const MAX_GOP_FRAMES = 1800;
/** Most bytes of a GOP that is kept. */
export const MAX_GOP_BYTES = 64 * 1024 * 1024;

/** What is kept of a frame at least. */
export interface SentFrame {
  readonly kind: FrameKind;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A key frame and what follows it; nothing, once that is more than may be kept. Frees the rest. */
export class SentGop<T extends SentFrame> {
  #frames: T[] = [];
  #bytes = 0;

  /** Adds the frame behind the last one, whose data now belong to this. */
  push(frame: T): void {
    const isFirst = frame.kind === "key";
    if (isFirst) this.#clear();
    else if (this.#frames.length === 0) return release(frame.data);
    this.#frames.push(frame);
    this.#bytes += frame.data.byteLength;
    if (this.#frames.length > MAX_GOP_FRAMES || this.#bytes > MAX_GOP_BYTES) this.#clear();
  }

  /** Hands the frames over, oldest first, and has none. */
  take(): T[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    return frames;
  }

  #clear(): void {
    for (const { data } of this.take()) release(data);
  }
}
