/**
 * For how long somebody who was let in may stay.
 *
 * @module
 */
import type { AccessQuestion, Ruling } from "../access/access.ts";
import type { Guard } from "../access/guard.ts";

/** Longest time that a timer counts, in milliseconds: 2³¹ − 1 of them, beyond which it fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** It is not asked again sooner than that, in milliseconds. */
const MIN_WAIT_MS = 1000;

/** So often in a row there may be no time to find it out, until it counts as not permitted. */
const MAX_LIMITED = 10;

/** What somebody was let in for. */
export interface TenureOptions {
  readonly guard: Guard;
  readonly questions: readonly AccessQuestion[];
  /** Until when that holds, in milliseconds since the Unix epoch. */
  readonly untilMs: number | undefined;
  /** The guard's {@linkcode Guard.changes} when it was asked. Absent: it has just been. */
  readonly changes?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
  /** It is over; `why` says so to the peer. */
  readonly onOver: (why: string) => void;
}

/** Asks again when the time of an answer is over, or when what is allowed has changed. */
export class Tenure {
  readonly #options: TenureOptions;
  readonly #forget: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #limited = 0;

  constructor(options: TenureOptions) {
    this.#options = options;
    this.#forget = options.guard.onChange(() => this.#askAgain());
    const { guard, changes = guard.changes } = options;
    if (guard.changes === changes) this.#wait(options.untilMs);
    else this.#askAgain();
  }

  /** Whoever was let in has gone. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#forget();
  }

  #wait(untilMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (untilMs === undefined || this.#isOver) return;
    const leftMs = Math.max(0, untilMs - this.#options.wallMs());
    this.#timer = setTimeout(() => {
      // Timers may be early, and the time may be further away than one can count.
      if (this.#options.wallMs() < untilMs) this.#wait(untilMs);
      else this.#askAgain();
    }, Math.min(leftMs, MAX_TIMER_MS));
  }

  async #askAgain(): Promise<void> {
    const { guard, questions, wallMs, onOver } = this.#options;
    let rulings: readonly Ruling[];
    try {
      rulings = await Promise.all(questions.map((question) => guard.ask(question, "again")));
    } catch {
      rulings = [{ decision: "unknown", why: "whether it is still permitted cannot be found out" }];
    }
    if (this.#isOver) return;
    const refused = rulings.find(({ decision }) => decision !== "allowed");
    if (refused?.decision === "limited" && ++this.#limited < MAX_LIMITED) {
      return this.#wait(wallMs() + MIN_WAIT_MS);
    }
    this.#limited = 0;
    if (refused === undefined) {
      const untilMs = soonest(rulings);
      return this.#wait(untilMs && Math.max(untilMs, wallMs() + MIN_WAIT_MS));
    }
    this.end();
    onOver(refused.why ?? "it is not permitted any longer");
  }
}

/** When the first of these answers is over. */
export function soonest(rulings: readonly Ruling[]): number | undefined {
  const times = rulings.flatMap(({ untilMs }) => untilMs === undefined ? [] : [untilMs]);
  return times.length === 0 ? undefined : Math.min(...times);
}
