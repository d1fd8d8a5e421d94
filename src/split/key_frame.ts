/**
 * What the headers of a coded frame tell of it, in formats whose frames refer to one another.
 *
 * @module
 */

/** A frame that a decoder can begin with. */
export interface KeyFrame {
  /** What a decoder must be able to do, as an RFC 6381 codec string. */
  readonly codec: string;
  /** Picture width in pixels. */
  readonly width: number;
  /** Picture height in pixels. */
  readonly height: number;
  /** What a decoder needs with it, came with an earlier frame and is missing in this one. */
  readonly missing?: MissingBytes;
}

/** Bytes that are missing within a frame. */
export interface MissingBytes {
  /** Number of bytes of the frame in front of them. */
  readonly at: number;
  readonly bytes: Uint8Array;
}
