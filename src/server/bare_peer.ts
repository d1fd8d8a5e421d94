/**
 * A connection to the relay without a subprotocol: a binary message is a frame, in and out.
 *
 * @module
 */
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import type { Front } from "./front.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketPort } from "./socket_port.ts";
import type { Audience, Viewer } from "./viewer.ts";

/** What a client without a protocol does. */
export type BareRole = "both" | "watch" | "publish";

/** Serves one client without a protocol. */
export class BarePeer implements Peer {
  readonly #front: Front;
  readonly #place: PeerPlace;
  readonly #port: SocketPort;
  readonly #role: BareRole;
  readonly #audience: Audience | undefined;
  readonly #viewer: Viewer<ViewerFeed> | undefined;
  #sender: Peer | undefined;

  constructor(front: Front, place: PeerPlace, port: SocketPort, role: BareRole) {
    this.#front = front;
    this.#place = place;
    this.#port = port;
    this.#role = role;
    if (role === "publish") {
      front.admitSender();
      try {
        this.#sender = front.openSender("bare", place, port);
      } catch (error) {
        front.release();
        throw error;
      }
      return;
    }
    const audience = front.admitViewer(place.name);
    const feed = new ViewerFeed({
      maxDelayMs: DEFAULT_MAX_DELAY_MS,
      maxBytes: front.maxViewerBytes,
      fps: null,
      budget: front.underWay,
      delays: audience.delays,
      unsentBytes: () => port.unsentBytes,
      send: (frame) => port.sendFrame(frame.data),
      splice: (frame) => audience.encodings.splice(frame),
    });
    this.#audience = audience;
    this.#viewer = {
      feed,
      joinFrom: place.joinFrom,
      welcome: () => {},
      ended: () => {},
      report: () => {},
      close: (code, reason) => port.close(code, reason),
    };
    audience.join(this.#viewer);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === "string") return;
    if (this.#role === "watch") {
      throw new ProtocolError(CLOSE.unsupportedData, "a frame came from a client with role=watch");
    }
    this.#sender ??= this.#front.openSender("bare", this.#place, this.#port);
    this.#sender.receive(message);
  }

  closed(): void {
    if (this.#viewer !== undefined) this.#audience?.leave(this.#viewer);
    this.#sender?.closed();
    this.#front.release();
  }
}
