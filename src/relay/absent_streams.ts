/**
 * What a relay remembers of streams that do not exist at the moment.
 *
 * @module
 */
import type { FrameRate } from "../core/pacing.ts";

/** Most names that are kept, of each kind. */
export const MAX_ABSENT_STREAMS = 1000;

/**
 * What a relay remembers of streams that do not exist at the moment: frame rates that were set, and
 * names that had a publisher. New entries replace the oldest ones.
 */
export class AbsentStreams {
  readonly #rates = new Map<string, FrameRate>();
  readonly #published = new Map<string, true>();

  /** The frame rate that was set for a stream, if one was. */
  rateOf(name: string): FrameRate | undefined {
    return this.#rates.get(name);
  }

  /** Keeps the frame rate of a stream. */
  setRate(name: string, fps: FrameRate): void {
    keep(this.#rates, name, fps);
  }

  /** Whether somebody has published to a stream of that name. */
  hasPublished(name: string): boolean {
    return this.#published.has(name);
  }

  /** Somebody publishes to a stream of that name. */
  published(name: string): void {
    keep(this.#published, name, true);
  }
}

/** Maps keep the order in which keys came: the first is the oldest. */
function keep<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  if (map.size > MAX_ABSENT_STREAMS) map.delete(map.keys().next().value!);
}
