/**
 * What a relay needs of a listener: requests to answer, upgrades to accept or refuse, and sockets.
 *
 * @module
 */

/** Seconds without a sign of life after which a peer is pinged, and then given up. */
export const IDLE_TIMEOUT_S = 30;

/** A request as it came in. */
export interface Incoming {
  readonly request: Request;
  /** Network address of the client, without a port; empty where it is unknown. */
  readonly address: string;
}

/** Answers a request, or accepts its upgrade to a WebSocket; any answer to an upgrade refuses it. */
export type Handler = (incoming: Incoming) => Promise<Response | Upgrade>;

/** An upgrade to a WebSocket that is accepted. */
export interface Upgrade {
  /** The subprotocol that both sides speak, of those that were offered. */
  readonly protocol: string | undefined;
  /** Serves the socket from when it is open. */
  readonly open: (socket: Socket) => SocketEvents;
}

/** One WebSocket. Nothing about it blocks or throws. */
export interface Socket {
  /** Bytes sent that the system has not taken. */
  readonly unsentBytes: number;
  /**
   * Sends a message; nothing once the socket closes. It copies what it needs before it returns: the
   * message's bytes may be freed then, and those of its header written again.
   */
  send(message: string | Uint8Array<ArrayBuffer>): void;
  /** Ends the connection with a code and a reason; only the first call counts. */
  close(code: number, reason: string): void;
}

/** What comes from a {@linkcode Socket}. */
export interface SocketEvents {
  /** A message, which belongs to whoever takes it. */
  receive(message: string | Uint8Array<ArrayBuffer>): void;
  /** The connection is gone; nothing comes behind that. */
  closed(): void;
}
