/**
 * One WebSocket of a client: messages wait in an inbox until the loop that owns the connection
 * takes them.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { connectError, NO_SUBPROTOCOL } from "./connect_error.ts";
import { type ClientSocket, OPEN, type OpenSocket } from "./socket.ts";
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
  /** What connects. */
  readonly openSocket: OpenSocket;
  /** Gives the handshake up. */
  readonly signal: AbortSignal;
  /** Notified of every message and of the end. */
  readonly wakeup: Wakeup;
}

/** An open connection. */
export class Connection {
  readonly #socket: ClientSocket;
  /** Bounded by what the protocol lets the relay send before it is answered. */
  #inbox: (string | Uint8Array<ArrayBuffer>)[] = [];
  #closed: Closed | undefined;

  /** Takes over `socket`, which is open. */
  constructor(socket: ClientSocket, wakeup: Wakeup) {
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
    if (this.#socket.readyState === OPEN) this.#socket.send(message);
  }

  /** Ends the connection, of which nothing more is heard. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState === OPEN) {
      // Clients may only send 1000 and codes from 3000 (WHATWG WebSockets, close()).
      this.#socket.close(code >= 3000 ? code : CLOSE.normal, reason);
    }
  }
}

/** @throws {StreamError} `unreachable` when the platform lets nobody connect there */
function openAt(url: string, openSocket: OpenSocket): ClientSocket {
  try {
    return openSocket(url, [SUBPROTOCOL]);
  } catch (error) {
    throw connectError(url, messageOf(error), error);
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
  const socket = openAt(url, options.openSocket);
  const giveUp = new AbortController();
  const timer = setTimeout(
    () => giveUp.abort(`no response within ${CONNECT_TIMEOUT_MS / 1000} s`),
    CONNECT_TIMEOUT_MS,
  );
  const either = AbortSignal.any([signal, giveUp.signal]);
  try {
    return await new Promise<Connection>((resolve, reject) => {
      // A message may come in the same turn.
      socket.onopen = () => {
        if (socket.protocol === SUBPROTOCOL) resolve(new Connection(socket, options.wakeup));
        else reject(new Error(NO_SUBPROTOCOL));
      };
      // A browser does not tell pages what is wrong.
      socket.onerror = (event) =>
        reject(new Error((event as ErrorEvent).message ?? "the connection failed"));
      socket.onclose = () => reject(new Error("the connection ended"));
      either.addEventListener("abort", () => reject(new Error(String(either.reason))));
      if (either.aborted) reject(new Error(String(either.reason)));
    });
  } catch (error) {
    socket.onopen = null;
    socket.onclose = null;
    if (socket.terminate !== undefined) socket.terminate();
    else socket.close();
    throw connectError(url, (error as Error).message, error);
  } finally {
    clearTimeout(timer);
  }
}
