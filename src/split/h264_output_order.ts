/**
 * Whether H.264 pictures are shown in the order in which they are decoded.
 *
 * @module
 */
import type { H264Position } from "./h264_slice.ts";

/** Compares each picture with the one before by their order of output, 8.2.1.1 of ITU-T H.264. */
export class H264OutputOrder {
  #isReordered = false;
  #last: H264Position | undefined;

  /** Whether a picture so far is shown before one that was decoded earlier. */
  get isReordered(): boolean {
    return this.#isReordered;
  }

  /** Takes the next picture; `undefined` for one that begins the count anew or tells nothing. */
  next(picture: H264Position | undefined): void {
    const last = this.#last;
    this.#last = picture;
    if (picture === undefined || last === undefined) return;
    const backward = last.order - picture.order;
    const areFields = picture.structure !== "frame" && last.structure !== "frame";
    // The count wraps at its range; of the two fields of a frame either may be the first.
    if (!areFields && backward > 0 && backward < picture.orderRange / 2) this.#isReordered = true;
  }
}
