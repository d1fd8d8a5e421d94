/**
 * What is made of a frame once for all viewers of a stream.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import { asBrokenLink } from "../split/broken_link.ts";
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";
import { encodeFrameMessage } from "../wire/frame_message.ts";

interface EncodedFrame {
  readonly frame: Frame;
  readonly message: Uint8Array<ArrayBuffer>;
}

/** Makes messages, spliced key frames and copies, and keeps the last of each. */
export class Encodings {
  #spliced: { readonly from: Frame; readonly to: Frame } | undefined;
  /** The stream's numbers as JSON, and the last message with a viewer's numbers beside them. */
  #told: { readonly status: StreamStatus; readonly json: string } | undefined;
  #stats: { readonly own: string; readonly message: string } | undefined;
  #copied: { readonly frame: Frame; readonly data: Uint8Array<ArrayBuffer> } | undefined;
  #encoded: EncodedFrame | undefined;
  /** The same for viewers that come, until the next frame. */
  #caughtUp: EncodedFrame | undefined;

  /** Bytes that it keeps beside the frames: of messages that had to be copied, and of spliced frames. */
  get copiedBytes(): number {
    const spliced = this.#spliced;
    const isCopied = spliced !== undefined && spliced.to.data.buffer !== spliced.from.data.buffer;
    return copiedBytes(this.#encoded) + copiedBytes(this.#caughtUp) +
      (isCopied ? spliced.to.data.byteLength : 0) + (this.#copied?.data.byteLength ?? 0);
  }

  /** Forgets what it keeps; whoever needs it again has it made anew. */
  clear(): void {
    this.#encoded = undefined;
    this.#caughtUp = undefined;
    this.#spliced = undefined;
    this.#copied = undefined;
  }

  /** The message for viewers that speak the protocol: the same bytes for all of them. */
  encode(frame: Frame, catchUp: boolean): Uint8Array<ArrayBuffer> {
    const isForAll = catchUp === (frame.catchUp === true);
    const encoded = isForAll ? this.#encoded : this.#caughtUp;
    if (encoded?.frame === frame) return encoded.message;
    const message = encodeFrameMessage({
      key: frame.kind === "key",
      configuration: frame.configuration === true,
      discontinuity: frame.discontinuity,
      catchUp,
      leading: frame.leading === true,
      held: false,
      epoch: frame.epoch,
      sequence: frame.sequence,
      ptsUs: frame.ptsUs,
      captureUs: frame.captureUs,
    }, frame.data);
    if (isForAll) {
      this.#encoded = { frame, message };
      this.#caughtUp = undefined;
    } else {
      this.#caughtUp = { frame, message };
    }
    return message;
  }

  /** The message with a stream's numbers and a viewer's own: one for all whose own are the same. */
  stats(status: StreamStatus, viewer: ViewerStatus): string {
    if (this.#told?.status !== status) {
      this.#told = { status, json: JSON.stringify(status) };
      this.#stats = undefined;
    }
    const own = JSON.stringify(viewer);
    if (this.#stats?.own !== own) {
      const message = `{"type":"stats","stream":${this.#told.json},"viewer":${own}}`;
      this.#stats = { own, message };
    }
    return this.#stats.message;
  }

  /** A frame's bytes for viewers that go on sending them when the frame itself may be gone. */
  copy(frame: Frame): Uint8Array<ArrayBuffer> {
    if (this.#copied?.frame !== frame) this.#copied = { frame, data: frame.data.slice() };
    return this.#copied.data;
  }

  /** A key frame for viewers that continue with it after a gap; encoded once for all of them. */
  splice(frame: Frame): Frame {
    if (this.#spliced?.from !== frame) this.#spliced = { from: frame, to: asBrokenLink(frame) };
    return this.#spliced.to;
  }
}

function copiedBytes(encoded: EncodedFrame | undefined): number {
  if (encoded === undefined) return 0;
  const { frame, message } = encoded;
  return message.buffer === frame.data.buffer ? 0 : message.byteLength;
}
