/**
 * Messages to whoever is at a socket.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import type { Socket } from "../listen/listener.ts";
import { CLOSE, closeReason } from "../wire/close_code.ts";
import type { ControlChannel } from "./peer.ts";

/** What a message costs that waits to be read, beside its bytes: measured, rounded up. */
const MESSAGE_COST_BYTES = 256;

/** Why a peer is closed that leaves too much unread. */
export const UNREAD = "the client does not read the answers (--max-unread)";

/** What a {@linkcode SocketChannel} works with. */
export interface SocketChannelOptions {
  /** Most bytes of frames that may be under way to this peer. */
  readonly frameBytes: number;
  /** Most bytes of control messages that may be unread. */
  readonly maxUnreadBytes: number;
  /** Told when a peer is closed for that. */
  readonly onUnread: () => void;
}

/** Sends messages and never grows without bound. */
export class SocketChannel implements ControlChannel {
  readonly #socket: Socket;
  readonly #options: SocketChannelOptions;
  /** Bytes of all messages that were sent, ever. */
  #sentBytes = 0;
  /** Control messages that may be unread: where each ends among those bytes, and what it costs. */
  readonly #unread = new Deque<{ readonly endBytes: number; readonly cost: number }>();
  #unreadCost = 0;

  constructor(socket: Socket, options: SocketChannelOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Bytes sent that the system has not taken. */
  get unsentBytes(): number {
    return this.#socket.unsentBytes;
  }

  /** Sends a frame; whoever does bounds what is under way. */
  sendFrame(message: Uint8Array<ArrayBuffer>): void {
    this.#sentBytes += message.byteLength;
    this.#socket.send(message);
  }

  /** Sends a control message; a peer that asks without reading the answers is closed. */
  sendControl(text: string): void {
    const { frameBytes, maxUnreadBytes } = this.#options;
    const unsentBytes = this.#socket.unsentBytes;
    this.#forget(this.#sentBytes - unsentBytes);
    if (this.#unreadCost > maxUnreadBytes || unsentBytes > frameBytes + maxUnreadBytes) {
      this.#options.onUnread();
      return this.close(CLOSE.stalled, UNREAD);
    }
    this.#sentBytes += text.length;
    const cost = text.length + MESSAGE_COST_BYTES;
    this.#unread.push({ endBytes: this.#sentBytes, cost });
    this.#unreadCost += cost;
    this.#socket.send(text);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, closeReason(reason));
  }

  /** Forgets control messages that have left with the first `leftBytes`. */
  #forget(leftBytes: number): void {
    for (;;) {
      const first = this.#unread.first;
      if (first === undefined || first.endBytes > leftBytes) return;
      this.#unread.shift();
      this.#unreadCost -= first.cost;
    }
  }
}
