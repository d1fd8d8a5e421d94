/**
 * Frames of a client without a protocol: a binary message is one.
 *
 * @module
 */
import { isCodedInTime, type StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import { sniffFrame, sniffKind } from "../split/sniff.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { LiveStream } from "./live_stream.ts";
import type { Peer } from "./peer.ts";

/** What a {@linkcode BarePublisher} works with. */
export interface BareContext {
  readonly maxFrameBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Takes the frames of one client without a protocol. */
export class BarePublisher implements Peer {
  readonly #live: LiveStream;
  readonly #context: BareContext;
  #config: StreamConfig | undefined;
  #hasSent = false;

  constructor(live: LiveStream, context: BareContext) {
    this.#live = live;
    this.#context = context;
    live.joinBare(this);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === "string") return;
    const { maxFrameBytes, clock } = this.#context;
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
      captureUs: clock.wallUs(),
    });
    if (this.#hasSent) return;
    this.#hasSent = true;
    this.#tell("has");
  }

  closed(): void {
    this.#live.leaveBare(this);
    if (this.#hasSent) this.#tell("lost");
  }

  #tell(what: "has" | "lost"): void {
    const { name } = this.#live;
    this.#context.log.info(`"${name}" ${what} a publisher without a protocol`, { stream: name });
  }
}
