/**
 * A publisher that speaks `stream.v1`.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import { isLengthPrefixed } from "../split/length_prefixed.ts";
import { CLOSE } from "../wire/close_code.ts";
import { encodeControl, type StreamStatus } from "../wire/control_message.ts";
import type { RelaySession } from "../wire/relay_session.ts";
import { timeAnswer, welcome } from "./welcome.ts";
import type { LiveStream, Publisher } from "./live_stream.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import { sessionDigest } from "./session_digest.ts";
import type { ReadHello, Streams } from "./streams.ts";

/** Serves one publisher, from its hello on. */
export class PublisherPeer implements Peer, Publisher {
  readonly session: string;
  readonly digest: string;
  readonly #streams: Streams;
  readonly #live: LiveStream;
  readonly #wire: RelaySession;
  readonly #channel: ControlChannel;
  #config: StreamConfig | undefined;
  /** When it was welcomed, until it is known how long that took to reach it. */
  #welcomedMs: number | undefined;

  /** @throws {ProtocolError} when the stream has another publisher */
  constructor(
    streams: Streams,
    live: LiveStream,
    { hello, session, channel }: ReadHello & { readonly channel: ControlChannel },
  ) {
    this.session = hello.session;
    this.digest = sessionDigest(hello.session);
    this.#streams = streams;
    this.#live = live;
    this.#wire = session;
    this.#channel = channel;
    const received = live.begin(this, hello);
    streams.log.info(`"${live.name}" has a publisher`, { stream: live.name });
    session.resume(received);
    const { maxFrameBytes } = streams.options;
    channel.sendControl(welcome(live, { role: "publish", received, maxFrameBytes }));
    this.#welcomedMs = streams.clock.nowMs();
    this.refreshCredit();
  }

  get received(): number {
    return this.#wire.received;
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    const event = this.#wire.receive(message);
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
      this.#channel.sendControl(timeAnswer(this.#streams.clock, event.clientUs));
      this.#answered(event.roundTripUs);
    } else if (event.type === "end") {
      this.#live.end(this);
    }
  }

  closed(): void {
    if (this.#live.lose(this)) {
      this.#streams.log.info(`"${this.#live.name}" lost its publisher`, {
        stream: this.#live.name,
      });
    }
  }

  refreshCredit(): void {
    const credit = this.#wire.grant(this.#live.credit(this.#wire.totals));
    if (credit !== undefined) this.#channel.sendControl(encodeControl(credit));
  }

  ended(): void {
    this.#streams.log.info(`"${this.#live.name}" has ended`, { stream: this.#live.name });
    this.#channel.sendControl(encodeControl({ type: "end" }));
    this.#channel.close(CLOSE.normal, "the stream has ended");
  }

  report(status: StreamStatus): void {
    this.#channel.sendControl(
      encodeControl({ type: "stats", stream: status, viewer: null }),
    );
  }

  close(code: number, reason: string): void {
    this.#channel.close(code, reason);
  }

  /** It has asked for the time, the first time as soon as it was welcomed. */
  #answered(roundTripUs: number | null): void {
    const sinceMs = this.#streams.clock.nowMs() - (this.#welcomedMs ?? 0);
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
    `an ${format} frame has lengths (AVCC) instead of start codes (Annex B); ` +
      `ffmpeg: -bsf:v ${format}_mp4toannexb`,
  );
}
