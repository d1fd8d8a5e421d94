/**
 * How many messages all peers of a thread may send together.
 *
 * @module
 */

/** Length of a turn in milliseconds. */
export const TURN_MS = 100;
/** How many peers may use up what one may send, before they have to share. */
const PEERS_AT_FULL_PACE = 2.5;
/** Messages of a peer in a turn that are served whatever others send: those of honest peers are fewer. */
const FREE_MESSAGES = 25;

/**
 * Counts what all peers send in a turn. Where that is too much, whoever has sent more than most has to
 * wait: however many flood the relay, they take no more of its time than a few.
 */
export class MessageCrowd {
  /** Most messages in a turn. */
  readonly #share: number;
  #turnMs = -Infinity;
  #messages = 0;

  /** `maxMessages`: most messages a second of one peer. */
  constructor(maxMessages: number) {
    this.#share = Math.max(FREE_MESSAGES, maxMessages * PEERS_AT_FULL_PACE * TURN_MS / 1000);
  }

  /** Counts a message of a peer that has sent `before` others in its turn; false where it has to wait. */
  admit(before: number, nowMs: number): boolean {
    if (nowMs - this.#turnMs >= TURN_MS) {
      this.#turnMs = nowMs;
      this.#messages = 0;
    }
    if (this.#messages >= this.#share && before >= FREE_MESSAGES) return false;
    this.#messages++;
    return true;
  }
}
