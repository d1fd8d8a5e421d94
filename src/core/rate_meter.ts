/**
 * Measures a rate over the last seconds.
 *
 * @module
 */

const BUCKET_MS = 250;
const BUCKETS = 12;

/** Frames and bytes a second. */
export interface Rate {
  /** Frames a second. */
  readonly framesPerSecond: number;
  /** Bytes a second. */
  readonly bytesPerSecond: number;
}

/** Counts frames and bytes over a sliding window of three seconds. */
export class RateMeter {
  readonly #frames = new Float64Array(BUCKETS);
  readonly #bytes = new Float64Array(BUCKETS);
  #firstMs: number | undefined;
  #bucket = 0;

  /** Counts one frame of `bytes` at `nowMs`, which never goes back. */
  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#frames[this.#bucket % BUCKETS]! += 1;
    this.#bytes[this.#bucket % BUCKETS]! += bytes;
  }

  /** The rate over the window, or over the time since the first frame where that is shorter. */
  rate(nowMs: number): Rate {
    if (this.#firstMs === undefined) return { framesPerSecond: 0, bytesPerSecond: 0 };
    this.#advance(nowMs);
    const windowStartMs = (this.#bucket - BUCKETS + 1) * BUCKET_MS;
    const seconds = Math.max(BUCKET_MS, nowMs - Math.max(windowStartMs, this.#firstMs)) / 1000;
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    return {
      framesPerSecond: sum(this.#frames) / seconds,
      bytesPerSecond: sum(this.#bytes) / seconds,
    };
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    if (this.#firstMs === undefined) {
      this.#firstMs = nowMs;
      this.#bucket = bucket;
    }
    for (let step = Math.min(bucket - this.#bucket, BUCKETS); step > 0; step--) {
      this.#frames[(bucket - step + 1) % BUCKETS] = 0;
      this.#bytes[(bucket - step + 1) % BUCKETS] = 0;
    }
    this.#bucket = Math.max(bucket, this.#bucket);
  }
}
