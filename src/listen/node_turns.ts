/**
 * The requests of one connection of `node:http`, which may send them without waiting for answers.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";

/** Most requests of one connection that wait for their turn. */
const MAX_WAITING = 32;

interface Line {
  waiting: number;
  /** Settles when the last one has been answered. */
  last: Promise<void>;
}

/** Has requests of a connection answered one after the other, so that only one answer takes memory. */
export class NodeTurns {
  readonly #lines = new WeakMap<Connection, Line>();

  /** Settles when it is the turn of a request; nothing where too many wait. */
  take(connection: Connection, outgoing: ServerResponse): Promise<void> | undefined {
    const line = this.#lines.get(connection) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= MAX_WAITING) return;
    this.#lines.set(connection, line);
    line.waiting++;
    const turn = line.last;
    line.last = new Promise((resolve) => {
      outgoing.on("close", () => {
        line.waiting--;
        resolve();
      });
    });
    return turn;
  }
}
