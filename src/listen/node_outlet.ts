/**
 * The way out of an answer of `node:http`, past the writer that copies and counts for everybody.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import type { ByteTurns } from "./byte_turns.ts";
import type { Outlet, OutletEvents, PushedBody } from "./pushed_body.ts";

/** What ends a chunk (RFC 9112 section 7.1). */
const CHUNK_END = Buffer.from("\r\n");
/** As how many bytes it counts in a turn of the event loop that somebody goes on. */
const AGAIN_BYTES = 65_536;

/** Has a body pushed into an answer whose head has left; settles when that is over. */
export function pushBody(
  body: PushedBody,
  outgoing: ServerResponse,
  turns: ByteTurns,
): Promise<void> {
  return new Promise((resolve) => {
    const outlet = new NodeOutlet(outgoing, turns);
    outgoing.on("close", () => {
      outlet.close();
      resolve();
    });
    outlet.serve(body.open(outlet));
    if (outgoing.destroyed) {
      outlet.close();
      resolve();
    }
  });
}

/** Writes the parts of each call as one chunk, with one call of the system. */
class NodeOutlet implements Outlet {
  readonly #outgoing: ServerResponse;
  readonly #connection: Connection;
  readonly #turns: ByteTurns;
  readonly #isChunked: boolean;
  #events: OutletEvents | undefined;
  #isFull = false;
  #isOver = false;

  constructor(outgoing: ServerResponse, turns: ByteTurns) {
    this.#outgoing = outgoing;
    this.#connection = outgoing.socket as unknown as Connection;
    this.#turns = turns;
    // A client of HTTP/1.0 knows no chunks: the body ends with the connection.
    this.#isChunked = outgoing.chunkedEncoding;
    this.#connection.on("drain", this.#onDrain);
  }

  /** Tells `events` from now on; more may be written. */
  serve(events: OutletEvents): void {
    this.#events = events;
    this.again();
  }

  /** The client has gone, or has got everything. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.off("drain", this.#onDrain);
    this.#events?.closed();
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#isOver || this.#outgoing.destroyed) return false;
    const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    // A chunk of nothing would be the last one.
    if (bytes === 0) return true;
    const connection = this.#connection;
    connection.cork();
    if (this.#isChunked) connection.write(Buffer.from(`${bytes.toString(16)}\r\n`, "latin1"));
    for (const part of parts) connection.write(part);
    if (this.#isChunked) connection.write(CHUNK_END);
    connection.uncork();
    this.#isFull = connection.writableNeedDrain && connection.writableLength > 0;
    return !this.#isFull;
  }

  async again(): Promise<void> {
    await this.#turns.take(AGAIN_BYTES);
    if (!this.#isOver) this.#events?.drained();
  }

  end(): void {
    if (!this.#outgoing.writableEnded) this.#outgoing.end();
  }

  breakOff(): void {
    this.#outgoing.destroy();
  }

  readonly #onDrain = (): void => {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.again();
  };
}
