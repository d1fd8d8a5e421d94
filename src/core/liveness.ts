/**
 * Whether a source is live: it goes at a pace of its own, which is not faster than the stream's.
 *
 * @module
 */

/** How much faster than the tick a source may be that is still followed. */
export const FOLLOWED = 1.07;
/** By how much of an interval a frame of a live source may be early. */
const TOLERANCE = 0.75;
/** How far behind its schedule a source may always be, in milliseconds: what jitter explains. */
const SLACK_MS = 100;
/** Longest hiccup that a live source may make up for, in milliseconds. */
const MAX_HICCUP_MS = 120_000;
/** Shortest time in which a hiccup may be made up for, in milliseconds. */
const MIN_REPAY_MS = 3000;
/** How long a source must keep to the pace of its own before it is live again, in milliseconds. */
const CALM_MS = 1000;
/** In how many frames it must, so that a silence is no pace. */
const CALM_FRAMES = 4;
/** The same time where it was found live in error again and again. */
const MAX_CALM_MS = 60_000;
/** The same where there is no tick. There, it only changes which viewers a frame waits for. */
const UNTIMED_CALM_MS = 250;
/** A source that has been live for this long was not found live in error, in milliseconds. */
const PROVEN_MS = 10_000;

/**
 * - `asked`: its publisher says so, either way
 * - `paced`: it is live; frames come no faster than they may leave
 * - `fast`: it is not; frames came faster
 * - `held`: it is not; its publisher had to wait for credit
 */
export type LivenessReason = "asked" | "paced" | "fast" | "held";

/** What is known of a source when it begins. */
export interface LivenessOptions {
  /** Whether it counts as live before anything is seen: where there is a tick, and no queue. */
  readonly isPresumed: boolean;
  /** What its user says; `null` where that is to be seen. @default {null} */
  readonly live?: boolean | null;
  /** How long a source that was live has been held up, in milliseconds. @default {0} */
  readonly heldMs?: number;
}

/** A frame that has come. */
export interface Arrived {
  /**
   * Time between two frames at the rate that the stream allows, in milliseconds; `undefined` where
   * it allows any.
   */
  readonly intervalMs: number | undefined;
  /** Whether the publisher had to wait for credit before it read the frame. */
  readonly isHeld: boolean;
}

/**
 * Decides by the arrival times of its frames whether a source is live. A live source has its own
 * schedule. It may be late, and then early until it has caught up, but in the long run it is not
 * faster than the stream's schedule (the generic cell rate algorithm of ITU-T I.371 annex A; a
 * stall enlarges its bucket). A file, or an encoder that is faster than the tick, is early at once.
 * From then on such a source arrives at the pace of the tick as well, because its publisher waits
 * for credit; it only becomes live when it has kept that pace for a while without waiting.
 */
export class Liveness {
  readonly #overrule: boolean | null;
  #isLive: boolean;
  #reason: LivenessReason;
  #arrivedMs = -Infinity;
  /** When the next frame is due by the schedule. */
  #dueMs: number;
  /**
   * How far behind its schedule the source may be; and until when that is more than jitter
   * explains.
   */
  #slackMs: number;
  #slackUntilMs: number;
  /** Since when the source is live; or since when, not being live, it has kept the pace. */
  #sinceMs: number;
  /** How long it must keep the pace before it is live. */
  #calmMs = CALM_MS / 4;
  /** Frames in which it has kept the pace. */
  #calmFrames = 0;

  /** A source begins at `nowMs`. */
  constructor({ isPresumed, live = null, heldMs = 0 }: LivenessOptions, nowMs: number) {
    this.#overrule = live;
    this.#isLive = live ?? isPresumed;
    this.#reason = live !== null ? "asked" : isPresumed ? "paced" : "held";
    this.#slackMs = Math.min(heldMs, MAX_HICCUP_MS);
    this.#slackUntilMs = Infinity;
    this.#dueMs = nowMs - this.#slackMs;
    if (live) this.#slackMs = MAX_HICCUP_MS;
    this.#sinceMs = nowMs;
  }

  /** Whether the frames of the source leave as they come. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Why it is live, or not. */
  get reason(): LivenessReason {
    return this.#reason;
  }

