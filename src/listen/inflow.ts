/**
 * What comes from a peer, in pieces.
 *
 * @module
 */
import type { Socket as Connection } from "node:net";

/**
 * Bytes of a piece. All messages or requests of one are taken at once; `ws` stops reading for a moment
 * where one has 16 KiB or more.
 */
const MIN_PIECE_BYTES = 1024;
const MAX_PIECE_BYTES = 8192;
/** With more messages in a piece, the next one is as small as can be. */
const FEW_MESSAGES = 4;

/**
 * Why nothing is let through: whoever reads the messages wants none (`reader`), others have their turn
 * (`turn`), a body is not read as fast as it comes (`body`), answers wait (`answers`), or nothing more of
 * the connection is wanted, ever (`over`).
 */
export type PauseReason = "reader" | "turn" | "body" | "answers" | "over";

const NOTHING = new Uint8Array();

/** What an {@linkcode Inflow} tells. */
export interface InflowEvents {
  /** Something was read, of which nothing has been let through yet. */
  read?(): void;
  /** A piece of so many bytes was let through, with so many messages. */
  piece(bytes: number, messages: number): void;
  /** The last piece of what was read at once was let through. */
  through(read: Uint8Array): void;
}

/**
 * Lets the listeners of a connection have what was read from it in pieces, and only as long as nobody
 * has paused it: else the thousands of messages or requests that fit into one read are all taken before
 * anybody else has a turn.
 */
export class Inflow {
  readonly #connection: Connection;
  readonly #emit: (piece: Uint8Array) => void;
  #events: InflowEvents | undefined;
  #pieceBytes = MIN_PIECE_BYTES;
  /** Messages that have come whole, ever. */
  #messages = 0;
  /** Nothing is let through as long as there is any: each is taken back by who gave it. */
  readonly #reasons = new Set<PauseReason>();
  /** What was read last, until all of it was let through: who only listens is not to keep any of it. */
  #read: Uint8Array = NOTHING;
  /** What of it was not let through when it was paused. */
  #rest: Uint8Array | undefined;

  /**
   * From now on, `connection` tells of data what is let through. Where it is to speak HTTP, this comes
   * before the server knows of it.
   */
  constructor(connection: Connection) {
    this.#connection = connection;
    const emit = connection.emit.bind(connection) as (event: string, ...args: unknown[]) => boolean;
    this.#emit = (piece) => void emit("data", piece);
    const emitOrTake = (event: string, ...args: unknown[]): boolean => {
      if (event !== "data") return emit(event, ...args);
      this.#begin(args[0] as Uint8Array<ArrayBuffer>);
      return true;
    };
    connection.emit = emitOrTake as Connection["emit"];
    // So that the parser of HTTP takes what is told, and not the whole of what is read by itself.
    const { _handle: handle } = connection as { _handle?: { _consumed?: boolean } };
    if (handle) handle._consumed = true;
  }

  /** A message, a ping or a request has come whole. */
  count(): void {
    this.#messages++;
  }

  /** Tells `events` of what is let through from now on. */
  tell(events: InflowEvents): void {
    this.#events = events;
  }

  /** Lets nothing through until `reason` is taken back. */
  pause(reason: PauseReason): void {
    this.#reasons.add(reason);
  }

  /**
   * Takes `reason` back. Where it was the last one, lets through what has been kept, and then what comes;
   * false where it was not given, or there are others, also new ones of what was let through.
   */
  resume(reason: PauseReason): boolean {
    if (!this.#reasons.delete(reason) || this.#isPaused) return false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest);
    return !this.#isPaused;
  }

  /** Whether something that was read has not been let through yet. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  get #isPaused(): boolean {
    return this.#reasons.size > 0;
  }

  #begin(read: Uint8Array<ArrayBuffer>): void {
    if (this.#rest === undefined) {
      this.#read = read;
      this.#events?.read?.();
      return this.#take(read);
    }
    // A server reads on by itself, at times.
    this.#connection.pause();
    this.#connection.unshift(read);
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#connection.destroyed) return;
      // Whoever is to read on has not come yet, as behind a request to upgrade.
      if (this.#connection.listenerCount("data") === 0) {
        return void this.#connection.unshift(bytes.subarray(at));
      }
      if (this.#isPaused) return this.#keep(bytes.subarray(at));
      const before = this.#messages;
      const piece = bytes.subarray(at, at + this.#pieceBytes);
      at += piece.byteLength;
      this.#emit(piece);
      const messages = this.#messages - before;
      this.#events?.piece(piece.byteLength, messages);
      this.#pieceBytes = messages > FEW_MESSAGES
        ? MIN_PIECE_BYTES
        : Math.min(2 * this.#pieceBytes, MAX_PIECE_BYTES);
    }
    const read = this.#read;
    this.#read = NOTHING;
    this.#events?.through(read);
  }

  #keep(bytes: Uint8Array): void {
    this.#connection.pause();
    this.#rest = bytes;
  }
}
