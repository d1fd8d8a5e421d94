/**
 * The requests of one connection of `node:http`, which may send them without waiting for answers.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import type { Inflow } from "./inflow.ts";

/** Most requests of one connection that wait for their turn, all of which have come with one piece. */
const MAX_WAITING = 64;
/** With so many, of which one has its turn, nothing more is read. */
const ENOUGH_WAITING = 2;

interface Line {
  waiting: number;
  /** Settles when the last one has been answered. */
  last: Promise<void>;
}

/**
 * Has requests of a connection answered one after the other, so that only one answer takes memory, and
 * reads no more of them meanwhile than came with the last one.
 */
export class NodeTurns {
  readonly #lines = new WeakMap<Connection, Line>();

  /** Whether any request has not been answered. */
  isTaken(connection: Connection): boolean {
    return (this.#lines.get(connection)?.waiting ?? 0) > 0;
  }

  /** Settles when it is the turn of a request; nothing where too many wait. */
  take(
    connection: Connection,
    inflow: Inflow,
    outgoing: ServerResponse,
  ): Promise<void> | undefined {
    const line = this.#lines.get(connection) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= MAX_WAITING) return;
    this.#lines.set(connection, line);
    line.waiting++;
    if (line.waiting >= ENOUGH_WAITING) {
      inflow.pause("answers");
      connection.pause();
    }
    const turn = line.last;
    line.last = new Promise((resolve) => {
      outgoing.on("close", () => {
        line.waiting--;
        resolve();
        if (line.waiting < ENOUGH_WAITING && inflow.resume("answers")) connection.resume();
      });
    });
    return turn;
  }
}
