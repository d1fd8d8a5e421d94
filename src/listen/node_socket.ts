/**
 * A WebSocket of `ws`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
// @ts-types="../../types/ws.d.ts"
import type { ServerSocket } from "ws";
import { IDLE_TIMEOUT_S, type Socket, type SocketEvents } from "./listener.ts";

const OPEN = 1;

/** Pings are answered as long as no more than this is unsent. */
const MAX_PONG_BACKLOG_BYTES = 65_536;

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

  pause(): boolean {
    this.#socket.pause();
    return true;
  }

  resume(): void {
    this.#socket.resume();
  }

  breakOff(): boolean {
    this.#socket.terminate();
    return true;
  }

  close(code: number, reason: string): void {
    if (this.#isClosing || this.#socket.readyState !== OPEN) return;
    this.#isClosing = true;
    this.#socket.close(code, reason);
  }
}

/**
 * Serves a socket that is open, and ends it when nothing more comes through `connection`, which is below
 * it.
 */
export function serveSocket(
  socket: ServerSocket,
  connection: { readonly bytesRead: number },
  open: (socket: Socket) => SocketEvents,
): void {
  let heardBytes = 0;
  let isPinged = false;
  const timer = setInterval(() => {
    // Bytes, not messages: one of many megabytes may take longer.
    const { bytesRead } = connection;
    if (bytesRead !== heardBytes) isPinged = false;
    else if (isPinged) socket.terminate();
    else if (socket.readyState === OPEN) {
      isPinged = true;
      socket.ping();
    }
    heardBytes = bytesRead;
  }, IDLE_TIMEOUT_S * 1000);
  const decoder = new TextDecoder();
  // What went wrong is told by the close that follows.
  socket.on("error", () => {});
  const events = open(new NodeSocket(socket));
  socket.on("message", (data, isBinary) => {
    // A copy: bytes of `ws` are parts of what was read, and all empty messages share a buffer.
    events.receive(isBinary ? new Uint8Array(data) : decoder.decode(data));
  });
  let unanswered: Uint8Array | undefined;
  const answer = () => {
    if (socket.readyState === OPEN && socket.bufferedAmount < MAX_PONG_BACKLOG_BYTES) {
      socket.pong(unanswered!);
    }
    unanswered = undefined;
  };
  socket.on("ping", (data) => {
    events.pinged();
    // Of those that are read at once, only the last must be answered (RFC 6455 section 5.5.3).
    if (unanswered === undefined) setImmediate(answer);
    unanswered = data;
  });
  socket.on("pong", () => events.pinged());
  socket.on("close", () => {
    clearInterval(timer);
    events.closed();
  });
}
