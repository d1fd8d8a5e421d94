/**
 * Messages to whoever is at a socket.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import type { Socket } from "../listen/listener.ts";
import { CLOSE, closeReason } from "../wire/close_code.ts";
import type { Memory } from "./memory.ts";
import type { ControlChannel } from "./peer.ts";

/** What a message costs that waits to be read, beside its bytes: measured, rounded up. */
const MESSAGE_COST_BYTES = 256;

/** Why a peer is closed that leaves too much unread. */
export const UNREAD = "the client does not read the answers (--max-unread)";

/** What a {@linkcode SocketChannel} works with. */
export interface SocketChannelOptions {
  /** Where it is counted what the socket holds once it is closed. */
  readonly memory: Memory;
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
  #isClosed = false;
  /** What was unsent when the socket was closed: it is held until the peer is gone. */
  #heldBytes = 0;

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
    if (this.#isClosed) return;
    this.#forget(this.#sentBytes - this.#socket.unsentBytes);
    // Frames are bounded by whoever sends them, which the end of a stream makes many at once.
    if (this.#unreadCost > this.#options.maxUnreadBytes) {
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#heldBytes = this.#socket.unsentBytes;
    this.#options.memory.hold(this.#heldBytes);
    this.#socket.close(code, closeReason(reason));
  }

  /** Ends the connection with what is unsent, where the listener can; else it is closed. */
  breakOff(code: number, reason: string): void {
    this.close(code, reason);
    this.#socket.breakOff();
  }

  gone(): void {
    this.#isClosed = true;
    this.#options.memory.letGo(this.#heldBytes);
    this.#heldBytes = 0;
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
