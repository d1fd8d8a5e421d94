// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { History, HISTORY_MS } from "../../src/player/history.ts";
import { describeChart, shapeOf } from "../../src/player/history_chart.ts";
import { readStatus } from "../../src/player/status.ts";

interface Moment {
  readonly fps?: number;
  readonly bytesPerSecond?: number;
  readonly lost?: number;
  readonly sentBytes?: number;
}

function moment({ fps = 30, bytesPerSecond = 1e5, lost = 0, sentBytes = 0 }: Moment = {}) {
  return readStatus({
    name: "live",
    rate: { framesPerSecond: fps, bytesPerSecond },
    dropped: { slow_viewer: lost, viewer_fps: 1e6 * lost },
    sent: { bytes: sentBytes },
  })!;
}

Deno.test("History keeps five minutes, however long the page is open", () => {
  const history = new History();
  for (let second = 0; second < 3600; second++) history.add(moment(), second * 1000);
  assertEquals(history.samples.length, HISTORY_MS / 1000);
  assertEquals(history.samples.at(-1)?.atMs, 3_599_000);
  assert(history.forget(3_599_000 + HISTORY_MS - 1));
  assert(!history.forget(3_599_000 + HISTORY_MS));
  assertEquals(history.samples.length, 0);
});

Deno.test("History keeps at most 400 moments, however close they are", () => {
  const history = new History();
  for (let at = 0; at < 1000; at++) history.add(moment(), at);
  assertEquals([history.samples.length, history.samples[0]?.atMs], [400, 600]);
});

Deno.test("History counts what was dropped since the moment before, also after a restart", () => {
  const history = new History();
  for (const [second, lost] of [7, 7, 10, 4, 4, 0].entries()) {
    history.add(moment({ lost }), second * 1000);
  }
  assertEquals(history.samples.map(({ dropped }) => dropped), [0, 0, 3, 4, 0, 0]);
});

Deno.test("History measures what is sent over three seconds", () => {
  const history = new History();
  assertEquals(history.sentPerSecond(), 0);
  for (const [second, sentBytes] of [0, 5e6, 5e6, 6e6, 8e6].entries()) {
    history.add(moment({ sentBytes }), second * 1000);
    if (second === 0) assertEquals(history.sentPerSecond(), 0);
  }
  assertEquals(history.sentPerSecond(), 1e6);
  history.add(moment({ sentBytes: 0 }), 5000);
  assertEquals(history.sentPerSecond(), 0);
});

Deno.test("shapeOf puts now at the right, and fills the width once there is a minute", () => {
  const history = new History();
  for (let second = 0; second <= 30; second++) history.add(moment(), second * 1000);
  const shape = shapeOf(history.samples, { nowMs: 30_000, fps: 30 });
  assertEquals([shape.fps.length, shape.fps[0]?.at(-1)?.[0]], [1, 1]);
  assertAlmostEquals(shape.fps[0]![0]![0], 0.5, 1e-9);
  const later = shapeOf(history.samples, { nowMs: 120_000, fps: 30 });
  assertEquals(later.fps[0]![0]![0], 0);
});

Deno.test("shapeOf scales each line to its highest value, and the target with the frame rate", () => {
  const history = new History();
  history.add(moment({ fps: 60, bytesPerSecond: 4e6 }), 0);
  history.add(moment({ fps: 0, bytesPerSecond: 2e6 }), 1000);
  const { fps, bits, target } = shapeOf(history.samples, { nowMs: 1000, fps: 30 });
  const heights = (line: [number, number][] | undefined) => line?.map(([, y]) => y.toFixed(3));
  assertEquals(heights(fps[0]), ["0.120", "1.000"]);
  assertEquals(heights(bits[0]), ["0.120", "0.560"]);
  assertAlmostEquals(target!, 0.56, 1e-9);
  assertEquals(shapeOf(history.samples, { nowMs: 1000, fps: "source" }).target, undefined);
});

Deno.test("shapeOf breaks its lines where nothing is known", () => {
  const history = new History();
  for (const second of [0, 1, 2, 40, 41]) history.add(moment(), second * 1000);
  const { fps, bits } = shapeOf(history.samples, { nowMs: 41_000, fps: 30 });
  assertEquals([fps.map((line) => line.length), bits.length], [[3, 2], 2]);
});

Deno.test("shapeOf marks drops, the most at once highest", () => {
  const history = new History();
  for (const [second, lost] of [0, 1, 1, 1001].entries()) {
    history.add(moment({ lost }), second * 1000);
  }
  const { drops } = shapeOf(history.samples, { nowMs: 3000, fps: 30 });
  assertEquals(drops.length, 2);
  assert(drops[0]![1] > 0.25 && drops[0]![1] < drops[1]![1] && drops[1]![1] <= 0.88 + 1e-9);
});

Deno.test("describeChart says in words what a chart shows", () => {
  const history = new History();
  assertEquals(describeChart(history.samples), "No history yet");
  for (const [second, fps] of [30, 24.6, 31].entries()) {
    history.add(moment({ fps, lost: second, bytesPerSecond: fps * 1e4 }), second * 1000);
  }
  assertEquals(
    describeChart(history.samples),
    "The last 2 seconds: 25 to 31 frames a second, 2.0 Mbit/s to 2.5 Mbit/s, 2 dropped",
  );
});
