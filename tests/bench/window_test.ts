// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Histogram } from "../../src/bench/histogram.ts";
import { readSentMs, STAMP_BYTES, writeStamp } from "../../src/bench/stamp.ts";
import { INTERVAL_RESOLUTION, type Received, WindowCounts } from "../../src/bench/window.ts";

/** A window from 1000 to 2000 ms and the frames of one viewer: sent, arrived. */
function received(frames: readonly (readonly [number | undefined, number])[]): Received {
  const counts = new WindowCounts();
  counts.window = { beginMs: 1000, endMs: 2000 };
  let lastMs = 0;
  for (const [sentMs, arrivedMs] of frames) {
    counts.add({ sentMs, arrivedMs, lastMs, bytes: 10 });
    lastMs = arrivedMs;
  }
  return counts.received();
}

Deno.test("WindowCounts counts what arrives in the window, the begin within, the end without", () => {
  const { frames, bytes } = received([[0, 999], [0, 1000], [0, 1999], [0, 2000]]);
  assertEquals([frames, bytes], [2, 20]);
});

Deno.test("WindowCounts counts what was sent in the window whenever it arrives, with its delay", () => {
  const { sentInWindow, delay } = received([[999, 1010], [1000, 1010], [1990, 2490], [2000, 2001]]);
  assertEquals([sentInWindow, delay.count, delay.min, delay.max], [2, 2, 10, 500]);
});

Deno.test("WindowCounts knows no delay of a frame without a time of sending", () => {
  const { frames, sentInWindow, delay } = received([[undefined, 1500]]);
  assertEquals([frames, sentInWindow, delay.count], [1, 0, 0]);
});

Deno.test("WindowCounts takes intervals within the window alone", () => {
  const { interval } = received([[0, 990], [0, 1010], [0, 1040], [0, 1990], [0, 2010]]);
  assertEquals([interval.count, interval.min, interval.max], [2, 30, 950]);
  new Histogram(INTERVAL_RESOLUTION).merge(interval);
});

Deno.test("WindowCounts counts slow viewers' frames apart", () => {
  const counts = new WindowCounts();
  counts.window = { beginMs: 1000, endMs: 2000 };
  for (const arrivedMs of [999, 1000, 2000]) counts.addSlow(arrivedMs);
  const { slowFrames, frames } = counts.received();
  assertEquals([slowFrames, frames], [1, 0]);
});

Deno.test("WindowCounts counts nothing before a window is set", () => {
  const counts = new WindowCounts();
  counts.add({ sentMs: 1, arrivedMs: 2, lastMs: 1, bytes: 1 });
  const { frames, sentInWindow, interval } = counts.received();
  assertEquals([frames, sentInWindow, interval.count], [0, 0, 0]);
});

Deno.test("readSentMs reads what writeStamp wrote, at the beginning of a frame alone", () => {
  const frame = new Uint8Array(60).subarray(20);
  writeStamp(frame, { number: 7, sentMs: 1767225600000.125 });
  assertEquals(readSentMs(frame.subarray(0, STAMP_BYTES)), 1767225600000.125);
  assertEquals(readSentMs(frame.subarray(0, STAMP_BYTES - 1)), undefined);
  assertEquals(readSentMs(frame.subarray(1)), undefined);
});
