/**
 * Control messages to whoever is at a socket.
 *
 * @module
 */
import type { Socket } from "../listen/listener.ts";
import { CLOSE, closeReason } from "../wire/close_code.ts";
import type { ControlChannel } from "./peer.ts";

/**
 * Bytes of control messages that may be unsent, in addition to the frames that are accounted for.
 */
const MAX_CONTROL_BACKLOG_BYTES = 1024 * 1024;

/** Sends control messages and never grows without bound. */
export class SocketChannel implements ControlChannel {
  /** For frames; whoever sends them bounds what is under way. */
  readonly socket: Socket;
  readonly #maxUnsentBytes: number;

  /** `frameBytes`: most bytes of frames that may be under way to this peer. */
  constructor(socket: Socket, frameBytes: number) {
    this.socket = socket;
    this.#maxUnsentBytes = frameBytes + MAX_CONTROL_BACKLOG_BYTES;
  }

  /** Sends a control message; a peer that asks without reading the answers is closed. */
  sendControl(text: string): void {
    if (this.socket.unsentBytes > this.#maxUnsentBytes) {
      this.close(CLOSE.stalled, "the client does not read the answers");
    } else {
      this.socket.send(text);
    }
  }

  close(code: number, reason: string): void {
    this.socket.close(code, closeReason(reason));
  }
}
