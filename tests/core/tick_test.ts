// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { MAX_FPS, MIN_FPS, Tick } from "../../src/core/tick.ts";

for (const fps of [29.97, 50]) {
  Deno.test(`Tick does not drift over a million ticks at ${fps} fps`, () => {
    const tick = new Tick(fps, 1000);
    let lagMs = 0;
    for (let count = 0; count < 1e6; count++) {
      // The timer that drives it is late by up to 9 ms, each time differently.
      lagMs = (lagMs * 7 + 3.1) % 9;
      const fired = tick.fire(tick.deadlineMs + lagMs);
      if (fired === undefined || fired.overruns !== 0) throw new Error(`tick ${count} is wrong`);
    }
    assertAlmostEquals(tick.deadlineMs, 1000 + 1e6 * 1000 / fps, 1e-5);
  });
}

Deno.test("Tick does not fire before its deadline", () => {
  const tick = new Tick(50, 100);
  assertEquals(tick.fire(99.999), undefined);
  assertEquals(tick.fire(100), { overruns: 0, lagMs: 0 });
  assertEquals(tick.fire(119.999), undefined);
  assertEquals(tick.fire(123), { overruns: 0, lagMs: 3 });
  assertEquals(tick.deadlineMs, 140);
});

Deno.test("Tick fires once after a stall, counts overruns and stays on the grid", () => {
  const tick = new Tick(50, 0);
  tick.fire(0);
  assertEquals(tick.fire(1007), { overruns: 49, lagMs: 7 });
  assertEquals(tick.fire(1007), undefined);
  assertEquals(tick.deadlineMs, 1020);
});

Deno.test("Tick never bunches: after any call the next deadline is ahead and on the grid", () => {
  const wait = fc.oneof(
    fc.double({ min: 0, max: 200, noNaN: true }),
    // Stalls of whole intervals, where the division's rounding matters.
    fc.record({
      intervals: fc.integer({ min: 1, max: 5000 }),
      isJustBefore: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.constantFrom(24, 29.97, 30, 59.94, 60, 1000), fc.integer({ min: 1, max: 240 })),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.array(wait, { minLength: 1, maxLength: 60 }),
      (fps, startMs, waits) => {
        const tick = new Tick(fps, startMs);
        let nowMs = startMs;
        let index = 0;
        for (const wait of waits) {
          if (typeof wait === "number") {
            nowMs += wait;
          } else {
            const gridMs = startMs + (index + wait.intervals) * tick.intervalMs;
            nowMs = Math.max(nowMs, wait.isJustBefore ? gridMs * (1 - Number.EPSILON) : gridMs);
          }
          const wasDue = nowMs >= tick.deadlineMs;
          const fired = tick.fire(nowMs);
          assertEquals(fired !== undefined, wasDue);
          assert(tick.deadlineMs > nowMs, `deadline ${tick.deadlineMs} is not after ${nowMs}`);
          assertEquals(tick.fire(nowMs), undefined);
          if (fired === undefined) continue;
          index += fired.overruns + 1;
          assert(fired.lagMs >= 0 && fired.lagMs < tick.intervalMs + 1e-6);
          assertAlmostEquals(tick.deadlineMs, startMs + index * tick.intervalMs, 1e-6);
        }
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("Tick sets the next deadline one new interval after the last tick", () => {
  const tick = new Tick(50, 0);
  tick.fire(0);
  tick.fire(20);
  tick.setFps(10, 25);
  assertEquals(tick.deadlineMs, 120);
  tick.setFps(40, 30);
  assertEquals(tick.deadlineMs, 45);
  assertEquals(tick.fps, 40);
  assertEquals(tick.intervalMs, 25);
});

Deno.test("Tick is due now where a new, shorter interval has passed already", () => {
  const tick = new Tick(1, 0);
  tick.fire(0);
  tick.setFps(10, 700);
  assertEquals(tick.deadlineMs, 700);
  assertEquals(tick.fire(700), { overruns: 0, lagMs: 0 });
  assertEquals(tick.deadlineMs, 800);
});

Deno.test("Tick has neither a gap nor a burst, however often its rate changes", () => {
  const step = fc.record({
    fps: fc.integer({ min: 1, max: 200 }),
    waitMs: fc.double({ min: 0, max: 300, noNaN: true }),
    isFired: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50 }), (steps) => {
      const tick = new Tick(30, 0);
      tick.fire(0);
      let lastMs = 0;
      let nowMs = 0;
      for (const { fps, waitMs, isFired } of steps) {
        nowMs += waitMs;
        const dueMs = tick.deadlineMs;
        const fired = isFired ? tick.fire(nowMs) : undefined;
        if (fired !== undefined) lastMs = dueMs + fired.overruns * tick.intervalMs;
        tick.setFps(fps, nowMs);
        assertAlmostEquals(tick.deadlineMs, Math.max(nowMs, lastMs + 1000 / fps), 1e-6);
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});

Deno.test("Tick counts from the instant at which it is restarted", () => {
  const tick = new Tick(10, 0);
  tick.fire(0);
  tick.restart(55);
  assertEquals(tick.fire(54), undefined);
  assertEquals(tick.fire(55)?.overruns, 0);
  assertEquals(tick.deadlineMs, 155);
});

Deno.test("Tick takes MIN_FPS to MAX_FPS and nothing beyond", () => {
  for (const fps of [MIN_FPS, MAX_FPS]) {
    assertEquals(new Tick(fps, 0).fps, fps);
    new Tick(30, 0).setFps(fps, 0);
  }
  for (const fps of [0.0999, 1000.1, 0, -1, NaN, Infinity]) {
    assertThrows(() => new Tick(fps, 0), RangeError, "Cannot tick");
    assertThrows(() => new Tick(30, 0).setFps(fps, 0), RangeError, "Cannot tick");
  }
});
