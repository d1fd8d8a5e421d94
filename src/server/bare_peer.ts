/**
 * A connection to the relay without a subprotocol: a binary message is a frame, in and out.
 *
 * @module
 */
import { isCodedInTime, type StreamConfig } from "../core/frame.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { sniffFrame, sniffKind } from "../split/sniff.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Hub } from "./hub.ts";
import type { LiveStream, Viewer } from "./live_stream.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketPort } from "./socket_port.ts";

/** What a client without a protocol does. */
export type BareRole = "both" | "watch" | "publish";

/** Longest delay that frames under way to a bare viewer may stand for, in milliseconds. */
const MAX_DELAY_MS = 500;

/** Serves one client without a protocol. */
export class BarePeer implements Peer {
  readonly #hub: Hub;
  readonly #live: LiveStream;
  readonly #role: BareRole;
  readonly #viewer: Viewer | undefined;
  #config: StreamConfig | undefined;

  constructor(hub: Hub, { name, joinFrom }: PeerPlace, port: SocketPort, role: BareRole) {
    this.#hub = hub;
    this.#role = role;
    this.#live = hub.admitViewer(name);
    if (role !== "watch") this.#live.joinBare(this);
    if (role === "publish") return;
    const feed = new ViewerFeed({
      maxDelayMs: MAX_DELAY_MS,
      maxBytes: hub.maxViewerBytes,
      fps: null,
      budget: hub.underWay,
      unsentBytes: () => port.unsentBytes,
      send: (frame) => port.sendFrame(frame.data),
      splice: (frame) => this.#live.splice(frame),
    });
    this.#viewer = {
      feed,
      joinFrom,
      ended: () => {},
      report: () => {},
      close: (code, reason) => port.close(code, reason),
    };
    this.#live.join(this.#viewer);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === "string") return;
    if (this.#role === "watch") {
      throw new ProtocolError(CLOSE.unsupportedData, "a frame came from a client with role=watch");
    }
    const { maxFrameBytes } = this.#hub.options;
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
      captureUs: this.#hub.clock.wallUs(),
    });
  }

  closed(): void {
    if (this.#viewer !== undefined) this.#live.leave(this.#viewer);
    this.#live.leaveBare(this);
    this.#hub.releaseViewer();
  }
}
