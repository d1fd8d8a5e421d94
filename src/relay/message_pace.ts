/**
 * How many messages a peer may send.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import type { Clock } from "../host/clock.ts";
import type { Socket } from "../listen/listener.ts";
import { type MessageCrowd, TURN_MS } from "./message_crowd.ts";

/** In each, a peer may send a share of what it may in a second. */
const TURNS_A_SECOND = 1000 / TURN_MS;
/** Turns that begin so soon after one another are in a row, on a busy machine as well. */
const IN_A_ROW_MS = 5 * TURN_MS;

/** What a peer sends. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** What a {@linkcode MessagePace} works with. */
export interface MessagePaceOptions {
  readonly socket: Pick<Socket, "pause" | "resume">;
  readonly clock: Clock;
  /** Most messages a second. */
  readonly maxMessages: number;
  /** Who else sends. */
  readonly crowd: MessageCrowd;
  /** Takes a message that has waited for its turn. */
  readonly take: (message: Message) => void;
  /** The peer floods the relay; nothing more comes from it. */
  readonly onFlood: () => void;
  /** Calls back after so many milliseconds, and returns what prevents that. @default {setTimeout} */
  readonly later?: (run: () => void, ms: number) => () => void;
}

/**
 * Has messages served by turns. A peer that has used its share up is not read from until the next turn.
 * What had been read by then waits, so that others are served in between, and so does what comes beside
 * a crowd that sends too much. A peer that goes on so for a
 * second floods the relay, unless it sends frames and can be made to wait.
 */
export class MessagePace {
  readonly #options: MessagePaceOptions;
  /** Most messages in a turn. */
  readonly #share: number;
  /** What waits for its turn: hardly more than is read at once. */
  #waiting = new Deque<Message>();
  #turnMs = -Infinity;
  /** Messages served in this turn, and how many of them were no frames. */
  #messages = 0;
  #others = 0;
  /** Turns in a row that something else than frames has used up. */
  #floods = 0;
  #canWait = true;
  #cancel: (() => void) | undefined;
  #whenEmpty: (() => void) | undefined;
  #isOver = false;

  constructor(options: MessagePaceOptions) {
    this.#options = options;
    this.#share = Math.max(1, Math.floor(options.maxMessages / TURNS_A_SECOND));
  }

  /** Counts a message; true where it is served now, false where it waits for its turn. */
  admit(message: Message): boolean {
    if (this.#isOver || !this.#count(typeof message !== "string")) return false;
    if (this.#cancel === undefined) return true;
    this.#waiting.push(message);
    if (this.#waiting.length > this.#options.maxMessages) this.#flood();
    return false;
  }

  /** Counts a ping or a pong, with which nothing is left to do. */
  countPing(): void {
    if (!this.#isOver) this.#count(false);
  }

  /** Nothing more comes: `then` is called as soon as nothing waits. */
  finish(then: () => void): void {
    if (this.#waiting.length === 0) return this.stop(then);
    this.#whenEmpty = then;
  }

  /** Serves nothing more. */
  stop(then: () => void = () => {}): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = new Deque();
    then();
  }

  /** Counts what would be served now, or has it wait; false where that was one too many. */
  #count(isFrame: boolean): boolean {
    if (this.#cancel !== undefined) return true;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#turnMs >= TURN_MS) this.#begin(nowMs);
    if (this.#messages >= this.#share) {
      if (this.#floods >= TURNS_A_SECOND || this.#messages >= this.#options.maxMessages) {
        this.#flood();
        return false;
      }
      this.#pause(nowMs);
    } else if (!this.#options.crowd.admit(this.#messages, nowMs)) this.#pause(nowMs);
    if (this.#cancel === undefined) this.#add(isFrame);
    return true;
  }

  /** Reads nothing until the next turn, where the listener can. */
  #pause(nowMs: number): void {
    this.#canWait &&= this.#options.socket.pause();
    if (this.#canWait) this.#wait(TURN_MS - (nowMs - this.#turnMs));
  }

  #add(isFrame: boolean): void {
    this.#messages++;
    if (!isFrame) this.#others++;
  }

  #begin(nowMs: number): void {
    const isUsedUp = (this.#canWait ? this.#others : this.#messages) >= this.#share;
    this.#floods = isUsedUp && nowMs - this.#turnMs < IN_A_ROW_MS ? this.#floods + 1 : 0;
    this.#turnMs = nowMs;
    this.#messages = 0;
    this.#others = 0;
  }

  #wait(ms: number): void {
    const { later = afterTimeout } = this.#options;
    this.#cancel = later(() => this.#turn(), ms);
  }

  /** Serves what waits, as far as this turn's share goes, and reads on behind that. */
  #turn(): void {
    const nowMs = this.#options.clock.nowMs();
    const { crowd } = this.#options;
    this.#begin(nowMs);
    while (
      this.#waiting.length > 0 && this.#messages < this.#share && crowd.admit(this.#messages, nowMs)
    ) {
      const message = this.#waiting.shift();
      this.#add(typeof message !== "string");
      this.#options.take(message);
      if (this.#isOver) return;
    }
    if (this.#waiting.length === 0 && this.#whenEmpty !== undefined) {
      return this.stop(this.#whenEmpty);
    }
    if (this.#waiting.length > 0) {
      if (this.#floods >= TURNS_A_SECOND) this.#flood();
      else this.#wait(TURN_MS);
    } else {
      this.#cancel = undefined;
      // A burst has made it large.
      this.#waiting = new Deque();
      this.#options.socket.resume();
    }
  }

  #flood(): void {
    this.#options.socket.pause();
    this.stop(this.#options.onFlood);
  }
}

function afterTimeout(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
