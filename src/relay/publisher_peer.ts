/**
 * A publisher that speaks `stream.v1`.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import { isLengthPrefixed } from "../split/length_prefixed.ts";
import { CLOSE } from "../wire/close_code.ts";
import { encodeControl, type PublishHello, type StreamStatus } from "../wire/control_message.ts";
import { type RelayEvent, RelaySession } from "../wire/relay_session.ts";
import { timeAnswer, welcome } from "./greeting.ts";
import type { Hub } from "./hub.ts";
import type { LiveStream, Publisher } from "./live_stream.ts";
import type { Peer, PeerPlace, SenderPort } from "./peer.ts";
import { sessionDigest } from "./session_digest.ts";

/** Serves one publisher, from its hello on. */
export class PublisherPeer implements Peer {
  readonly #hub: Hub;
  readonly #place: PeerPlace;
  readonly #port: SenderPort;
  readonly #session: RelaySession;
  #role: PublisherRole | undefined;

  constructor(hub: Hub, place: PeerPlace, port: SenderPort) {
    this.#hub = hub;
    this.#place = place;
    this.#port = port;
    this.#session = new RelaySession({ maxFrameBytes: hub.options.maxFrameBytes });
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    const event = this.#session.receive(message);
    if (event.type === "hello" && event.role === "publish") {
      this.#role = new PublisherRole(this.#hub, this.#place.name, {
        port: this.#port,
        session: this.#session,
        hello: event,
      });
      this.#role.begin();
    } else if (event.type === "time") {
      this.#port.sendControl(timeAnswer(this.#hub.clock, event.clientUs));
      this.#role?.answered(event.roundTripUs);
    } else {
      this.#role?.handle(event);
    }
  }

  closed(): void {
    this.#role?.gone();
  }
}

class PublisherRole implements Publisher {
  readonly #hub: Hub;
  readonly #port: SenderPort;
  readonly #session: RelaySession;
  readonly #hello: PublishHello;
  readonly #live: LiveStream;
  readonly #digest: string;
  #config: StreamConfig | undefined;
  /** When it was welcomed, until it is known how long that took to reach it. */
  #welcomedMs: number | undefined;

  /** @throws {ProtocolError} when there are as many streams as may be */
  constructor(
    hub: Hub,
    name: string,
    { port, session, hello }: {
      readonly port: SenderPort;
      readonly session: RelaySession;
      readonly hello: PublishHello;
    },
  ) {
    this.#hub = hub;
    this.#port = port;
    this.#session = session;
    this.#hello = hello;
    this.#digest = sessionDigest(hello.session);
    this.#live = hub.open(name);
  }

  get session(): string {
    return this.#hello.session;
  }

  get digest(): string {
    return this.#digest;
  }

  get received(): number {
    return this.#session.received;
  }

  begin(): void {
    const received = this.#live.begin(this, this.#hello);
    this.#hub.published(this.#live.name);
    this.#hub.log.info(`"${this.#live.name}" has a publisher`, { stream: this.#live.name });
    this.#session.resume(received);
    this.#port.sendControl(welcome(this.#live, {
      role: "publish",
      received,
      maxFrameBytes: this.#hub.options.maxFrameBytes,
    }));
    this.#welcomedMs = this.#hub.clock.nowMs();
    this.refreshCredit();
  }

  /** It has asked for the time, the first time as soon as it was welcomed. */
  answered(roundTripUs: number | null): void {
    const sinceMs = this.#hub.clock.nowMs() - (this.#welcomedMs ?? 0);
    if (roundTripUs !== null) this.#live.setRoundTrip(this, roundTripUs / 1000);
    else if (this.#welcomedMs !== undefined) this.#live.setRoundTrip(this, sinceMs);
    this.#welcomedMs = undefined;
  }

  handle(event: RelayEvent): void {
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
    } else if (event.type === "end") {
      this.#live.end(this);
    }
  }

  gone(): void {
    if (this.#live.lose(this)) {
      this.#hub.log.info(`"${this.#live.name}" lost its publisher`, { stream: this.#live.name });
    }
  }

  refreshCredit(): void {
    const credit = this.#session.grant(this.#live.credit(this.#session.totals));
    if (credit !== undefined) this.#port.sendControl(encodeControl(credit));
  }

  ended(): void {
    this.#hub.log.info(`"${this.#live.name}" has ended`, { stream: this.#live.name });
    this.#port.sendControl(encodeControl({ type: "end" }));
    this.#port.close(CLOSE.normal, "the stream has ended");
  }

  report(status: StreamStatus): void {
    this.#port.sendControl(encodeControl({ type: "stats", stream: status, viewer: null }));
  }

  close(code: number, reason: string): void {
    this.#port.close(code, reason);
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
