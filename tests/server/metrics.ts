/**
 * The relay's numbers as a Prometheus server reads them.
 *
 * @module
 */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";

/** One histogram of `stream_delay_seconds`. */
export interface Delays {
  readonly count: number;
  /** In seconds. */
  readonly sum: number;
  /** Upper ends in seconds, and how many are as short. */
  readonly buckets: readonly (readonly [le: number, count: number])[];
}

/** All samples of `/metrics` by name and labels, each line of which is checked. */
export async function samples(address: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${address}/metrics`);
  const found = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of (await response.text()).trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (?:counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      assert(!typed.has(type[1]!), `${type[1]} comes twice`);
      typed.add(type[1]!);
    }
    if (line.startsWith("#")) continue;
    assertMatch(line, /^\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+$/);
    const at = line.lastIndexOf(" ");
    assert(!found.has(line.slice(0, at)), `${line} comes twice`);
    found.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return found;
}

/** The delays of a part of a stream, of which it is checked that they are a histogram. */
export function delaysOf(
  samples: ReadonlyMap<string, number>,
  part: "source" | "relay" | "viewer",
  name = "live",
): Delays {
  const labels = `stream="${name}",part="${part}"`;
  const value = (suffix: string) => samples.get(`stream_delay_seconds_${suffix}{${labels}}`)!;
  const prefix = `stream_delay_seconds_bucket{${labels},le="`;
  const buckets = [...samples].filter(([key]) => key.startsWith(prefix)).map(([key, count]) =>
    [Number(key.slice(prefix.length, -2).replace("+Inf", "Infinity")), count] as const
  );
  const [count, sum] = [value("count"), value("sum")];
  assertEquals(buckets.at(-1), [Infinity, count]);
  assertEquals([buckets[0]?.[0], buckets.at(-2)?.[0]], [0.0005, 10]);
  buckets.slice(1).forEach(([le, upTo], index) => {
    const [before, less] = buckets[index]!;
    assert(le > before && upTo >= less, `${part} up to ${le}: ${upTo}, up to ${before}: ${less}`);
  });
  // What was counted is between the ends of its buckets.
  const within = (ends: (index: number) => number) =>
    buckets.reduce(
      (total, [, upTo], index) => total + (upTo - (buckets[index - 1]?.[1] ?? 0)) * ends(index),
      0,
    );
  assert(sum >= within((index) => buckets[index - 1]?.[0] ?? 0) - 1e-9, `the sum is ${sum}`);
  if (buckets.at(-2)![1] === count) {
    const most = within((index) => Number.isFinite(buckets[index]![0]) ? buckets[index]![0] : 0);
    assert(sum <= most + 1e-9, `the sum is ${sum}`);
  }
  return { count, sum, buckets };
}
