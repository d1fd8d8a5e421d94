// @ts-types="../../types/std_assert.d.ts"
import { assertAlmostEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { feed, input, stream } from "./samples.ts";

const INTERVAL_MS = 1000 / 30;

/** Delays of frames that come at `arrivals`, through a stream of 30 fps; what waits leaves on time. */
function delays(arrivals: readonly number[]): { delayMs: number[]; leftMs: number[] } {
  const leftMs: number[] = [];
  const subject = stream({ fps: 30 });
  let nowMs = 0;
  subject.join(feed({ unsentBytes: () => 0, send: () => leftMs.push(nowMs) }), 0);
  const runTo = (endMs: number) => {
    for (let due = subject.deadlineMs(); due !== undefined && due <= endMs;) {
      nowMs = due;
      subject.advance(due);
      due = subject.deadlineMs();
    }
    nowMs = endMs;
  };
  for (const arrival of arrivals) {
    runTo(arrival);
    subject.push(input(), arrival);
  }
  runTo(Infinity);
  return { delayMs: leftMs.map((left, index) => left - arrivals[index]!), leftMs };
}

/** A jitter that repeats: one frame in fifty is 25 ms late, the others up to 2 ms. */
function jitterMs(frame: number): number {
  return frame % 50 === 0 ? 25 : (frame * 7919 % 200) / 100;
}

Deno.test("Stream leaves no standing delay for a source of its own rate that jitters", () => {
  const arrivals = Array.from({ length: 600 }, (_, n) => 100 + n * INTERVAL_MS + jitterMs(n));
  const { delayMs } = delays(arrivals);
  const sorted = [...delayMs].sort((a, b) => a - b);
  assertLess(sorted[300]!, 3);
  assertLess(sorted[599]!, 30);
});

Deno.test("Stream never wins back more than was lost, so that a faster source keeps to its rate", () => {
  // Two frames at once after each pause: the first finds the queue empty every time.
  const arrivals = Array.from({ length: 900 }, (_, n) => 100 + Math.floor(n / 2) * INTERVAL_MS * 2);
  const { leftMs } = delays(arrivals);
  const meanMs = (leftMs.at(-1)! - leftMs[0]!) / (leftMs.length - 1);
  assertAlmostEquals(meanMs, INTERVAL_MS, 0.1);
  for (let index = 30; index < leftMs.length; index++) {
    assertLessOrEqual(30 * INTERVAL_MS * 0.96, leftMs[index]! - leftMs[index - 30]!);
  }
});
