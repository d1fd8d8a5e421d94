/** How many bytes a second leave. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Outflow, type ViewerOutflow } from "../../src/core/outflow.ts";
import { frame, recorded } from "./samples.ts";

/** Offers each viewer its frames for ten seconds, 30 a second; returns the bytes that left for each. */
function run(
  viewers: readonly ViewerOutflow[],
  frameBytes: readonly number[],
  fromMs = 0,
): number[] {
  const left = viewers.map(() => 0);
  for (let n = 0; n < 300; n++) {
    const nowMs = fromMs + n * 1000 / 30;
    viewers.forEach((viewer, index) => {
      const bytes = frameBytes[index]!;
      if (bytes === 0 || !viewer.isOpen(nowMs)) return;
      viewer.count(bytes, nowMs);
      left[index]! += bytes;
    });
  }
  return left;
}

function viewersOf(outflow: Outflow, count: number): ViewerOutflow[] {
  return Array.from({ length: count }, () => outflow.viewer()!);
}

/** Whether `bytes` are what a rate gives in ten seconds, but for a burst and a frame. */
function isAbout(bytes: number, rate: number, frameBytes: number): boolean {
  return bytes >= rate * 9.7 && bytes <= rate * 10.25 + frameBytes;
}

Deno.test("Outflow costs nothing where nothing is limited", () => {
  assertEquals(new Outflow({ maxRate: 0, maxViewerRate: 0 }).viewer(), undefined);
});

Deno.test("Outflow gives each viewer its rate, with small frames and with large ones", () => {
  const viewers = viewersOf(new Outflow({ maxRate: 0, maxViewerRate: 100_000 }), 3);
  const left = run(viewers, [5000, 50_000, 1000]);
  assert(isAbout(left[0]!, 100_000, 5000), `${left}`);
  assert(isAbout(left[1]!, 100_000, 50_000), `${left}`);
  // It wants no more.
  assertEquals(left[2], 300_000);
});

Deno.test("Outflow shares a rate out equally, whoever asks first", () => {
  const left = run(viewersOf(new Outflow({ maxRate: 400_000, maxViewerRate: 0 }), 4), [
    10_000,
    10_000,
    10_000,
    10_000,
  ]);
  const total = left.reduce((sum, bytes) => sum + bytes);
  assert(isAbout(total, 400_000, 40_000), `${left}`);
  for (const bytes of left) assert(bytes > 800_000, `${left}`);
});

Deno.test("Outflow gives to others what one does not take, also one that has gone", () => {
  const outflow = new Outflow({ maxRate: 200_000, maxViewerRate: 0 });
  const viewers = viewersOf(outflow, 4);
  const left = run(viewers, [20_000, 500, 0, 0]);
  assert(isAbout(left[0]! + left[1]!, 200_000, 20_000), `${left}`);
  assertEquals(left[1], 150_000);
  for (const viewer of viewers.slice(1)) viewer.close();
  assert(isAbout(run(viewersOf(outflow, 1), [20_000], 10_000)[0]!, 200_000, 20_000));
});

Deno.test("ViewerFeed skips to the newest frame where the rate is used up, and says why", () => {
  const outflow = new Outflow({ maxRate: 0, maxViewerRate: 100_000 }).viewer();
  const { viewer, sent, offer } = recorded({ outflow });
  for (let sequence = 1; sequence <= 300; sequence++) {
    const nowMs = sequence * 1000 / 30;
    offer(frame(sequence, 10_000), nowMs);
    const newest = sent.at(-1);
    if (newest !== undefined) viewer.acknowledge(newest, nowMs + 1);
  }
  assert(isAbout(viewer.sent.bytes, 100_000, 10_000), `${viewer.sent.bytes}`);
  // The newest may wait.
  assert(viewer.dropped.rate + sent.length >= 299, `${viewer.dropped.rate} and ${sent.length}`);
  assertEquals(viewer.isReady(10_001), false);
  // Nothing follows it.
  offer(frame(301, 10_000), 10_001);
  viewer.flush(10_001);
  assertEquals(sent.at(-1), 301);
});

Deno.test("Outflow leaves a part to who waits, where each frame is as much as a burst", () => {
  const outflow = new Outflow({ maxRate: 20_000, maxViewerRate: 0 });
  const viewers = Array.from({ length: 3 }, () => ({ flow: outflow.viewer()!, frames: 0 }));
  for (let nowMs = 0; nowMs < 12_000; nowMs += 10) {
    // Always the same one first.
    for (const viewer of viewers) {
      if (!viewer.flow.isOpen(nowMs)) continue;
      viewer.flow.count(5000, nowMs);
      viewer.frames++;
    }
  }
  for (const { frames } of viewers) assert(frames >= 14 && frames <= 18, `${frames} frames`);
});
