/**
 * Single pictures of video that is coded in time.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import type { ReceivedFrame } from "./connection.ts";
import type { Decoder, DecoderEvents } from "./pictures.ts";
import { mediaSourceType } from "./media_source.ts";
import { decodedPicture, decoderConfig } from "./video.ts";

/**
 * Decodes key frames alone, each by a decoder of its own that is closed at once: one that stays open
 * keeps threads and memory for a picture a second.
 */
export class KeyFrameDecoder implements Decoder {
  readonly #wanted: Promise<string | VideoDecoderConfig>;
  readonly #events: DecoderEvents;
  /** Whether the stream's own page plays what cannot be shown small. */
  readonly #isPlayedElsewhere: boolean;
  #waiting: ReceivedFrame | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(config: StreamConfig, events: DecoderEvents) {
    this.#wanted = softwareConfig(config);
    this.#isPlayedElsewhere = mediaSourceType(config) !== undefined;
    this.#events = events;
  }

  push(frame: ReceivedFrame): void {
    if (!frame.header.key) return;
    this.#waiting = frame;
    if (!this.#isBusy) this.#work();
  }

  pass(): void {}

  end(): void {}

  close(): void {
    this.#isClosed = true;
    this.#waiting = undefined;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    const wanted = await this.#wanted;
    while (this.#waiting !== undefined) {
      const frame = this.#waiting;
      this.#waiting = undefined;
      if (typeof wanted === "string") {
        const sentence = this.#isPlayedElsewhere ? "Open the stream to see it." : wanted;
        this.#events.onUnsupported(sentence);
        continue;
      }
      const picture = await decode(wanted, frame.data);
      if (picture === undefined) this.#events.onDamaged("The decoder cannot read this key frame");
      else if (this.#isClosed) picture.close();
      else this.#events.onPicture(decodedPicture(picture, frame));
    }
    this.#isBusy = false;
  }
}

/**
 * The decoder's configuration, in software where that can do it: one picture is not worth setting up
 * hardware, of which there may be little.
 */
async function softwareConfig(config: StreamConfig): Promise<string | VideoDecoderConfig> {
  const wanted = await decoderConfig(config);
  if (typeof wanted === "string") return wanted;
  const software: VideoDecoderConfig = { ...wanted, hardwareAcceleration: "prefer-software" };
  const { supported } = await VideoDecoder.isConfigSupported(software);
  return supported === true ? software : wanted;
}

/** The picture of a key frame; `undefined` where it is damaged. */
async function decode(
  config: VideoDecoderConfig,
  data: Uint8Array<ArrayBuffer>,
): Promise<VideoFrame | undefined> {
  let picture: VideoFrame | undefined;
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
