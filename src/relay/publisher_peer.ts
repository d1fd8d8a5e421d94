/**
 * A publisher that speaks `stream.v1`.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { isLengthPrefixed } from "../split/length_prefixed.ts";
import { CLOSE } from "../wire/close_code.ts";
import { encodeControl, type StreamStatus } from "../wire/control_message.ts";
import { timeAnswer, welcome } from "./greeting.ts";
import type { LiveStream, Publisher } from "./live_stream.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import { sessionDigest } from "./session_digest.ts";
import type { Greeting } from "./streams.ts";

/** What a {@linkcode PublisherPeer} works with. */
export interface PublisherContext extends Greeting {
  readonly channel: ControlChannel;
  readonly maxFrameBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Serves one publisher, from its hello on. */
export class PublisherPeer implements Peer, Publisher {
  readonly digest: string;
  readonly #live: LiveStream;
  readonly #context: PublisherContext;
  #config: StreamConfig | undefined;
  /** When it was welcomed, until it is known how long that took to reach it. */
  #welcomedMs: number | undefined;

  /** @throws {ProtocolError} when the stream has another publisher */
  constructor(live: LiveStream, context: PublisherContext) {
    const { hello, session, channel, maxFrameBytes, clock, log } = context;
    this.digest = sessionDigest(hello.session);
    this.#live = live;
    this.#context = context;
    const received = live.begin(this, hello);
    log.info(`"${live.name}" has a publisher`, { stream: live.name });
    session.resume(received);
    channel.sendControl(welcome(live, { role: "publish", received, maxFrameBytes }));
    this.#welcomedMs = clock.nowMs();
    this.refreshCredit();
  }

  get session(): string {
    return this.#context.hello.session;
  }

  get received(): number {
    return this.#context.session.received;
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    const event = this.#context.session.receive(message);
    if (event.type === "config") {
      const { type: _, epoch: __, ...config } = event;
      this.#config = config;
      this.#live.configure(this, config);
    } else if (event.type === "frame") {
      const { header, data } = event.message;
      refuseLengths(this.#config!.format, data);
      this.#live.push(this, {
        data,
        kind: header.key ? "key" : "delta",
        leading: header.leading,
        catchUp: header.catchUp,
        configuration: header.configuration,
        config: this.#config!,
        ptsUs: header.ptsUs,
        captureUs: header.captureUs,
        sentAs: header.sequence,
        isHeld: header.held,
      }, event.missing);
    } else if (event.type === "time") {
      this.#context.channel.sendControl(timeAnswer(this.#context.clock, event.clientUs));
      this.#answered(event.roundTripUs);
    } else if (event.type === "end") {
      this.#live.end(this);
    }
  }

  closed(): void {
    if (this.#live.lose(this)) {
      this.#context.log.info(`"${this.#live.name}" lost its publisher`, {
        stream: this.#live.name,
      });
    }
  }

  refreshCredit(): void {
    const credit = this.#context.session.grant(this.#live.credit(this.#context.session.totals));
    if (credit !== undefined) this.#context.channel.sendControl(encodeControl(credit));
  }

  ended(): void {
    this.#context.log.info(`"${this.#live.name}" has ended`, { stream: this.#live.name });
    this.#context.channel.sendControl(encodeControl({ type: "end" }));
    this.#context.channel.close(CLOSE.normal, "the stream has ended");
  }

  report(status: StreamStatus): void {
    this.#context.channel.sendControl(
      encodeControl({ type: "stats", stream: status, viewer: null }),
    );
  }

  close(code: number, reason: string): void {
    this.#context.channel.close(code, reason);
  }

  /** It has asked for the time, the first time as soon as it was welcomed. */
  #answered(roundTripUs: number | null): void {
    const sinceMs = this.#context.clock.nowMs() - (this.#welcomedMs ?? 0);
    if (roundTripUs !== null) this.#live.setRoundTrip(this, roundTripUs / 1000);
    else if (this.#welcomedMs !== undefined) this.#live.setRoundTrip(this, sinceMs);
    this.#welcomedMs = undefined;
  }
}

/** Frames with lengths cannot be joined to a byte stream, and no viewer reads them. */
function refuseLengths(format: StreamConfig["format"], data: Uint8Array): void {
  if (format !== "h264" && format !== "hevc") return;
  if (!isLengthPrefixed(format, data)) return;
  throw new ProtocolError(
    CLOSE.unsupportedData,
    `a frame of ${format} has lengths (AVCC) instead of start codes (Annex B); ` +
      `ffmpeg: -bsf:v ${format}_mp4toannexb`,
  );
}
