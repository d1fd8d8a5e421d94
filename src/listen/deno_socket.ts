/**
 * A WebSocket of Deno's server.
 *
 * @module
 */
import type { Socket } from "./listener.ts";

/** How long a peer must be silent before it is told that the connection ends, in milliseconds. */
const QUIET_MS = 10;
/** For how long a peer that talks on is waited for, in milliseconds, and for how many messages. */
const MAX_LINGER_MS = 250;
const MAX_LINGER_MESSAGES = 100;

/** Sends to a peer and never blocks or fails. */
export class DenoSocket implements Socket {
  readonly #socket: WebSocket;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    // A socket that is no longer open takes no more and does not complain.
    if (this.#closing === undefined) this.#socket.send(message);
  }

  pause(): boolean {
    return false;
  }

  resume(): void {}

  breakOff(): boolean {
    return false;
  }

  /**
   * Closes the connection as soon as the peer is silent. If a message arrives while Deno's server
   * sends the close frame, it drops the connection without one.
   */
  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#closing = { code, reason };
    this.#quietTimer = setTimeout(() => this.#closeNow(), QUIET_MS);
    this.#lingerTimer = setTimeout(() => this.#closeNow(), MAX_LINGER_MS);
  }

  /** A message has come from the peer. */
  heard(): void {
    if (this.#quietTimer === undefined) return;
    // A flood keeps timers from coming.
    if (++this.#heard > MAX_LINGER_MESSAGES) return this.#closeNow();
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#closeNow(), QUIET_MS);
  }

  /** The connection is gone. */
  gone(): void {
    clearTimeout(this.#quietTimer);
    clearTimeout(this.#lingerTimer);
    this.#quietTimer = undefined;
  }

  #closeNow(): void {
    this.gone();
    const { code, reason } = this.#closing!;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
  }
}
