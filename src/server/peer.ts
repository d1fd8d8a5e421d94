/**
 * What the relay needs of whatever serves a connection.
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

/** One connection's side in the relay. */
export interface Peer {
  /**
   * Takes a message.
   *
   * @throws {ProtocolError} when the peer must be closed for it
   */
  receive(message: string | Uint8Array<ArrayBuffer>): void;
  /** The connection is gone. */
  closed(): void;
}
