/**
 * How a film that is read while it is written is kept at its newest picture.
 *
 * @module
 */

/** How far the newest picture may be ahead before it is played faster, in seconds. */
const AHEAD_S = 0.15;
/** And much faster. */
const FAR_AHEAD_S = 0.3;
/** How far ahead it is to be in the end. */
const WANTED_S = 0.1;
/** Less than that, and pictures would come too late. */
const NEAR_S = 0.05;
/** From here on it jumps. */
const JUMP_S = 1;
const FASTER = 1.05;
const MUCH_FASTER = 1.1;
/** Streams whose frames come more slowly than their times say are played as slowly. */
const SLOWER = 0.95;
const MUCH_SLOWER = 0.9;
/** How long it may stand still while there is something to play, in milliseconds. */
const STILL_MS = 700;
/** Least time between two jumps, in milliseconds. */
const JUMP_REST_MS = 1000;

/** How much of what was played is kept, in seconds, and how much more makes it worth removing. */
const KEPT_S = 2;
const WORTH_REMOVING_S = 8;
/** Less than the time between two pictures, in seconds. */
const JUST_S = 0.001;

/**
 * Up to where what was played is to be removed, in seconds; `undefined` where that is not worth it. It
 * is just before a key frame, since browsers remove with each frame all that needs it.
 */
export function oldEndS({ startS, positionS, keysUs }: {
  /** Where what is there begins. */
  readonly startS: number;
  /** What is shown. */
  readonly positionS: number;
  /** Where key frames stand, in microseconds, in order. */
  readonly keysUs: readonly number[];
}): number | undefined {
  if (positionS - startS < KEPT_S + WORTH_REMOVING_S) return undefined;
  const keyUs = keysUs.findLast((keyUs) => keyUs / 1e6 <= positionS - KEPT_S);
  const endS = keyUs === undefined ? -Infinity : keyUs / 1e6 - JUST_S;
  return endS > startS ? endS : undefined;
}

/** What is known at one moment. */
export interface EdgeFacts {
  /** An instant of a clock that never goes back, in milliseconds. */
  readonly nowMs: number;
  /** What is shown, in seconds. */
  readonly positionS: number;
  /** The newest that could be shown, in seconds. */
  readonly edgeS: number;
}

/** What to do. */
export interface EdgeStep {
  /** How fast to play; 1 is as fast as it was filmed. */
  readonly rate: number;
  /** Whether to go to the newest picture at once. */
  readonly isJump: boolean;
}

/** Decides, again and again. */
export class LiveEdge {
  #rate = 1;
  #positionS = NaN;
  #movedMs = -Infinity;
  #jumpedMs = -Infinity;

  /** It is at the newest picture, or will be at once. */
  jumped(nowMs: number): void {
    this.#rate = 1;
    this.#positionS = NaN;
    this.#jumpedMs = nowMs;
  }

  /** What to do now. */
  next({ nowMs, positionS, edgeS }: EdgeFacts): EdgeStep {
    // An instant before the last one tells nothing.
    this.#movedMs = Math.min(this.#movedMs, nowMs);
    this.#jumpedMs = Math.min(this.#jumpedMs, nowMs);
    if (positionS !== this.#positionS) this.#movedMs = nowMs;
    this.#positionS = positionS;
    const aheadS = edgeS - positionS;
    const isStill = nowMs - this.#movedMs > STILL_MS && aheadS > AHEAD_S;
    if ((aheadS > JUMP_S || isStill) && nowMs - this.#jumpedMs >= JUMP_REST_MS) {
      this.jumped(nowMs);
      return { rate: 1, isJump: true };
    }
    this.#rate = this.#rateFor(aheadS);
    return { rate: this.#rate, isJump: false };
  }

  /** Once it is faster or slower, it is so until the newest picture is as far ahead as it is to be. */
  #rateFor(aheadS: number): number {
    if (aheadS > FAR_AHEAD_S) return MUCH_FASTER;
    if (aheadS > AHEAD_S) return Math.max(this.#rate, FASTER);
    if (aheadS < 0) return MUCH_SLOWER;
    if (aheadS < NEAR_S) return Math.min(this.#rate, SLOWER);
    if (this.#rate > 1) return aheadS > WANTED_S ? this.#rate : 1;
    if (this.#rate < 1) return aheadS < WANTED_S ? this.#rate : 1;
    return 1;
  }
}
