/** The part of `ws` that is used: https://github.com/websockets/ws/blob/master/doc/ws.md */

export interface ClientOptions {
  perMessageDeflate: boolean;
  /** Most bytes of a message. */
  maxPayload: number;
  /** How long a close may stay unanswered, in milliseconds. */
  closeTimeout: number;
  /** Whether pings are answered without a listener. */
  autoPong: boolean;
  /** Fills the four bytes of a frame's mask. */
  generateMask(mask: Uint8Array): void;
  /** Certificates (PEM) that are trusted; absent: those of the platform. */
  ca?: readonly string[];
  /** Of the handshake. */
  headers?: Readonly<Record<string, string>>;
}

/** A client with the interface of `WebSocket`. */
export interface Client extends WebSocket {
  /** Ends the connection at once, also one that does not stand yet. */
  terminate(): void;
  /** Reads nothing more from the connection. */
  pause(): void;
  resume(): void;
  /** Answers a ping; `done` is called once that has been written. */
  pong(data: Uint8Array, mask: boolean, done: () => void): void;
  on(event: "ping", listener: (data: Uint8Array) => void): void;
  /** The answer to the handshake, with the connection that it came by. */
  on(
    event: "upgrade",
    listener: (response: { readonly socket: { readonly bytesRead: number } }) => void,
  ): void;
  /** An answer to the handshake that is none; whoever listens ends the connection. */
  on(
    event: "unexpected-response",
    listener: (request: { destroy(): void }, response: {
      readonly statusCode?: number;
      setEncoding(encoding: "utf8"): void;
      on(event: "data", listener: (part: string) => void): void;
      on(event: "end" | "error", listener: () => void): void;
    }) => void,
  ): void;
  emit(event: "error", error: Error): void;
}

declare const WebSocketClient: {
  new (url: string | URL, protocols: readonly string[], options: ClientOptions): Client;
};
export default WebSocketClient;

/** A socket of a server. */
export interface ServerSocket {
  readonly readyState: number;
  send(message: string | Uint8Array): void;
  ping(): void;
  pong(data: Uint8Array): void;
  /** Reads nothing more from the connection. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): void;
  on(event: "ping" | "pong", listener: (data: Uint8Array) => void): void;
  on(event: "close", listener: (code: number) => void): void;
  on(event: "error", listener: (error: Error & { readonly code?: string }) => void): void;
}

/** Takes sockets over from a server that it does not own. */
export declare class WebSocketServer<Request extends object, Stream> {
  constructor(options: {
    noServer: true;
    clientTracking: false;
    autoPong: false;
    perMessageDeflate: false;
    skipUTF8Validation: false;
    maxPayload: number;
    /** Most reads in which a part of a message may come. */
    maxBufferedChunks: number;
    /** How long a close may stay unanswered, in milliseconds. */
    closeTimeout: number;
    handleProtocols(offered: Set<string>, request: Request): string | false;
  });
  /** A handshake that it does not take; whoever listens answers it. */
  on(
    event: "wsClientError",
    listener: (error: Error, stream: Stream, request: Request) => void,
  ): void;
  handleUpgrade(
    request: Request,
    stream: Stream,
    head: Uint8Array,
    then: (socket: ServerSocket) => void,
  ): void;
}
