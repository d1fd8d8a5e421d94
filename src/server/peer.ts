/**
 * What the relay needs of whatever serves a connection.
 *
 * @module
 */

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
