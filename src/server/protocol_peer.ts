/**
 * A connection to the relay that speaks `stream.v1`.
 *
 * @module
 */
import type { Frame, StreamConfig } from "../core/frame.ts";
import type { JoinFrom } from "../core/feed.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import {
  encodeControl,
  type PublishHello,
  type StreamStatus,
  type WatchHello,
} from "../wire/control_message.ts";
import { VERSION } from "../wire/frame_message.ts";
import { type RelayEvent, RelaySession } from "../wire/relay_session.ts";
import type { Hub } from "./hub.ts";
import { type LiveStream, type Publisher, type Viewer, viewerStatus } from "./live_stream.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketPort } from "./socket_port.ts";

/** Serves one peer that speaks the protocol, first unknown, then a publisher or a viewer. */
export class ProtocolPeer implements Peer {
  readonly #hub: Hub;
  readonly #place: PeerPlace;
  readonly #port: SocketPort;
  readonly #session: RelaySession;
  readonly #helloTimer: ReturnType<typeof setTimeout>;
  #role: PublisherRole | ViewerRole | undefined;

  constructor(hub: Hub, place: PeerPlace, port: SocketPort) {
    this.#hub = hub;
    this.#place = place;
    this.#port = port;
    this.#session = new RelaySession({ maxFrameBytes: hub.options.maxFrameBytes });
    const { helloTimeoutMs } = hub.options;
    this.#helloTimer = setTimeout(
      () => port.close(CLOSE.helloTimeout, `no hello came within ${helloTimeoutMs} ms`),
      helloTimeoutMs,
    );
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    const event = this.#session.receive(message);
    if (event.type === "hello") this.#greet(event);
    else if (event.type === "time") this.#answerTime(event.clientUs);
    else this.#role?.handle(event);
  }

  closed(): void {
    clearTimeout(this.#helloTimer);
    this.#role?.gone();
  }

  #greet(hello: PublishHello | WatchHello): void {
    clearTimeout(this.#helloTimer);
    this.#role = hello.role === "publish"
      ? new PublisherRole(this.#hub, this.#place.name, this.#port, this.#session, hello)
      : new ViewerRole(this.#hub, this.#place, this.#port, hello);
    this.#role.begin();
  }

  #answerTime(clientUs: number): void {
    const serverUs = this.#hub.clock.wallUs();
    this.#port.sendControl(encodeControl({ type: "time", clientUs, serverUs }));
  }
}

class PublisherRole implements Publisher {
  readonly #port: SocketPort;
  readonly #session: RelaySession;
  readonly #hub: Hub;
  readonly #live: LiveStream;
  readonly #hello: PublishHello;
  #config: StreamConfig | undefined;

  constructor(
    hub: Hub,
    name: string,
    port: SocketPort,
    session: RelaySession,
    hello: PublishHello,
  ) {
    this.#hub = hub;
    this.#port = port;
    this.#session = session;
    this.#hello = hello;
    this.#live = hub.open(name);
  }

  get session(): string {
    return this.#hello.session;
  }

  get received(): number {
    return this.#session.received;
  }

  begin(): void {
    const received = this.#live.begin(this, this.#hello);
    this.#hub.log.info(`"${this.#live.name}" has a publisher`, { stream: this.#live.name });
    this.#session.resume(received);
    this.#port.sendControl(welcome(this.#hub, this.#live, "publish", received));
    this.refreshCredit();
  }

  handle(event: RelayEvent): void {
    if (event.type === "config") {
      const { type: _, epoch: __, ...config } = event;
      this.#config = config;
      this.#live.configure(this, config);
    } else if (event.type === "frame") {
      const { header, data } = event.message;
      this.#live.push(this, {
        data,
        kind: header.key ? "key" : "delta",
        leading: header.leading,
        configuration: header.configuration,
        config: this.#config!,
        ptsUs: header.ptsUs,
        captureUs: header.captureUs,
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

class ViewerRole implements Viewer {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom;
  readonly #port: SocketPort;
  readonly #hub: Hub;
  readonly #live: LiveStream;
  #epoch = 0;

  constructor(hub: Hub, { name, joinFrom }: PeerPlace, port: SocketPort, hello: WatchHello) {
    this.#hub = hub;
    this.joinFrom = joinFrom;
    this.#port = port;
    this.#live = hub.admitViewer(name);
    this.feed = new ViewerFeed({
      maxDelayMs: hello.maxDelayMs,
      maxBytes: hub.maxViewerBytes,
      fps: hello.fps,
      budget: hub.underWay,
      unsentBytes: null,
      send: (frame, catchUp) => this.#send(frame, catchUp),
      splice: (frame) => this.#live.splice(frame),
    });
  }

  begin(): void {
    this.#port.sendControl(welcome(this.#hub, this.#live, "watch", 0));
    this.#live.join(this);
  }

  handle(event: RelayEvent): void {
    if (event.type !== "ack") return;
    if (!this.#live.acknowledge(this, event.sequence)) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `frame ${event.sequence} was acknowledged, which is not under way`,
      );
    }
  }

  gone(): void {
    this.#live.leave(this);
    this.#hub.releaseViewer();
  }

  ended(): void {
    this.#port.sendControl(encodeControl({ type: "end" }));
  }

  report(status: StreamStatus): void {
    // A viewer that is behind gets frames before numbers.
    if (!this.feed.isReady(this.#hub.clock.nowMs())) return;
    this.#port.sendControl(
      encodeControl({ type: "stats", stream: status, viewer: viewerStatus(this) }),
    );
  }

  close(code: number, reason: string): void {
    this.#port.close(code, reason);
  }

  #send(frame: Frame, catchUp: boolean): void {
    if (frame.epoch !== this.#epoch) {
      this.#epoch = frame.epoch;
      this.#port.sendControl(
        encodeControl({ type: "config", epoch: frame.epoch, ...frame.config }),
      );
    }
    this.#port.sendFrame(this.#live.encode(frame, catchUp));
  }
}

function welcome(hub: Hub, live: LiveStream, role: "publish" | "watch", received: number): string {
  return encodeControl({
    type: "welcome",
    version: VERSION,
    role,
    stream: live.name,
    run: live.run,
    fps: live.fps,
    maxFrameBytes: hub.options.maxFrameBytes,
    publishing: live.isPublishing,
    received,
  });
}
