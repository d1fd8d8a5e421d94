/**
 * The last minutes of a stream.
 *
 * @module
 */
import { lost } from "./figures.ts";
import type { Status } from "./status.ts";

/** How far back a history goes, in milliseconds. */
export const HISTORY_MS = 5 * 60 * 1000;
/** Most moments that are kept, whatever the times say. */
const MAX_SAMPLES = 400;
/** Over how long bytes are counted for their rate, in milliseconds. */
const SENT_WINDOW_MS = 3000;

/** A stream at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Frames since the moment before. */
  readonly dropped: number;
  /** So far. */
  readonly sentBytes: number;
}

/** What a stream did in the last five minutes. */
export class History {
  #samples: Sample[] = [];
  #lost: number | undefined;

  /** The moments, the newest last. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  add(status: Status, nowMs: number): void {
    const total = lost(status);
    // A counter that went back belongs to a stream that began anew.
    const before = this.#lost === undefined || this.#lost <= total ? this.#lost ?? total : 0;
    this.#lost = total;
    this.#samples.push({
      atMs: nowMs,
      framesPerSecond: status.framesPerSecond ?? 0,
      bytesPerSecond: status.bytesPerSecond ?? 0,
      dropped: total - before,
      sentBytes: status.sentBytes,
    });
    this.forget(nowMs);
  }

  /** Forgets what is too old; false where nothing is left. */
  forget(nowMs: number): boolean {
    const first = this.#samples.findIndex(({ atMs }) => atMs > nowMs - HISTORY_MS);
    const old = first < 0 ? this.#samples.length : first;
    this.#samples.splice(0, Math.max(old, this.#samples.length - MAX_SAMPLES));
    return this.#samples.length > 0;
  }

  /** Bytes a second to all viewers; 0 before two moments are known. */
  sentPerSecond(): number {
    const last = this.#samples.at(-1);
    if (last === undefined) return 0;
    const first = this.#samples.find(({ atMs }) => atMs >= last.atMs - SENT_WINDOW_MS) ?? last;
    const seconds = (last.atMs - first.atMs) / 1000;
    return seconds > 0 ? Math.max(0, last.sentBytes - first.sentBytes) / seconds : 0;
  }
}
