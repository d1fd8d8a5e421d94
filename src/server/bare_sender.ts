/**
 * Frames of a client without a protocol: a binary message is one.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { isCodedInTime } from "../core/stream_format.ts";
import { ProtocolError } from "../errors.ts";
import { sniffFrame, sniffKind } from "../split/sniff.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Hub } from "./hub.ts";
import type { LiveStream } from "./live_stream.ts";
import type { Peer, PeerPlace } from "./peer.ts";

/** Takes the frames of one client without a protocol. */
export class BareSender implements Peer {
  readonly #hub: Hub;
  readonly #live: LiveStream;
  #config: StreamConfig | undefined;
  #hasSent = false;

  /** @throws {ProtocolError} when there are as many streams as may be */
  constructor(hub: Hub, { name }: PeerPlace) {
    this.#hub = hub;
    this.#live = hub.open(name);
    this.#live.joinBare(this);
    hub.published(name);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === "string") return;
    const { maxFrameBytes } = this.#hub.options;
    if (message.byteLength > maxFrameBytes) {
      throw new ProtocolError(
        CLOSE.tooLarge,
        `a frame has ${message.byteLength} bytes, at most ${maxFrameBytes} are allowed (--max-frame)`,
      );
    }
    this.#config = sniffFrame(message, this.#config);
    const kind = sniffKind(message, this.#config);
    this.#live.pushBare(this, {
      data: message,
      kind,
      configuration: kind === "key" && isCodedInTime(this.#config.format),
      config: this.#config,
      ptsUs: null,
      captureUs: this.#hub.clock.wallUs(),
    });
    if (!this.#hasSent) this.#begun();
  }

  closed(): void {
    this.#live.leaveBare(this);
    if (this.#hasSent) {
      const { name } = this.#live;
      this.#hub.log.info(`"${name}" lost a publisher without a protocol`, { stream: name });
    }
  }

  #begun(): void {
    this.#hasSent = true;
    const { name } = this.#live;
    this.#hub.log.info(`"${name}" has a publisher without a protocol`, { stream: name });
  }
}
