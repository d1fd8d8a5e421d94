/**
 * How many messages a peer may send.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Socket } from "../listen/listener.ts";
import { CLOSE } from "../wire/close_code.ts";

/** Length of a turn in milliseconds, in which a peer may send a share of what it may in a second. */
const TURN_MS = 100;
const TURNS_A_SECOND = 1000 / TURN_MS;

/** A peer sends more than it may. */
export class FloodError extends ProtocolError {
  constructor(message: string) {
    super(CLOSE.refused, message);
  }
}

/** What a {@linkcode MessagePace} works with. */
export interface MessagePaceOptions {
  readonly socket: Pick<Socket, "pause" | "resume">;
  readonly clock: Clock;
  /** Most messages a second. */
  readonly maxMessages: number;
}

/** Turns that begin so soon after one another are in a row, on a busy machine as well. */
const IN_A_ROW_MS = 5 * TURN_MS;

/**
 * Counts messages by turns. A peer that has used its share up is not read from until the next turn, so
 * that what piled up while somebody stood still comes bit by bit. One that goes on so for a second is
 * flooding the relay, unless it sends frames and can be made to wait.
 */
export class MessagePace {
  readonly #options: MessagePaceOptions;
  /** Most messages in a turn. */
  readonly #share: number;
  #turnMs = -Infinity;
  /** Messages in this turn, and how many of them were no frames. */
  #messages = 0;
  #others = 0;
  /** Turns in a row that a flood has used up. */
  #floods = 0;
  #canWait = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(options: MessagePaceOptions) {
    this.#options = options;
    this.#share = Math.max(1, Math.floor(options.maxMessages / TURNS_A_SECOND));
  }

  /**
   * Counts a message; `isFrame`: it is binary.
   *
   * @throws {FloodError} when the peer floods the relay
   */
  count(isFrame: boolean): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#turnMs >= TURN_MS) this.#begin(nowMs);
    this.#messages++;
    if (!isFrame) this.#others++;
    if (this.#messages <= this.#share) return;
    this.#hold(nowMs);
    const { maxMessages } = this.#options;
    if (this.#floods < TURNS_A_SECOND && this.#messages <= maxMessages) return;
    throw new FloodError(
      `the client sends more than ${maxMessages} messages a second (--max-messages)`,
    );
  }

  /** The peer has gone. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #begin(nowMs: number): void {
    const isUsedUp = (this.#canWait ? this.#others : this.#messages) >= this.#share;
    this.#floods = isUsedUp && nowMs - this.#turnMs < IN_A_ROW_MS ? this.#floods + 1 : 0;
    this.#turnMs = nowMs;
    this.#messages = 0;
    this.#others = 0;
  }

  /** Has the peer wait for its next turn. */
  #hold(nowMs: number): void {
    if (this.#timer !== undefined || this.#isOver || !this.#canWait) return;
    const { socket } = this.#options;
    this.#canWait = socket.pause();
    if (!this.#canWait) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      socket.resume();
    }, TURN_MS - (nowMs - this.#turnMs));
  }
}
