/**
 * The sending side of one WebSocket of the relay.
 *
 * @module
 */
import { CLOSE, closeReason } from "../wire/close_code.ts";

/** Bytes that may stand unsent beyond the frames that are accounted for: control messages. */
const MAX_CONTROL_BACKLOG_BYTES = 1024 * 1024;

/** Sends to a peer and never blocks, fails or grows without bound. */
export class SocketPort {
  readonly #socket: WebSocket;
  readonly #frameAllowanceBytes: number;

  /** `frameAllowanceBytes`: most bytes of frames that may be under way to this peer. */
  constructor(socket: WebSocket, frameAllowanceBytes: number) {
    this.#socket = socket;
    this.#frameAllowanceBytes = frameAllowanceBytes;
  }

  /** Whether the peer can be sent to. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Bytes sent that the system has not taken. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a frame; whoever calls bounds what is under way. */
  sendFrame(message: Uint8Array<ArrayBuffer>): void {
    if (this.isOpen) this.#socket.send(message);
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

  /** Begins the closing handshake. */
  close(code: number, reason: string): void {
    if (this.isOpen) this.#socket.close(code, closeReason(reason));
  }
}
