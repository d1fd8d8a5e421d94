/**
 * Whatever serves a connection, and its way back to whom it serves.
 *
 * @module
 */
import type { JoinFrom } from "../core/feed.ts";

/** Where a connection goes. */
export interface PeerPlace {
  /** The stream's name. */
  readonly name: string;
  /** Where it begins, if it watches. */
  readonly joinFrom: JoinFrom;
}

/** The way back to a peer for all that is no frame. */
export interface ControlChannel {
  /** Sends a control message. */
  sendControl(text: string): void;
  /** Ends the connection with a code and a reason. */
  close(code: number, reason: string): void;
  /** The connection is gone, and nothing is held for it any longer. */
  gone?(): void;
}

/** One connection's side in the relay. */
export interface Peer {
  /**
   * Takes a message, which belongs to it from then on.
   *
   * @throws {ProtocolError} when the peer must be closed for it
   */
  receive(message: string | Uint8Array<ArrayBuffer>): void;
  /** The connection is gone. */
  closed(): void;
}
