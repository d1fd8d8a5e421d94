/**
 * Turns of the event loop for what is read or written.
 *
 * @module
 */
import { nextTurn } from "../host/next_turn.ts";

/**
 * Most bytes that pass in one turn of the event loop: a millisecond or so. What the system takes or has at
 * once, megabytes for each of hundreds of connections, would else pass in a single one.
 */
const TURN_BYTES = 1_048_576;

/** Most bytes of bodies that are posted in one turn: to look for frames in garbage takes 20 ms or so. */
export const BODY_TURN_BYTES = 65_536;

/** Divides what passes through the connections of a listener among turns of the event loop. */
export class ByteTurns {
  readonly #turnBytes: number;
  /** What has passed in this turn. */
  #bytes = 0;
  #isAsked = false;
  readonly #waiting: (() => void)[] = [];

  /** `turnBytes`: most that passes in one turn, except for the last piece. */
  constructor(turnBytes: number = TURN_BYTES) {
    this.#turnBytes = turnBytes;
  }

  /** Whether what comes now has to wait. */
  get isOver(): boolean {
    return this.#bytes >= this.#turnBytes || this.#waiting.length > 0;
  }

  /** So many bytes are to pass; settles when it is their turn, or is nothing where it is now. */
  take(bytes: number): Promise<void> | undefined {
    this.#ask();
    if (!this.isOver) {
      this.#bytes += bytes;
      return;
    }
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.#bytes += bytes;
        resolve();
      });
    });
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    nextTurn(() => {
      this.#isAsked = false;
      this.#bytes = 0;
      let begun = 0;
      while (this.#bytes < this.#turnBytes && begun < this.#waiting.length) {
        this.#waiting[begun++]!();
      }
      this.#waiting.splice(0, begun);
      if (begun > 0) this.#ask();
    });
  }
}
