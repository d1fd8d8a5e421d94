/**
 * An amount that many share: of bytes, or of viewers.
 *
 * @module
 */

/**
 * Counts an amount against a limit. Threads may share one: each writes only its own counter and
 * reads all of them. Two threads that take at the same moment may therefore exceed the limit by
 * what one of them takes.
 */
export class Budget {
  /** The limit. */
  readonly limit: number;
  readonly #shares: Float64Array;
  readonly #own: number;
  #hasRefused = false;

  /**
   * `shares` holds what each thread has taken; this thread's counter is at index `own`. A budget of
   * one thread needs neither.
   */
  constructor(limit: number, shares: Float64Array = new Float64Array(1), own = 0) {
    this.limit = limit;
    this.#shares = shares;
    this.#own = own;
  }

  /** What all have taken. */
  get used(): number {
    let used = 0;
    for (let index = 0; index < this.#shares.length; index++) used += this.#shares[index]!;
    return used;
  }

  /** What the other threads have taken. */
  get usedByOthers(): number {
    return this.used - this.#shares[this.#own]!;
  }

  /**
   * Takes `amount` where it fits and leaves `spare` for others, or where nobody has taken anything: the
   * first may be larger than the limit. False where it does not fit.
   */
  take(amount: number, spare = 0): boolean {
    const { used } = this;
    if (used > 0 && used + amount + spare > this.limit) {
      this.#hasRefused = true;
      return false;
    }
    this.#shares[this.#own]! += amount;
    return true;
  }

  /** Whether something did not fit in this thread since this was asked last. */
  takeRefused(): boolean {
    const hasRefused = this.#hasRefused;
    this.#hasRefused = false;
    return hasRefused;
  }

  /** Takes `amount` whether it fits or not: it is in use already. */
  hold(amount: number): void {
    this.#shares[this.#own]! += amount;
  }

  /** Gives `amount` back that was taken. */
  give(amount: number): void {
    this.#shares[this.#own]! -= amount;
  }
}
