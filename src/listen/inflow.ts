/**
 * What comes from a peer, in pieces.
 *
 * @module
 */
import type { Socket as Connection } from "node:net";

/**
 * Bytes of a piece. `ws` takes all messages of one at once; it stops reading for a moment where one has
 * 16 KiB or more.
 */
const MIN_PIECE_BYTES = 1024;
const MAX_PIECE_BYTES = 8192;
/** With more messages in a piece, the next one is as small as can be. */
const FEW_MESSAGES = 4;

/** What an {@linkcode Inflow} tells. */
export interface InflowEvents {
  /** A piece of so many bytes was let through, with so many messages. */
  piece(bytes: number, messages: number): void;
  /** The last piece of what was read at once was let through. */
  through(read: Uint8Array): void;
}

/**
 * Lets the listeners of a connection have what was read from it in pieces, and only as long as it is not
 * paused: else the ten thousand messages that fit into one read are all taken before anybody else has a
 * turn.
 */
export class Inflow {
  readonly #connection: Connection;
  readonly #emit: (piece: Uint8Array) => void;
  readonly #events: InflowEvents;
  #pieceBytes = MIN_PIECE_BYTES;
  /** Messages that have come whole, ever. */
  #messages = 0;
  #isPaused = false;
  /** What was read last. */
  #read = new Uint8Array();
  /** What of it was not let through when it was paused. */
  #rest: Uint8Array | undefined;

  /** From now on, `connection` tells of data what is let through. */
  constructor(connection: Connection, events: InflowEvents) {
    this.#connection = connection;
    this.#events = events;
    const emit = connection.emit.bind(connection) as (event: string, ...args: unknown[]) => boolean;
    this.#emit = (piece) => void emit("data", piece);
    const emitOrTake = (event: string, ...args: unknown[]): boolean => {
      if (event !== "data") return emit(event, ...args);
      this.#read = args[0] as Uint8Array<ArrayBuffer>;
      this.#take(this.#read);
      return true;
    };
    connection.emit = emitOrTake as Connection["emit"];
  }

  /** A message has come whole, or a ping. */
  count(): void {
    this.#messages++;
  }

  /** Lets nothing through. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Lets through what has been kept, and then what comes; false where that has paused it again. */
  resume(): boolean {
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest);
    return !this.#isPaused;
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#connection.destroyed) return;
      if (this.#isPaused) {
        this.#rest = bytes.subarray(at);
        return;
      }
      const before = this.#messages;
      const piece = bytes.subarray(at, at + this.#pieceBytes);
      at += piece.byteLength;
      this.#emit(piece);
      const messages = this.#messages - before;
      this.#events.piece(piece.byteLength, messages);
      this.#pieceBytes = messages > FEW_MESSAGES
        ? MIN_PIECE_BYTES
        : Math.min(2 * this.#pieceBytes, MAX_PIECE_BYTES);
    }
    this.#events.through(this.#read);
  }
}
