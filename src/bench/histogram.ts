/**
 * Many numbers in little memory.
 *
 * @module
 */

/** Smallest number that is told from 0. */
const SMALLEST = 1e-3;
/** Largest number that is told from those above it. */
const LARGEST = 1e7;

/** A histogram as it crosses from one thread to another. */
export interface HistogramData {
  readonly resolution: number;
  readonly counts: Float64Array<ArrayBuffer>;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** The numbers that a report tells of a histogram. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/**
 * Counts numbers from 0.001 to 10⁷ in buckets, each of which is `resolution` wider than the one
 * before it, so that a quantile is off by half of that at most. Count, sum, least and greatest are
 * exact.
 */
export class Histogram {
  readonly #resolution: number;
  readonly #logWidth: number;
  readonly #counts: Float64Array<ArrayBuffer>;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /** @param resolution width of a bucket as a part of its numbers @default {0.01} */
  constructor(resolution = 0.01) {
    this.#resolution = resolution;
    this.#logWidth = Math.log1p(resolution);
    this.#counts = new Float64Array(
      Math.ceil(Math.log(LARGEST / SMALLEST) / this.#logWidth) + 1,
    );
  }

  /** How many numbers were added. */
  get count(): number {
    return this.#count;
  }

  /** Their mean, `null` for none. */
  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }

  /** The greatest, `null` for none. */
  get max(): number | null {
    return this.#count === 0 ? null : this.#max;
  }

  /** Adds `value`, which is not negative, so many times. */
  add(value: number, times = 1): void {
    const index = Math.floor(Math.log(value / SMALLEST) / this.#logWidth);
    this.#counts[Math.min(Math.max(index, 0), this.#counts.length - 1)]! += times;
    this.#count += times;
    this.#sum += value * times;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  /** The number that `share` (0 to 1) of all do not exceed, `null` for none. */
  quantile(share: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (rank >= this.#count) return this.#max;
    let index = 0;
    for (let seen = this.#counts[0]!; seen < rank; seen += this.#counts[index]!) index++;
    return this.#middle(index);
  }

  /** Median, 99th percentile and greatest. */
  quantiles(): Quantiles {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.max };
  }

  /** How far the numbers are from their mean: a histogram of the absolute deviations. */
  deviations(): Histogram {
    const deviations = new Histogram();
    const mean = this.mean;
    if (mean === null) return deviations;
    this.#counts.forEach((times, index) => {
      if (times > 0) deviations.add(Math.abs(this.#middle(index) - mean), times);
    });
    return deviations;
  }

  /** Adds what another histogram of the same resolution has counted. */
  merge(other: HistogramData): void {
    if (other.resolution !== this.#resolution) {
      throw new RangeError("Cannot merge histograms: their resolutions differ");
    }
    other.counts.forEach((times, index) => this.#counts[index]! += times);
    this.#count += other.count;
    this.#sum += other.sum;
    this.#min = Math.min(this.#min, other.min);
    this.#max = Math.max(this.#max, other.max);
  }

  /** Itself as plain data, of which the counts are not copied. */
  data(): HistogramData {
    return {
      resolution: this.#resolution,
      counts: this.#counts,
      count: this.#count,
      sum: this.#sum,
      min: this.#min,
      max: this.#max,
    };
  }

  /** The middle of a bucket, within the numbers that were added. */
  #middle(index: number): number {
    const middle = SMALLEST * Math.exp((index + 0.5) * this.#logWidth);
    return Math.min(Math.max(middle, this.#min), this.#max);
  }
}
