/**
 * Owns the end of a connection, whatever is spoken over it.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Peer, SenderPort } from "./peer.ts";

/** Closes the connection where its peer breaks the rules, or where the relay cannot go on with it. */
export class GuardedPeer implements Peer {
  readonly #name: string;
  readonly #port: SenderPort;
  readonly #log: Log;
  #peer: Peer | undefined;
  #isRefused = false;

  /** Serves a connection to the stream `name`. */
  constructor(name: string, port: SenderPort, log: Log) {
    this.#name = name;
    this.#port = port;
    this.#log = log;
  }

  /** Connects what `open` returns. */
  open(open: () => Peer): void {
    this.#guard(() => {
      this.#peer = open();
    });
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    this.#guard(() => this.#peer?.receive(message));
  }

  closed(): void {
    const left = this.#peer;
    this.#peer = undefined;
    left?.closed();
  }

  #guard(action: () => void): void {
    try {
      if (!this.#isRefused) action();
    } catch (error) {
      this.#isRefused = true;
      const code = error instanceof ProtocolError ? error.closeCode : CLOSE.internalError;
      if (code === CLOSE.internalError) {
        this.#log.error(`Cannot go on with a peer of "${this.#name}": ${messageOf(error)}`);
      }
      this.#port.close(code, messageOf(error));
      this.closed();
    }
  }
}
