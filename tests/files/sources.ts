/**
 * Sources of frames that tests give.
 *
 * @module
 */
import type { FrameSource, SourceFrame } from "../../src/files/frame_source.ts";
import { bareConfig } from "../../src/core/frame.ts";

/** A frame of one byte. */
export function frame(options: Partial<SourceFrame> = {}): SourceFrame {
  return {
    data: Uint8Array.of(1),
    kind: "key",
    ptsUs: null,
    config: bareConfig("vp8"),
    ...options,
  };
}

/** Gives some frames. */
export class ListSource implements FrameSource {
  readonly damaged = 1;
  isStopped = false;
  readonly #frames: SourceFrame[];

  constructor(frames: readonly SourceFrame[]) {
    this.#frames = [...frames];
  }

  next(): Promise<SourceFrame | undefined> {
    return Promise.resolve(this.isStopped ? undefined : this.#frames.shift());
  }

  stop(): void {
    this.isStopped = true;
  }
}
