// @ts-check
/// <reference lib="dom" />
/**
 * Single pictures of video that is coded in time.
 *
 * @module
 */
import { decoderConfig } from "./video.js";

/** @typedef {import("./connection.js").Config} Config */
/** @typedef {import("./connection.js").ReceivedFrame} ReceivedFrame */
/** @typedef {import("./pictures.js").Decoder} Decoder */
/** @typedef {import("./pictures.js").DecoderEvents} DecoderEvents */

/**
 * Decodes key frames alone, each by a decoder of its own that is closed at once: one that stays open
 * keeps threads and memory for a picture a second.
 *
 * @implements {Decoder}
 */
export class KeyFrameDecoder {
  /** @readonly @type {Promise<string | VideoDecoderConfig>} */ #wanted;
  /** @readonly @type {DecoderEvents} */ #events;
  /** @type {ReceivedFrame | undefined} */ #waiting;
  #isBusy = false;
  #isClosed = false;

  /**
   * @param {Config} config
   * @param {DecoderEvents} events
   */
  constructor(config, events) {
    this.#wanted = softwareConfig(config);
    this.#events = events;
  }

  /** @param {ReceivedFrame} frame */
  push(frame) {
    if (!frame.header.key) return;
    this.#waiting = frame;
    if (!this.#isBusy) this.#work();
  }

  pass() {}

  end() {}

  close() {
    this.#isClosed = true;
    this.#waiting = undefined;
  }

  async #work() {
    this.#isBusy = true;
    const wanted = await this.#wanted;
    while (this.#waiting !== undefined) {
      const frame = this.#waiting;
      this.#waiting = undefined;
      if (typeof wanted === "string") {
        this.#events.onUnsupported(wanted);
        continue;
      }
      const picture = await decode(wanted, frame.data);
      if (picture === undefined) this.#events.onDamaged("The decoder cannot read this key frame");
      else if (this.#isClosed) picture.close();
      else {
        this.#events.onPicture({
          width: picture.displayWidth,
          height: picture.displayHeight,
          frame,
          draw: (context) => context.drawImage(picture, 0, 0),
          close: () => picture.close(),
        });
      }
    }
    this.#isBusy = false;
  }
}

/**
 * The decoder's configuration, in software where that can do it: one picture is not worth setting up
 * hardware, of which there may be little.
 *
 * @param {Config} config
 * @returns {Promise<string | VideoDecoderConfig>}
 */
async function softwareConfig(config) {
  const wanted = await decoderConfig(config);
  if (typeof wanted === "string") return wanted;
  /** @type {VideoDecoderConfig} */
  const software = { ...wanted, hardwareAcceleration: "prefer-software" };
  const { supported } = await VideoDecoder.isConfigSupported(software);
  return supported === true ? software : wanted;
}

/**
 * @param {VideoDecoderConfig} config
 * @param {Uint8Array<ArrayBuffer>} data
 * @returns {Promise<VideoFrame | undefined>} `undefined` where it is damaged
 */
async function decode(config, data) {
  /** @type {VideoFrame | undefined} */
  let picture;
  const decoder = new VideoDecoder({
    output: (frame) => {
      picture?.close();
      picture = frame;
    },
    // `flush` fails as well, and that is awaited.
    error: () => {},
  });
  try {
    decoder.configure(config);
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data }));
    await decoder.flush();
  } catch {
    // A damaged frame: what came out of it, if anything, is all that there is.
  }
  if (decoder.state !== "closed") decoder.close();
  return picture;
}
