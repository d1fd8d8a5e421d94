/**
 * A WebSocket of `ws`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="../../types/ws.d.ts"
import type { ServerSocket } from "ws";
import { IDLE_TIMEOUT_S, type Socket, type SocketEvents } from "./listener.ts";

const OPEN = 1;

/** Sends to a peer and never blocks or fails. */
export class NodeSocket implements Socket {
  readonly #socket: ServerSocket;
  #isClosing = false;

  constructor(socket: ServerSocket) {
    this.#socket = socket;
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#isClosing || this.#socket.readyState !== OPEN) return;
    // `ws` keeps what it is given until it is written.
    this.#socket.send(typeof message === "string" ? message : Buffer.from(message));
  }

  close(code: number, reason: string): void {
    if (this.#isClosing || this.#socket.readyState !== OPEN) return;
    this.#isClosing = true;
    this.#socket.close(code, reason);
  }
}

/** Serves a socket that is open, and ends it when nothing more is heard from there. */
export function serveSocket(socket: ServerSocket, open: (socket: Socket) => SocketEvents): void {
  let isHeard = true;
  let isPinged = false;
  const hear = () => {
    isHeard = true;
    isPinged = false;
  };
  const timer = setInterval(() => {
    if (isPinged) socket.terminate();
    else if (!isHeard && socket.readyState === OPEN) {
      isPinged = true;
      socket.ping();
    }
    isHeard = false;
  }, IDLE_TIMEOUT_S * 1000);
  // What went wrong is told by the close that follows.
  socket.on("error", () => {});
  const events = open(new NodeSocket(socket));
  socket.on("ping", hear);
  socket.on("pong", hear);
  socket.on("message", (data, isBinary) => {
    hear();
    // A copy: bytes of `ws` are parts of what was read, and all empty messages share a buffer.
    const bytes = new Uint8Array(data);
    events.receive(isBinary ? bytes : new TextDecoder().decode(bytes));
  });
  socket.on("close", () => {
    clearInterval(timer);
    events.closed();
  });
}
