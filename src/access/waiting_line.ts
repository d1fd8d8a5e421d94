/**
 * Places for a few at a time, and a line of those who wait for one.
 *
 * @module
 */

/** Who waits: somebody who was let in before, or somebody else. */
export type Comer = "known" | "new";

/** How long a line may be, and how long somebody waits in it. */
export interface LineLimits {
  readonly most: number;
  /** In milliseconds. */
  readonly waitMs: number;
}

/** Gives places in turn, first to those who are known. */
export class WaitingLine {
  #free: number;
  readonly #limits: Readonly<Record<Comer, LineLimits>>;
  readonly #lines = { known: new Set<() => void>(), new: new Set<() => void>() };

  constructor(places: number, limits: Readonly<Record<Comer, LineLimits>>) {
    this.#free = places;
    this.#limits = limits;
  }

  /** Waits for a place, which has to be left again; `false` where there is none in time. */
  async enter(comer: Comer): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const line = this.#lines[comer];
    const { most, waitMs } = this.#limits[comer];
    if (line.size >= most) return false;
    return await new Promise((resolve) => {
      const enter = () => {
        clearTimeout(timer);
        line.delete(enter);
        resolve(true);
      };
      const timer = setTimeout(() => {
        line.delete(enter);
        resolve(false);
      }, waitMs);
      line.add(enter);
    });
  }

  /** Gives a place on. */
  leave(): void {
    for (const line of [this.#lines.known, this.#lines.new]) {
      for (const enter of line) return enter();
    }
    this.#free++;
  }
}
