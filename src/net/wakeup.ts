/**
 * The one thing that loops wait for.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";

/** Something has happened; whoever waits looks again. A notice given while nobody waits is kept. */
export class Wakeup {
  #isNotified = false;
  #wake: (() => void) | undefined;

  /** Wakes who waits, or the next who will. */
  notify(): void {
    this.#isNotified = true;
    this.#wake?.();
  }

  /** Waits for a notice, or until `deadlineMs` of `clock`. At most one waits at a time. */
  async wait(clock: Clock, deadlineMs = Infinity): Promise<void> {
    if (!this.#isNotified) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (deadlineMs !== Infinity) {
          timer = setTimeout(resolve, Math.max(0, deadlineMs - clock.nowMs()));
        }
      });
      clearTimeout(timer);
      this.#wake = undefined;
    }
    this.#isNotified = false;
  }
}
