/**
 * How long a film is that a viewer has received.
 *
 * @module
 */

/** What of a received frame tells its time. */
export interface FilmFrame {
  /** Presentation time in microseconds, `null` where the source has none. */
  readonly ptsUs: number | null;
  /** Time of capture in microseconds since the Unix epoch. */
  readonly captureUs: number;
  /** True for the first frame of a publisher's session or configuration. */
  readonly discontinuity: boolean;
}

/** Adds up the time from the first frame on; where the times of the source begin anew, it goes on. */
export class FilmLength {
  #startUs: number | undefined;
  #lengthUs = 0;
  #hasPts = false;

  /** The time from the first frame to this one in microseconds. */
  next({ ptsUs, captureUs, discontinuity }: FilmFrame): number {
    const ownUs = ptsUs ?? captureUs;
    const hasPts = ptsUs !== null;
    const isAnew = this.#startUs === undefined || discontinuity || hasPts !== this.#hasPts;
    if (isAnew) this.#startUs = ownUs - this.#lengthUs;
    this.#hasPts = hasPts;
    const lengthUs = ownUs - this.#startUs!;
    this.#lengthUs = Math.max(this.#lengthUs, lengthUs);
    return lengthUs;
  }
}
