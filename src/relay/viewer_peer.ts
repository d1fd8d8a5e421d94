/**
 * A viewer that speaks `stream.v1`.
 *
 * @module
 */
import type { JoinFrom } from "../core/feed.ts";
import type { Frame } from "../core/frame.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { encodeControl, type StreamStatus, type WatchHello } from "../wire/control_message.ts";
import type { RelaySession } from "../wire/relay_session.ts";
import { timeAnswer, welcome } from "./welcome.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketChannel } from "./socket_channel.ts";
import type { Streams } from "./streams.ts";
import { type Viewer, viewerStatus, type WatchedStream } from "./viewer.ts";

/** Serves one viewer, from its hello on. */
export class ViewerPeer implements Peer, Viewer<ViewerFeed> {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom;
  readonly #streams: Streams;
  readonly #stream: WatchedStream;
  readonly #channel: SocketChannel;
  readonly #session: RelaySession;
  #epoch = 0;

  /** @throws {ProtocolError} when there are as many viewers or streams as may be */
  constructor(
    streams: Streams,
    { name, joinFrom }: PeerPlace,
    { channel, session, hello }: {
      readonly channel: SocketChannel;
      readonly session: RelaySession;
      readonly hello: WatchHello;
    },
  ) {
    const { memory } = streams;
    const stream = streams.watch(name);
    this.#streams = streams;
    this.#stream = stream;
    this.#channel = channel;
    this.#session = session;
    this.joinFrom = joinFrom;
    this.feed = new ViewerFeed({
      maxDelayMs: hello.maxDelayMs,
      maxBytes: memory.plan.viewerBytes,
      fps: hello.fps,
      budget: memory.underWay,
      reserveBytes: memory.plan.reserveBytes,
      outflow: streams.outflow.viewer(),
      delays: stream.delays,
      unsentBytes: null,
      send: (frame, catchUp) => this.#send(frame, catchUp),
      splice: (frame) => stream.encodings.splice(frame),
    });
    stream.join(this);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    const event = this.#session.receive(message);
    if (event.type === "time") {
      this.#channel.sendControl(timeAnswer(this.#streams.clock, event.clientUs));
    } else if (
      event.type === "ack" && !this.#stream.acknowledge(this, event.sequence, event.heldMs)
    ) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `the acknowledged frame ${event.sequence} is not under way`,
      );
    }
  }

  closed(): void {
    this.#stream.leave(this);
    this.#streams.memory.release();
  }

  welcome(): void {
    const { maxFrameBytes } = this.#streams.options;
    this.#channel.sendControl(welcome(this.#stream, { role: "watch", received: 0, maxFrameBytes }));
  }

  ended(): void {
    this.#channel.sendControl(encodeControl({ type: "end" }));
  }

  report(status: StreamStatus): void {
    // A viewer that is behind gets frames before numbers.
    if (!this.feed.isReady(this.#streams.clock.nowMs())) return;
    this.#channel.sendControl(this.#stream.encodings.stats(status, viewerStatus(this.feed)));
  }

  close(code: number, reason: string): void {
    this.#channel.close(code, reason);
  }

  breakOff(code: number, reason: string): void {
    this.#channel.breakOff(code, reason);
  }

  #send(frame: Frame, catchUp: boolean): void {
    if (frame.epoch !== this.#epoch) {
      this.#epoch = frame.epoch;
      const { session = null, offset = 0 } = frame.origin ?? {};
      this.#channel.sendControl(
        encodeControl({ type: "config", epoch: frame.epoch, ...frame.config, session, offset }),
      );
    }
    this.#channel.sendFrame(this.#stream.encodings.encode(frame, catchUp));
  }
}
