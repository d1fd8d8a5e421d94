/**
 * A connection to the relay that speaks `stream.v1`.
 *
 * @module
 */
import type { JoinFrom } from "../core/feed.ts";
import type { Frame } from "../core/frame.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { encodeControl, type StreamStatus, type WatchHello } from "../wire/control_message.ts";
import { type RelayEvent, RelaySession } from "../wire/relay_session.ts";
import type { Front } from "./front.ts";
import { timeAnswer, welcome } from "./greeting.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketPort } from "./socket_port.ts";
import { type Audience, type Viewer, viewerStatus } from "./viewer.ts";

/** Serves one peer that speaks the protocol, first unknown, then a publisher or a viewer. */
export class ProtocolPeer implements Peer {
  readonly #front: Front;
  readonly #place: PeerPlace;
  readonly #port: SocketPort;
  readonly #session: RelaySession;
  readonly #helloTimer: ReturnType<typeof setTimeout>;
  #sender: Peer | undefined;
  #viewer: WatchingViewer | undefined;

  constructor(front: Front, place: PeerPlace, port: SocketPort) {
    this.#front = front;
    this.#place = place;
    this.#port = port;
    this.#session = new RelaySession({ maxFrameBytes: front.options.maxFrameBytes });
    const { helloTimeoutMs } = front.options;
    this.#helloTimer = setTimeout(
      () => port.close(CLOSE.helloTimeout, `no hello came within ${helloTimeoutMs} ms`),
      helloTimeoutMs,
    );
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#sender !== undefined) return this.#sender.receive(message);
    const event = this.#session.receive(message);
    if (event.type === "time") {
      this.#port.sendControl(timeAnswer(this.#front.clock, event.clientUs));
    } else if (event.type !== "hello") {
      this.#viewer?.handle(event);
    } else if (event.role === "publish") {
      clearTimeout(this.#helloTimer);
      this.#sender = this.#front.openSender("publisher", this.#place, this.#port);
      this.#sender.receive(message);
    } else {
      clearTimeout(this.#helloTimer);
      this.#viewer = new WatchingViewer(this.#front, this.#place, this.#port, event);
      this.#viewer.begin();
    }
  }

  closed(): void {
    clearTimeout(this.#helloTimer);
    this.#sender?.closed();
    this.#viewer?.gone();
  }
}

class WatchingViewer implements Viewer<ViewerFeed> {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom;
  readonly #port: SocketPort;
  readonly #front: Front;
  readonly #audience: Audience;
  #epoch = 0;

  /** @throws {ProtocolError} when there are as many viewers or streams as may be */
  constructor(front: Front, { name, joinFrom }: PeerPlace, port: SocketPort, hello: WatchHello) {
    this.#front = front;
    this.joinFrom = joinFrom;
    this.#port = port;
    this.#audience = front.admitViewer(name);
    this.feed = new ViewerFeed({
      maxDelayMs: hello.maxDelayMs,
      maxBytes: front.maxViewerBytes,
      fps: hello.fps,
      budget: front.underWay,
      delays: this.#audience.delays,
      unsentBytes: null,
      send: (frame, catchUp) => this.#send(frame, catchUp),
      splice: (frame) => this.#audience.encodings.splice(frame),
    });
  }

  begin(): void {
    this.#audience.join(this);
  }

  welcome(): void {
    const { maxFrameBytes } = this.#front.options;
    this.#port.sendControl(welcome(this.#audience, { role: "watch", received: 0, maxFrameBytes }));
  }

  handle(event: RelayEvent): void {
    if (event.type !== "ack") return;
    if (!this.#audience.acknowledge(this, event.sequence, event.heldMs)) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `frame ${event.sequence} was acknowledged, which is not under way`,
      );
    }
  }

  gone(): void {
    this.#audience.leave(this);
    this.#front.release();
  }

  ended(): void {
    this.#port.sendControl(encodeControl({ type: "end" }));
  }

  report(status: StreamStatus): void {
    // A viewer that is behind gets frames before numbers.
    if (!this.feed.isReady(this.#front.clock.nowMs())) return;
    this.#port.sendControl(this.#audience.encodings.stats(status, viewerStatus(this.feed)));
  }

  close(code: number, reason: string): void {
    this.#port.close(code, reason);
  }

  #send(frame: Frame, catchUp: boolean): void {
    if (frame.epoch !== this.#epoch) {
      this.#epoch = frame.epoch;
      const { session = null, offset = 0 } = frame.origin ?? {};
      this.#port.sendControl(
        encodeControl({ type: "config", epoch: frame.epoch, ...frame.config, session, offset }),
      );
    }
    this.#port.sendFrame(this.#audience.encodings.encode(frame, catchUp));
  }
}
