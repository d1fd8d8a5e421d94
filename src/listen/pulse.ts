/**
 * Finds out which peers are still there.
 *
 * @module
 */

/** A connection that may have died without a word. */
export interface Life {
  /** Bytes that have come so far. Bytes, not messages: one of many megabytes may take long. */
  heardBytes(): number;
  /** Asks for a sign of life. */
  ping(): void;
  /** Ends what is dead. */
  end(): void;
}

interface Signs {
  heardBytes: number;
  isPinged: boolean;
}

/** Asks whoever was silent for a beat for a sign of life, and ends whoever has none by the next one. */
export class Pulse {
  readonly #beatMs: number;
  readonly #lives = new Map<Life, Signs>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `beatMs`: the time between two beats, in milliseconds. */
  constructor(beatMs: number) {
    this.#beatMs = beatMs;
  }

  /** Looks after `life` from now on. */
  add(life: Life): void {
    this.#lives.set(life, { heardBytes: life.heardBytes(), isPinged: false });
    this.#timer ??= setInterval(() => this.beat(), this.#beatMs);
  }

  /** Looks after `life` no more. */
  delete(life: Life): void {
    this.#lives.delete(life);
    if (this.#lives.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One beat, which the timer calls. */
  beat(): void {
    for (const [life, signs] of this.#lives) {
      const heardBytes = life.heardBytes();
      if (heardBytes !== signs.heardBytes) signs.isPinged = false;
      else if (signs.isPinged) life.end();
      else {
        signs.isPinged = true;
        life.ping();
      }
      signs.heardBytes = heardBytes;
    }
  }
}
