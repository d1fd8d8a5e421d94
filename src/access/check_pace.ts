/**
 * How many signatures are checked in which time.
 *
 * @module
 */
import { nextTurn } from "../host/next_turn.ts";
import type { KeyAlgorithm } from "./token_keys.ts";
import { WaitingLine } from "./waiting_line.ts";

/**
 * Most checks a second, of which one takes half a millisecond of the thread that also sends frames: strangers
 * can send tokens of the right form without end, from as many addresses as they like.
 */
const CHECKS_PER_S = 250;
/** So many checks may come at once after a pause, when many viewers come back. */
const MAX_SAVED = 250;
/** What a check costs, in checks of ES256. */
const COST: Readonly<Record<KeyAlgorithm, number>> = { HS256: 0, EdDSA: 0.25, ES256: 1, RS256: 1 };
/** Most tokens that wait for their check, and for how long. */
const LINE = { most: 2048, waitMs: 3000 };

/** Has signatures checked one after the other, and not all the time. */
export class CheckPace {
  readonly #line = new WaitingLine(1, { known: LINE, new: LINE });
  readonly #nowMs: () => number;
  #saved = MAX_SAVED;
  #sinceMs: number;

  /** `nowMs`: milliseconds of a clock that need not be right. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** Has `check` done in its turn; `undefined` where that does not come in time. */
  async take<T>(algorithm: KeyAlgorithm, check: () => Promise<T>): Promise<T | undefined> {
    const cost = COST[algorithm];
    if (cost === 0) return await check();
    if (!await this.#line.enter("new")) return undefined;
    try {
      const restMs = this.#pay(cost);
      // Also without a rest, what else there is to do is done between two checks.
      await new Promise<void>((resolve) =>
        restMs > 0 ? setTimeout(resolve, restMs) : nextTurn(resolve)
      );
      return await check();
    } finally {
      this.#line.leave();
    }
  }

  /** For how many milliseconds nothing may be checked before that. */
  #pay(cost: number): number {
    const nowMs = this.#nowMs();
    // A clock that was set back has told nothing.
    const passedMs = Math.max(0, nowMs - this.#sinceMs);
    const saved = Math.min(MAX_SAVED, this.#saved + passedMs * CHECKS_PER_S / 1000) - cost;
    const restMs = Math.max(0, -saved * 1000 / CHECKS_PER_S);
    this.#saved = Math.max(0, saved);
    this.#sinceMs = nowMs + restMs;
    return restMs;
  }
}
