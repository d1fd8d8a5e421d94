/**
 * Which H.264 pictures are shown before the key picture that they follow.
 *
 * @module
 */
import type { H264Position } from "./h264_slice.ts";

/**
 * Compares pictures with the last key picture by their order of output, 8.2.1.1 of ITU-T H.264.
 *
 * Encoders write the pictures that precede a key picture directly behind it. So the first picture
 * for reference that follows it in output ends the comparison, and a stream that has lost pictures,
 * or begins to count anew, makes no wrong ones later.
 */
export class H264LeadingPictures {
  #key: H264Position | undefined;
  #keyOrder = 0;
  /** Upper and lower part of the order of the reference picture before. */
  #upper = 0;
  #lower = 0;

  /** Begins behind a picture that nothing precedes. */
  close(): void {
    this.#key = undefined;
  }

  /** Begins behind a key picture that pictures behind it may precede. */
  open(key: H264Position | undefined): void {
    this.#key = key;
    if (key === undefined) return;
    this.#keyOrder = orderOf(key, 0);
    this.#upper = 0;
    this.#lower = key.order;
  }

  /** Whether `picture`, the next after the one before, precedes the key picture in output. */
  isLeading(picture: H264Position): boolean {
    const key = this.#key;
    if (key === undefined) return false;
    const upper = this.#upperOf(picture);
    if (picture.isReference) {
      this.#upper = upper;
      this.#lower = picture.order;
    }
    if (isOfSameFrame(key, picture)) return false;
    if (orderOf(picture, upper) < this.#keyOrder) return true;
    if (picture.isReference) this.close();
    return false;
  }

  /** PicOrderCntMsb, equation 8-3. */
  #upperOf({ order, orderRange }: H264Position): number {
    const forward = order - this.#lower;
    if (-forward >= orderRange / 2) return this.#upper + orderRange;
    if (forward > orderRange / 2) return this.#upper - orderRange;
    return this.#upper;
  }
}

/** PicOrderCnt, equations 8-1, 8-4 and 8-5. */
function orderOf({ order, bottomDelta }: H264Position, upper: number): number {
  return upper + order + Math.min(0, bottomDelta);
}

/** Whether two positions are of one frame: of its two fields, or of slices that came apart. */
function isOfSameFrame(one: H264Position, other: H264Position): boolean {
  if (one.frameNum !== other.frameNum) return false;
  const areFields = one.structure !== "frame" && other.structure !== "frame";
  return areFields ? one.structure !== other.structure : one.order === other.order;
}
