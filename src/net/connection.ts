/**
 * One WebSocket of a client: messages wait in an inbox until the loop that owns the connection
 * takes them.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { messageOf, StreamError } from "../errors.ts";
import { printable } from "../host/printable.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { connectError, NO_SUBPROTOCOL } from "./connect_error.ts";
import type { Pass } from "./pass.ts";
import { type ClientSocket, OPEN, type OpenSocket } from "./socket.ts";
import type { Wakeup } from "./wakeup.ts";

/** How long a handshake may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Bytes in an inbox with which the relay has to wait until half of them are taken. What it sends on waits
 * on the way, and then at the relay.
 */
const MAX_INBOX_BYTES = 16 * 1024 * 1024;
/**
 * The same where reading cannot pause: with more the relay is left. A relay with 512 MiB sends 48 MiB to
 * a viewer that confirms nothing, and one more frame, of 64 MiB at most.
 */
const MAX_UNPAUSED_BYTES = 128 * 1024 * 1024;
/** What a message costs beside its bytes. */
const MESSAGE_COST_BYTES = 256;

function costOf(message: string | Uint8Array): number {
  return message.length + MESSAGE_COST_BYTES;
}

/** What is wrong with what a relay sends, where `ws` cannot read it; another try would be of no use. */
function faultOf(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  if (typeof code !== "string" || !code.startsWith("WS_ERR_")) return undefined;
  return code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
    ? "the relay sends a message that is too large"
    : `the relay sends what is no WebSocket's: ${printable(String(message))}`;
}

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
  /** What goes with the connection. @default {nothing} */
  readonly pass?: Pass;
  /** Gives the handshake up. */
  readonly signal: AbortSignal;
  /** Notified of every message and of the end. */
  readonly wakeup: Wakeup;
}

/** An open connection. */
export class Connection {
  readonly #socket: ClientSocket;
  readonly #inbox = new Deque<string | Uint8Array<ArrayBuffer>>();
  #inboxBytes = 0;
  /** Messages received. */
  #messages = 0;
  #isPaused = false;
  /** Whether nothing more is to be heard of it. */
  #isLeft = false;
  #closed: Closed | undefined;

  /** Takes over `socket`, which is open. */
  constructor(socket: ClientSocket, wakeup: Wakeup) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#closed === undefined && !this.#isLeft) {
        this.#keep(typeof data === "string" ? data : new Uint8Array(data));
      }
      wakeup.notify();
    };
    socket.onerror = (event) => {
      const why = faultOf((event as ErrorEvent).error);
      if (why === undefined) return;
      this.#closed ??= { code: CLOSE.protocolError, reason: why };
      // Who sends such things need not answer a goodbye.
      socket.terminate?.();
    };
    socket.onclose = ({ code, reason }) => {
      this.#closed ??= { code, reason: printable(reason) };
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

  /** Grows with whatever comes, also with a part of a message where that is known; by itself it says nothing. */
  get heard(): number {
    return this.#socket.receivedBytes?.() ?? this.#messages;
  }

  /** Bytes of messages that have been sent, and not yet left this computer's program. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Removes the oldest message received. */
  take(): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.#inbox.length === 0) return undefined;
    const message = this.#inbox.shift();
    this.#inboxBytes -= costOf(message);
    if (this.#inboxBytes < MAX_INBOX_BYTES / 2) this.#readOn();
    return message;
  }

  #readOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume?.();
  }

  /** Keeps a message until it is taken; where many are kept, the relay has to wait or is left. */
  #keep(message: string | Uint8Array<ArrayBuffer>): void {
    this.#messages++;
    this.#inbox.push(message);
    this.#inboxBytes += costOf(message);
    if (this.#inboxBytes < MAX_INBOX_BYTES || this.#isPaused) return;
    if (this.#socket.pause !== undefined) {
      this.#isPaused = true;
      this.#socket.pause();
    } else if (this.#inboxBytes > MAX_UNPAUSED_BYTES) {
      this.#closed = { code: CLOSE.tooLarge, reason: "the relay sends more than it was asked for" };
      this.#socket.close();
    }
  }

  /** Sends a message; after the end it goes nowhere. */
  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(message);
  }

  /** Ends the connection, of which nothing more is heard. */
  close(code: number, reason: string): void {
    this.#isLeft = true;
    // The answer comes behind what has not been read.
    this.#readOn();
    if (this.#socket.readyState === OPEN) {
      // Clients may only send 1000 and codes from 3000 (WHATWG WebSockets, close()).
      this.#socket.close(code >= 3000 ? code : CLOSE.normal, reason);
    }
  }
}

/** @throws {StreamError} `unreachable` when the platform lets nobody connect there */
function openAt({ url, openSocket, pass }: ConnectOptions): ClientSocket {
  try {
    return openSocket(url, [SUBPROTOCOL], pass);
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
  const socket = openAt(options);
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
        reject(
          (event as ErrorEvent).error ??
            new Error((event as ErrorEvent).message ?? "the connection failed"),
        );
      socket.onclose = () => reject(new Error("the connection ended"));
      either.addEventListener("abort", () => reject(new Error(String(either.reason))));
      if (either.aborted) reject(new Error(String(either.reason)));
    });
  } catch (error) {
    socket.onopen = null;
    socket.onclose = null;
    if (socket.terminate !== undefined) socket.terminate();
    else socket.close();
    const why = either.aborted ? undefined : await socket.explain?.(error);
    if (why !== undefined) {
      throw new StreamError("unreachable", `Cannot connect to ${url}: ${why}`, { cause: error });
    }
    throw connectError(url, messageOf(error), error);
  } finally {
    clearTimeout(timer);
  }
}
