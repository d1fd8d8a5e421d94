/**
 * The sending side of one WebSocket of the relay.
 *
 * @module
 */
import { CLOSE, closeReason } from "../wire/close_code.ts";

/** Bytes that may stand unsent beyond the frames that are accounted for: control messages. */
const MAX_CONTROL_BACKLOG_BYTES = 1024 * 1024;
/** How long a peer must be silent before it is told that the connection ends, in milliseconds. */
const QUIET_MS = 10;
/** For how long a peer that talks on is waited for, in milliseconds. */
const MAX_LINGER_MS = 250;

/** Sends to a peer and never blocks, fails or grows without bound. */
export class SocketPort {
  readonly #socket: WebSocket;
  readonly #frameAllowanceBytes: number;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  /** `frameAllowanceBytes`: most bytes of frames that may be under way to this peer. */
  constructor(socket: WebSocket, frameAllowanceBytes: number) {
    this.#socket = socket;
    this.#frameAllowanceBytes = frameAllowanceBytes;
  }

  /** Whether the peer can be sent to. */
  get isOpen(): boolean {
    return this.#closing === undefined && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Bytes sent that the system has not taken. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a frame; whoever calls bounds what is under way. */
  sendFrame(message: Uint8Array<ArrayBuffer>): void {
    // A socket that is no longer open takes no more and does not complain.
    if (this.#closing === undefined) this.#socket.send(message);
  }

  /** Sends a control message; a peer that asks without reading the answers is closed. */
  sendControl(text: string): void {
    if (!this.isOpen) return;
    if (this.unsentBytes > this.#frameAllowanceBytes + MAX_CONTROL_BACKLOG_BYTES) {
      this.close(CLOSE.stalled, "answers are not read");
    } else {
      this.#socket.send(text);
    }
  }

  /**
   * Ends the connection with a code and a reason, as soon as the peer is silent: Deno's server drops
   * a connection without a word when a message comes in while it sends the close frame.
   */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#closing = { code, reason: closeReason(reason) };
    this.#quietTimer = setTimeout(() => this.#closeNow(), QUIET_MS);
    this.#lingerTimer = setTimeout(() => this.#closeNow(), MAX_LINGER_MS);
  }

  /** A message has come from the peer. */
  heard(): void {
    if (this.#quietTimer === undefined) return;
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
