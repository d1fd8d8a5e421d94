/**
 * Turns of the event loop for work that comes in batches.
 *
 * @module
 */
import { nextTurn } from "../host/next_turn.ts";

/** Work that is done a batch at a time. */
export interface Batched {
  /** Does one batch; true while there is more. */
  takeTurn(): boolean;
}

/**
 * Runs one batch per turn of the event loop, so that sockets, ticks and other streams are served in
 * between. Several pieces of work alternate.
 */
export class Turns {
  readonly #waiting = new Set<Batched>();
  #isAsked = false;

  /** Has `work` done from the next turn on; once, however often it is asked for. */
  add(work: Batched): void {
    this.#waiting.add(work);
    this.#ask();
  }

  #ask(): void {
    if (this.#isAsked || this.#waiting.size === 0) return;
    this.#isAsked = true;
    nextTurn(() => {
      this.#isAsked = false;
      const [work] = this.#waiting;
      if (work !== undefined) {
        this.#waiting.delete(work);
        if (work.takeTurn()) this.#waiting.add(work);
      }
      this.#ask();
    });
  }
}
