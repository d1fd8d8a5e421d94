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
import type { BareClient, LiveStream } from "./live_stream.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import type { Streams } from "./streams.ts";

/** Takes the frames of one client without a protocol. */
export class BarePublisher implements Peer, BareClient {
  readonly #streams: Streams;
  readonly #live: LiveStream;
  readonly #channel: ControlChannel;
  #config: StreamConfig | undefined;
  #hasSent = false;

  constructor(streams: Streams, live: LiveStream, channel: ControlChannel) {
    this.#streams = streams;
    this.#live = live;
    this.#channel = channel;
    live.joinBare(this);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === "string") return;
    const { maxFrameBytes } = this.#streams.options;
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
      captureUs: this.#streams.clock.wallUs(),
    });
    if (this.#hasSent) return;
    this.#hasSent = true;
    this.#tell("has started");
  }

  close(code: number, reason: string): void {
    this.#channel.close(code, reason);
  }

  closed(): void {
    this.#live.leaveBare(this);
    if (this.#hasSent) this.#tell("has left");
  }

  #tell(what: "has started" | "has left"): void {
    const { name } = this.#live;
    this.#streams.log.info(`"${name}": a publisher without a protocol ${what}`, { stream: name });
  }
}
