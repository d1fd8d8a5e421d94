/**
 * Waiting for whoever is at the other end of a pipe.
 *
 * @module
 */

/** How long he may take for what is being written or opened when a stop is asked for, in milliseconds. */
const STOP_MS = 1000;

/** Waits for what may never come; once a stop is asked for, only for a moment. */
export class Patience {
  readonly #over = Promise.withResolvers<"over">();
  readonly #stop: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `undefined` for patience without end. */
  constructor(stop: AbortSignal | undefined) {
    this.#stop = stop;
    stop?.addEventListener("abort", this.#begin);
    if (stop?.aborted) this.#begin();
  }

  readonly #begin = () => {
    this.#timer = setTimeout(() => this.#over.resolve("over"), STOP_MS);
  };

  /** What `work` gives, unless that takes too long. */
  async until<T>(work: Promise<T>): Promise<T | "over"> {
    return await Promise.race([work, this.#over.promise]);
  }

  /** Waits no more. */
  end(): void {
    this.#stop?.removeEventListener("abort", this.#begin);
    clearTimeout(this.#timer);
  }
}
