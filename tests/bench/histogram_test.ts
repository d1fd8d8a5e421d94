// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Histogram } from "../../src/bench/histogram.ts";

/** A histogram of `numbers`. */
function histogramOf(numbers: readonly number[], resolution?: number): Histogram {
  const histogram = new Histogram(resolution);
  for (const number of numbers) histogram.add(number);
  return histogram;
}

/** Numbers of many magnitudes in no order, always the same. */
const NUMBERS = Array.from({ length: 5000 }, (_, n) => Math.exp((n * 7919 % 5000) / 350) / 100);

Deno.test("Histogram tells quantiles within half of its resolution", () => {
  const sorted = [...NUMBERS].sort((a, b) => a - b);
  for (const resolution of [0.01, 0.001]) {
    const histogram = histogramOf(NUMBERS, resolution);
    for (const share of [0.01, 0.25, 0.5, 0.9, 0.99, 0.999]) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
      const off = Math.abs(histogram.quantile(share)! / exact - 1);
      assert(off <= resolution / 2 + 1e-9, `${share} is off by ${off}`);
    }
  }
});

Deno.test("Histogram knows count, mean and greatest exactly, and few numbers, too", () => {
  const { p50, p99, max } = histogramOf([3]).quantiles();
  assertEquals([p50, p99, max], [3, 3, 3]);
  const histogram = histogramOf([1, 2, 6]);
  assertEquals([histogram.count, histogram.mean, histogram.max], [3, 3, 6]);
  assertEquals(histogram.quantile(1), 6);
});

Deno.test("Histogram of nothing has no numbers", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantiles(), { p50: null, p99: null, max: null });
  assertEquals([histogram.count, histogram.mean, histogram.deviations().max], [0, null, null]);
});

Deno.test("Histogram takes 0 and what is beyond its range", () => {
  const histogram = histogramOf([0, 0, 0, 1e12]);
  assertEquals(histogram.quantile(0.5), 0.001 * Math.exp(Math.log1p(0.01) / 2));
  assertEquals(histogram.max, 1e12);
});

Deno.test("Histogram merges those of other threads to the same as one of all numbers", () => {
  const [one, other] = [histogramOf(NUMBERS.slice(0, 100)), histogramOf(NUMBERS.slice(100))];
  one.merge(structuredClone(other.data()));
  assertEquals(one.quantiles(), histogramOf(NUMBERS).quantiles());
  assertEquals(one.count, NUMBERS.length);
  assertThrows(() => one.merge(new Histogram(0.5).data()), RangeError);
});

Deno.test("Histogram tells deviations from the mean", () => {
  const even = histogramOf([33, 33, 33], 0.0005).deviations();
  assertEquals(even.quantiles(), { p50: 0, p99: 0, max: 0 });
  // The mean is 30: one in ten is 27 above it, the others 3 below.
  const uneven = histogramOf([57, ...Array(9).fill(27)], 0.0005).deviations();
  assert(Math.abs(uneven.quantile(0.5)! - 3) < 0.03, `${uneven.quantile(0.5)}`);
  assert(Math.abs(uneven.max! - 27) < 0.27, `${uneven.max}`);
});
