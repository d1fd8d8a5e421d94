/**
 * A connection to the relay without a subprotocol: a binary message is a frame, in and out.
 *
 * @module
 */
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketChannel } from "./socket_channel.ts";
import type { Streams } from "./streams.ts";
import type { Viewer, WatchedStream } from "./viewer.ts";

/** What a client without a protocol does. */
export type BareRole = "both" | "watch" | "publish";

/** Serves one client without a protocol. */
export class BarePeer implements Peer {
  readonly #streams: Streams;
  readonly #name: string;
  readonly #channel: SocketChannel;
  readonly #role: BareRole;
  readonly #stream: WatchedStream | undefined;
  readonly #viewer: Viewer<ViewerFeed> | undefined;
  #publisher: Peer | undefined;
  #isEnded = false;

  /** @throws {ProtocolError} when there are as many viewers or streams as may be */
  constructor(
    streams: Streams,
    { name, joinFrom }: PeerPlace,
    { channel, role }: { readonly channel: SocketChannel; readonly role: BareRole },
  ) {
    const { memory } = streams;
    this.#streams = streams;
    this.#name = name;
    this.#channel = channel;
    this.#role = role;
    if (role === "publish") {
      memory.admit();
      try {
        this.#publisher = streams.publish(name, "bare", channel);
      } catch (error) {
        memory.release();
        throw error;
      }
      return;
    }
    const stream = streams.watch(name);
    const feed = new ViewerFeed({
      maxDelayMs: DEFAULT_MAX_DELAY_MS,
      maxBytes: memory.plan.viewerBytes,
      fps: null,
      budget: memory.underWay,
      reserveBytes: memory.plan.reserveBytes,
      outflow: streams.outflow.viewer(),
      delays: stream.delays,
      unsentBytes: () => channel.unsentBytes,
      send: (frame) => channel.sendFrame(frame.data),
      splice: (frame) => stream.encodings.splice(frame),
    });
    this.#stream = stream;
    this.#viewer = {
      feed,
      joinFrom,
      welcome: () => {},
      ended: () => {},
      report: () => {},
      close: (code, reason) => {
        this.#isEnded = true;
        channel.close(code, reason);
      },
      breakOff: (code, reason) => channel.breakOff(code, reason),
    };
    stream.join(this.#viewer);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    // It may go on to send while its connection closes.
    if (typeof message === "string" || this.#isEnded) return;
    if (this.#role === "watch") {
      throw new ProtocolError(CLOSE.unsupportedData, "a client with role=watch sent a frame");
    }
    this.#publisher ??= this.#streams.publish(this.#name, "bare", this.#channel);
    this.#publisher.receive(message);
  }

  closed(): void {
    if (this.#viewer !== undefined) this.#stream?.leave(this.#viewer);
    this.#publisher?.closed();
    this.#streams.memory.release();
  }
}
