/**
 * Owns the end of a connection, whatever is spoken over it.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import type { SocketEvents } from "../listen/listener.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { ControlChannel, Peer } from "./peer.ts";

/** Closes the connection where its peer breaks the rules, or where the relay cannot go on with it. */
export class Connection implements SocketEvents {
  readonly #name: string;
  readonly #channel: ControlChannel;
  readonly #log: Log;
  #peer: Peer | undefined;
  #isOver = false;

  /** A connection to the stream `name`. */
  constructor(name: string, channel: ControlChannel, log: Log) {
    this.#name = name;
    this.#channel = channel;
    this.#log = log;
  }

  /** Has what comes served by what `open` returns from now on. */
  serve(open: () => Peer): void {
    this.#guard(() => {
      this.#peer = open();
    });
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    this.#guard(() => this.#peer?.receive(message));
  }

  closed(): void {
    this.#isOver = true;
    const left = this.#peer;
    this.#peer = undefined;
    left?.closed();
  }

  #guard(action: () => void): void {
    try {
      if (!this.#isOver) action();
    } catch (error) {
      const code = error instanceof ProtocolError ? error.closeCode : CLOSE.internalError;
      if (code === CLOSE.internalError) {
        this.#log.error(`Cannot serve a peer of "${this.#name}" any longer: ${messageOf(error)}`);
      }
      this.#channel.close(code, messageOf(error));
      this.closed();
    }
  }
}