  /** Whether its user says that it is live. */
  get isAsserted(): boolean {
    return this.#overrule === true;
  }

  /** Whether its publisher is known to wait for credit, so that what it may send is only a queue. */
  get isHeld(): boolean {
    return !this.#isLive && this.#reason !== "fast";
  }

  /** Whether the source makes up for a hiccup: it is behind its schedule by more than jitter. */
  isMakingUp(nowMs: number): boolean {
    return this.#isLive && nowMs - this.#dueMs > 2 * SLACK_MS;
  }

  /** A frame has come. */
  arrived({ intervalMs, isHeld }: Arrived, nowMs: number): void {
    const gapMs = nowMs - this.#arrivedMs;
    this.#arrivedMs = nowMs;
    if (this.#overrule === false || (this.isAsserted && intervalMs === undefined)) return;
    if (intervalMs === undefined) this.#untimed(isHeld, nowMs);
    else if (this.#isLive) this.#follow(intervalMs / FOLLOWED, gapMs, nowMs);
    else this.#watch(intervalMs / FOLLOWED, isHeld, nowMs);
  }

  /** A source that is live: late, early until it has made up for that, or too fast. */
  #follow(intervalMs: number, gapMs: number, nowMs: number): void {
    if (this.isAsserted) {
      // It is live whatever it did: what it is behind by is always made up for.
    } else if (gapMs === Infinity) {
      this.#slackUntilMs = this.#repaidMs(this.#slackMs, nowMs);
    } else if (gapMs > SLACK_MS) {
      this.#slackMs = Math.max(this.#slackMs, SLACK_MS + Math.min(gapMs, MAX_HICCUP_MS));
      this.#slackUntilMs = Math.max(this.#slackUntilMs, this.#repaidMs(gapMs, nowMs));
    }
    if (nowMs > this.#slackUntilMs) this.#slackMs = SLACK_MS;
    this.#dueMs = Math.max(this.#dueMs, nowMs - this.#slackMs);
    if (this.#dueMs - nowMs <= intervalMs * TOLERANCE) {
      this.#dueMs += intervalMs;
      return;
    }
    const wasProven = nowMs - this.#sinceMs >= PROVEN_MS;
    if (wasProven) this.#calmMs = CALM_MS;
    else if (!this.isAsserted) this.#calmMs = Math.min(this.#calmMs * 2, MAX_CALM_MS);
    this.#isLive = false;
    this.#reason = "fast";
    this.#sinceMs = nowMs;
    this.#dueMs = nowMs + intervalMs;
  }

  /** A source that is not live: whether it has a pace of its own. */
  #watch(intervalMs: number, isHeld: boolean, nowMs: number): void {
    const isEarly = this.#dueMs - nowMs > intervalMs * TOLERANCE;
    if (isHeld || isEarly) {
      if (isHeld) this.#reason = "held";
      this.#sinceMs = nowMs;
      this.#calmFrames = 0;
      this.#dueMs = nowMs;
    }
    this.#calmFrames++;
    this.#dueMs = Math.max(this.#dueMs, nowMs - SLACK_MS / 2) + intervalMs;
    const isCalm = nowMs - this.#sinceMs >= this.#calmMs && this.#calmFrames > CALM_FRAMES;
    if (isCalm) this.#win(nowMs);
  }

  /** Without a tick there is no schedule: a source is live while it does not wait for credit. */
  #untimed(isHeld: boolean, nowMs: number): void {
    if (this.#isLive) return;
    if (isHeld) this.#sinceMs = nowMs;
    if (nowMs - this.#sinceMs >= UNTIMED_CALM_MS) this.#win(nowMs);
  }

  #win(nowMs: number): void {
    this.#isLive = true;
    this.#reason = "paced";
    this.#sinceMs = nowMs;
    if (!this.isAsserted) this.#slackMs = SLACK_MS;
  }

  #repaidMs(hiccupMs: number, nowMs: number): number {
    return nowMs + Math.max(MIN_REPAY_MS, 2 * Math.min(hiccupMs, MAX_HICCUP_MS));
  }
}
