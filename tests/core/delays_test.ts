/** Delays: of the last frames, in buckets, and where they are counted. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DELAY_BOUNDS_MS, DelayHistogram } from "../../src/core/delay_histogram.ts";
import { RecentDelays } from "../../src/core/recent_delays.ts";
import { ViewerDelays } from "../../src/core/viewer_delays.ts";
import { frame, range, recorded } from "./samples.ts";

function recent(...frames: [delayMs: number, nowMs: number][]): RecentDelays {
  const delays = new RecentDelays();
  for (const [delayMs, nowMs] of frames) delays.add(delayMs, nowMs);
  return delays;
}

/** How many delays are in each bucket that has any, by its upper end. */
function buckets({ cumulative }: DelayHistogram): Record<string, number> {
  const counts = cumulative.map((count, index) => [
    DELAY_BOUNDS_MS[index] ?? "more",
    count - (cumulative[index - 1] ?? 0),
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}

Deno.test("RecentDelays has no range before the first frame, and then its delay", () => {
  assertEquals(new RecentDelays().range, null);
  assertEquals(recent([7, 100]).range, { medianMs: 7, maxMs: 7 });
});

Deno.test("RecentDelays has the middle and the longest delay of three seconds up to the newest frame", () => {
  const delays = recent([90, 0], [1, 1], [5, 1000], [3, 2999]);
  assertEquals(delays.range, { medianMs: 5, maxMs: 90 });
  delays.add(4, 3000);
  assertEquals(delays.range, { medianMs: 4, maxMs: 5 });
  // Nothing comes for a while: the last frame goes on counting.
  delays.add(2, 60_000);
  assertEquals(delays.range, { medianMs: 2, maxMs: 2 });
});

Deno.test("RecentDelays keeps 512 frames at most", () => {
  const delays = recent([1000, 0]);
  for (const n of range(1, 511)) delays.add(1, n / 10);
  assertEquals(delays.range?.maxMs, 1000);
  delays.add(1, 52);
  assertEquals(delays.range?.maxMs, 1);
});

Deno.test("RecentDelays takes a delay below 0 for none, and forgets an hour that a clock was set back", () => {
  assertEquals(recent([-3, 0]).range, { medianMs: 0, maxMs: 0 });
  const delays = recent([3_600_000, 0], [3_600_000, 20]);
  for (const n of range(2, 160)) delays.add(1, n * 20);
  assertEquals(delays.range, { medianMs: 1, maxMs: 1 });
});

Deno.test("RecentDelays goes on where its own clock goes back", () => {
  const delays = recent([50, 1_000_000], [2, 0]);
  assertEquals(delays.range, { medianMs: 2, maxMs: 2 });
  delays.add(3, 10);
  assertEquals(delays.range, { medianMs: 3, maxMs: 3 });
});

Deno.test("DelayHistogram counts a delay in the first bucket that is as long", () => {
  const histogram = new DelayHistogram();
  for (const ms of [0, 0.5, 0.51, 33, 100, 100.1, 10_000, 10_001, 1e12]) histogram.add(ms);
  const expected = { "0.5": 2, "1": 1, "50": 1, "100": 1, "200": 1, "10000": 1, "more": 2 };
  assertEquals(buckets(histogram), expected);
  assertEquals(histogram.sumMs, 0.5 + 0.51 + 33 + 100 + 100.1 + 10_000 + 10_001 + 1e12);
});

Deno.test("DelayHistogram has the ends of its buckets in them", () => {
  DELAY_BOUNDS_MS.forEach((boundMs, index) => {
    const histogram = new DelayHistogram();
    histogram.add(boundMs);
    assertEquals(buckets(histogram), { [boundMs]: 1 });
    histogram.add(boundMs + 1e-6);
    assertEquals(buckets(histogram), { [boundMs]: 1, [DELAY_BOUNDS_MS[index + 1] ?? "more"]: 1 });
  });
});

Deno.test("DelayHistogram never goes down, whatever the clocks say", () => {
  const any = fc.oneof(fc.double(), fc.double({ min: -10, max: 20_000, noNaN: true }));
  fc.assert(
    fc.property(fc.array(any), (values) => {
      const histogram = new DelayHistogram();
      let before = [...histogram.cumulative, histogram.sumMs];
      values.forEach((value, index) => {
        histogram.add(value);
        const after = [...histogram.cumulative, histogram.sumMs];
        after.forEach((number, at) => assert(number >= before[at]!, `${number} of ${value}`));
        assertEquals(histogram.cumulative.at(-1), index + 1);
        before = after;
      });
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("DelayHistogram adds what another has grown by between two copies", () => {
  const [one, other] = [new DelayHistogram(), new DelayHistogram()];
  one.add(1);
  other.add(2);
  const before = other.copy();
  other.add(2);
  other.add(400);
  one.addGrowth(other.copy(), before);
  assertEquals([buckets(one), one.sumMs], [{ "1": 1, "2": 1, "500": 1 }, 403]);
  one.addGrowth(other.copy(), undefined);
  assertEquals([buckets(one), one.sumMs], [{ "1": 1, "2": 3, "500": 2 }, 807]);
});

Deno.test("ViewerFeed counts the relay's part and the viewer's once an acknowledgement, of its newest frame", () => {
  const delays = new ViewerDelays();
  const { viewer, offer } = recorded({ delays });
  offer(frame(1, 10, 0), 2);
  offer(frame(2, 10, 10), 14);
  offer(frame(3, 10, 20), 28);
  viewer.acknowledge(2, 34);
  assertEquals([buckets(delays.relay), delays.relay.sumMs], [{ "5": 1 }, 4]);
  assertEquals([buckets(delays.viewer), delays.viewer.sumMs], [{ "20": 1 }, 20]);
  viewer.acknowledge(3, 128);
  assertEquals([buckets(delays.relay), delays.relay.sumMs], [{ "5": 1, "10": 1 }, 12]);
  assertEquals([buckets(delays.viewer), delays.viewer.sumMs], [{ "20": 1, "100": 1 }, 120]);
  // One that is repeated says nothing.
  viewer.acknowledge(3, 500);
  viewer.close();
  assertEquals(delays.viewer.sumMs, 120);
});

Deno.test("ViewerFeed counts no frames from before the viewer came", () => {
  const delays = new ViewerDelays();
  const first = recorded();
  first.offer(frame(1, 10, 0), 0);
  const { viewer, offer, sent } = recorded({ delays }, first.frames, "key", 5000);
  assertEquals(sent, [-1]);
  viewer.acknowledge(1, 5010);
  assertEquals(buckets(delays.relay), {});
  offer(frame(2, 10, 6000), 6001);
  viewer.acknowledge(2, 6002);
  assertEquals([buckets(delays.relay), buckets(delays.viewer)], [{ "1": 1 }, { "1": 1 }]);
});

Deno.test("ViewerFeed counts the relay's part of a bare viewer's frame when it has left the socket, and no more", () => {
  const delays = new ViewerDelays();
  let unsent = 0;
  const { viewer, offer } = recorded({ delays, unsentBytes: () => unsent });
  unsent = 10;
  offer(frame(1, 10, 0), 3);
  viewer.isReady(50);
  assertEquals(buckets(delays.relay), {});
  unsent = 0;
  viewer.isReady(60);
  assertEquals([buckets(delays.relay), buckets(delays.viewer)], [{ "3": 1 }, {}]);
});
