/**
 * Requests that become WebSockets of `ws`.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket as Connection } from "node:net";
// @ts-types="../../types/ws.d.ts"
import { type ServerSocket, WebSocketServer } from "ws";

/**
 * Bytes that a message may have beyond a frame: for its header, for control messages where frames are
 * small, and so that the relay itself tells who sends a little too much.
 */
const MESSAGE_ROOM_BYTES = 65_536;

/** Reads in which a message may come: at least, and of how many bytes where it is a large one. */
const MIN_PARTS = 16_384;
const MEAN_PART_BYTES = 512;

/** How WebSockets are opened. */
export interface UpgradeOptions {
  readonly maxFrameBytes: number;
  /** How long a peer may take to answer its close until it is broken off, in milliseconds. */
  readonly closeTimeoutMs: number;
  /** Called with a request that is no handshake of RFC 6455; its connection is to be answered. */
  readonly onBroken: (incoming: IncomingMessage, connection: Connection) => void;
}

/** Opens WebSockets. */
export class NodeUpgrades {
  readonly #sockets: WebSocketServer<IncomingMessage, Connection>;
  readonly #protocols = new WeakMap<IncomingMessage, string>();

  constructor({ maxFrameBytes, closeTimeoutMs, onBroken }: UpgradeOptions) {
    this.#sockets = new WebSocketServer<IncomingMessage, Connection>({
      noServer: true,
      clientTracking: false,
      autoPong: false,
      perMessageDeflate: false,
      skipUTF8Validation: false,
      maxPayload: maxFrameBytes + MESSAGE_ROOM_BYTES,
      maxBufferedChunks: Math.max(MIN_PARTS, Math.ceil(maxFrameBytes / MEAN_PART_BYTES)),
      closeTimeout: closeTimeoutMs,
      handleProtocols: (_, request) => this.#protocols.get(request) ?? false,
    });
    this.#sockets.on("wsClientError", (_, connection, incoming) => onBroken(incoming, connection));
  }

  /** Opens one that speaks `protocol`, of which `head` has come already. */
  open(
    incoming: IncomingMessage,
    connection: Connection,
    head: Uint8Array,
    protocol: string | undefined,
    onOpen: (socket: ServerSocket) => void,
  ): void {
    if (protocol !== undefined) this.#protocols.set(incoming, protocol);
    this.#sockets.handleUpgrade(incoming, connection, head, onOpen);
  }
}
