/** The part of `ws` that is used: https://github.com/websockets/ws/blob/master/doc/ws.md */

export interface ClientOptions {
  perMessageDeflate: boolean;
  /** Fills the four bytes of a frame's mask. */
  generateMask(mask: Uint8Array): void;
}

/** A client with the interface of `WebSocket`. */
export interface Client extends WebSocket {
  /** Ends the connection at once, also one that does not stand yet. */
  terminate(): void;
}

declare const WebSocketClient: {
  new (url: string | URL, protocols: readonly string[], options: ClientOptions): Client;
};
export default WebSocketClient;
