/**
 * One WebSocket of a client: messages wait in an inbox until the loop that owns the connection
 * takes them.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { type Client, connectFault, openClientSocket } from "./client_socket.ts";
import type { Wakeup } from "./wakeup.ts";

/** How long a handshake may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions {
  /** The WebSocket address. */
  readonly url: string;
  /** Gives the handshake up. */
  readonly signal: AbortSignal;
  /** Notified of every message and of the end. */
  readonly wakeup: Wakeup;
}

/** An open connection. */
export class Connection {
  readonly #socket: Client;
  /** Bounded by what the protocol lets the relay send before it is answered. */
  #inbox: (string | Uint8Array<ArrayBuffer>)[] = [];
  #closed: Closed | undefined;

  /** Takes over `socket`, which is open. */
  constructor(socket: Client, wakeup: Wakeup) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#inbox.push(typeof data === "string" ? data : new Uint8Array(data));
      wakeup.notify();
    };
    socket.onclose = ({ code, reason }) => {
      this.#closed ??= { code, reason };
      wakeup.notify();
    };
  }

  /** How the connection ended, once it has. */
  get closed(): Closed | undefined {
    return this.#closed;
  }

  /** Messages received and not taken. */
  get waiting(): number {
    return this.#inbox.length;
  }

  /** Removes the oldest message received. */
  take(): string | Uint8Array<ArrayBuffer> | undefined {
    return this.#inbox.shift();
  }

  /** Sends a message; after the end it goes nowhere. */
  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  /** Ends the connection, of which nothing more is heard. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) {
      // Clients may only send 1000 and codes from 3000 (WHATWG WebSockets, close()).
      this.#socket.close(code >= 3000 ? code : CLOSE.normal, reason);
    }
  }
}

/**
 * Opens a connection that speaks the project's protocol.
 *
 * @throws {StreamError} `unreachable` when nobody answers or it is not a relay, `refused` when
 * credentials are asked for
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { url, signal } = options;
  const socket = openClientSocket(url, [SUBPROTOCOL]);
  const giveUp = new AbortController();
  const timer = setTimeout(
    () => giveUp.abort(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`),
    CONNECT_TIMEOUT_MS,
  );
  const either = AbortSignal.any([signal, giveUp.signal]);
  try {
    return await new Promise<Connection>((resolve, reject) => {
      // A message may come in the same turn.
      socket.onopen = () => resolve(new Connection(socket, options.wakeup));
      socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
      socket.onclose = () => reject(new Error("the connection ended"));
      either.addEventListener("abort", () => reject(new Error(String(either.reason))));
      if (either.aborted) reject(new Error(String(either.reason)));
    });
  } catch (error) {
    socket.onclose = null;
    socket.terminate();
    throw connectError(url, (error as Error).message, error);
  } finally {
    clearTimeout(timer);
  }
}

function connectError(url: string, seen: string, cause?: unknown): StreamError {
  const status = /Unexpected server response: (\d+)/.exec(seen)?.[1];
  if (status === "401" || status === "403") {
    return new StreamError(
      "refused",
      `Cannot connect to ${url}: the server refuses access (HTTP ${status}); check the credentials`,
      { cause },
    );
  }
  const what = status === undefined
    ? seen === "Server sent no subprotocol"
      ? `the server there does not speak ${SUBPROTOCOL}`
      : connectFault(seen)
    : `the server there is no relay (HTTP ${status})`;
  return new StreamError(
    "unreachable",
    `Cannot connect to ${url}: ${what}; check the address, or start a relay with "stream serve"`,
    { cause },
  );
}
