/**
 * Finds the connections that take nothing of what they are sent.
 *
 * @module
 */

/** How often they are looked at, in milliseconds. */
export const LOOK_MS = 1000;

/** What is looked at of a connection, as `node:net` has it. */
export interface AnsweredConnection {
  /** Bytes that it was sent in all, with those that still wait. */
  readonly bytesWritten: number;
  /** Bytes that wait for it. */
  readonly writableLength: number;
}

/** What a connection has taken, and how many looks have found that it has taken no more. */
interface Progress {
  bytes: number;
  looks: number;
}

/**
 * Connections that get answers.
 *
 * Looks are counted, not time: a program that stood still has looked only once meanwhile, and whoever
 * could take nothing from it is not late.
 */
export class StandingAnswers<T extends AnsweredConnection> {
  readonly #patience: number;
  /** What they have taken where something waits for them. */
  readonly #progress = new Map<T, Progress | undefined>();

  /** An answer may find no taker for `stallTimeoutMs`, and two looks. */
  constructor(stallTimeoutMs: number) {
    this.#patience = Math.ceil(stallTimeoutMs / LOOK_MS) + 2;
  }

  /** Looks at a connection from now on. */
  add(connection: T): void {
    this.#progress.set(connection, undefined);
  }

  /** Looks at it no more. */
  delete(connection: T): void {
    this.#progress.delete(connection);
  }

  /** Looks at all of them, every {@linkcode LOOK_MS}, and returns those that are to be given up. */
  look(): T[] {
    return [...this.#progress.keys()].filter((connection) => this.#isStanding(connection));
  }

  #isStanding(connection: T): boolean {
    const { bytesWritten, writableLength } = connection;
    const before = this.#progress.get(connection);
    const bytes = bytesWritten - writableLength;
    const isMoving = before === undefined || before.bytes !== bytes;
    const progress = writableLength === 0 ? undefined : isMoving ? { bytes, looks: 0 } : before;
    if (progress !== before) this.#progress.set(connection, progress);
    if (progress === undefined || isMoving) return false;
    progress.looks++;
    return progress.looks >= this.#patience;
  }
}
