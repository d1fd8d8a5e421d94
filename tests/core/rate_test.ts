// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { STANDING_AFTER_MS, StandingQueueDetector } from "../../src/core/standing_queue.ts";
import { Budget } from "../../src/core/budget.ts";
import { DROP_REASONS, noDrops, totalDrops } from "../../src/core/drops.ts";
import { RateLimit } from "../../src/core/rate_limit.ts";
import { RateMeter } from "../../src/core/rate_meter.ts";

Deno.test("StandingQueueDetector drains a queue that stays above its target for as long as its patience", () => {
  const backlog = new StandingQueueDetector();
  for (let nowMs = 0; nowMs < STANDING_AFTER_MS; nowMs += 100) {
    assertEquals(backlog.observe(9, 8, nowMs), false);
  }
  assertEquals(backlog.observe(9, 8, STANDING_AFTER_MS), true);
});

Deno.test("StandingQueueDetector goes on draining until the queue is down to its target", () => {
  const backlog = new StandingQueueDetector();
  backlog.observe(50, 8, 0);
  for (let frames = 50; frames > 8; frames--) {
    assertEquals(backlog.observe(frames, 8, 2000 - frames), true);
  }
  assertEquals(backlog.observe(8, 8, 2000), false);
  assertEquals(backlog.observe(50, 8, 2001), false);
});

Deno.test("StandingQueueDetector leaves a queue alone that comes down now and then", () => {
  const backlog = new StandingQueueDetector();
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    const frames = nowMs % 900 === 0 ? 8 : 100;
    assertEquals(backlog.observe(frames, 8, nowMs), false);
  }
});

Deno.test("StandingQueueDetector has patience with the first burst after a long silence", () => {
  const backlog = new StandingQueueDetector();
  backlog.observe(0, 8, 0);
  assertEquals(backlog.observe(100, 8, 60_000), false);
  assertEquals(backlog.observe(90, 8, 60_000 + STANDING_AFTER_MS - 1), false);
  assertEquals(backlog.observe(80, 8, 60_000 + STANDING_AFTER_MS), true);
});

Deno.test("Budget takes up to its limit and not one byte more", () => {
  const budget = new Budget(100);
  assert(budget.take(60));
  assert(!budget.take(41));
  assert(budget.take(40));
  assertEquals(budget.used, 100);
  budget.give(1);
  assert(budget.take(1));
  assert(!budget.take(1));
});

Deno.test("totalDrops sums every reason", () => {
  const counts = noDrops();
  assertEquals(totalDrops(counts), 0);
  DROP_REASONS.forEach((reason, index) => counts[reason] = 10 ** index);
  assertEquals(totalDrops(counts), (10 ** DROP_REASONS.length - 1) / 9);
});

Deno.test("RateLimit never lets more than N + 1 pass within any second", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      fc.array(fc.double({ min: 0, max: 60, noNaN: true }), {
        minLength: 100,
        maxLength: 400,
        size: "max",
      }),
      (perSecond, waits) => {
        const limit = new RateLimit(perSecond);
        const passed: number[] = [];
        let nowMs = 0;
        for (const wait of waits) if (limit.admit(nowMs += wait)) passed.push(nowMs);
        passed.forEach((ms, index) => {
          const later = passed[index + perSecond + 1];
          if (later !== undefined) assert(later - ms >= 1000 - 1e-6, `${later} - ${ms}`);
        });
        assert(passed.length <= nowMs / 1000 * perSecond + 1.5 + 1e-9);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("RateLimit of 30 takes nothing from 30 frames a second that jitter", () => {
  const jitter = fc.double({ min: -7, max: 7, noNaN: true });
  fc.assert(
    fc.property(fc.array(jitter, { minLength: 300, maxLength: 300 }), (jitters) => {
      const limit = new RateLimit(30);
      jitters.forEach((jitterMs, index) => {
        assert(limit.admit(100 + index * 1000 / 30 + jitterMs), `frame ${index}`);
      });
    }),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("RateLimit of 30 halves 60 frames a second", () => {
  const limit = new RateLimit(30);
  let passed = 0;
  for (let index = 0; index < 6000; index++) if (limit.admit(index * 1000 / 60)) passed++;
  assert(Math.abs(passed - 3000) <= 1, `${passed} passed`);
});

Deno.test("RateLimit thins 50 frames a second to 30, evenly", () => {
  const limit = new RateLimit(30);
  const passed: number[] = [];
  for (let nowMs = 0; nowMs < 10_000; nowMs += 20) if (limit.admit(nowMs)) passed.push(nowMs);
  assert(Math.abs(passed.length - 300) <= 1, `${passed.length} passed`);
  passed.forEach((ms, index) => {
    if (index > 0) assert(ms - passed[index - 1]! <= 40, `a gap before ${ms} ms`);
  });
});

Deno.test("RateLimit of 1 spaces 30 frames a second from the first one on", () => {
  for (const isPassed of [false, true]) {
    const limit = new RateLimit(1);
    const passed: number[] = [];
    if (isPassed) limit.pass(0);
    for (let index = isPassed ? 1 : 0; index < 300; index++) {
      const nowMs = index * 1000 / 30;
      if (limit.admit(nowMs)) passed.push(nowMs);
    }
    const all = isPassed ? [0, ...passed] : passed;
    assertEquals(all.length, 10);
    all.forEach((ms, index) => assert(Math.abs(ms - index * 1000) < 34, `${index}: ${ms} ms`));
  }
});

Deno.test("RateLimit makes up for nothing after a pause", () => {
  const limit = new RateLimit(10);
  assert(limit.admit(0));
  assert(limit.admit(60_000));
  assert(!limit.admit(60_001));
  assert(!limit.admit(60_050));
  assert(limit.admit(60_080));
});

Deno.test("RateMeter measures an even sequence", () => {
  const meter = new RateMeter();
  for (let index = 0; index < 300; index++) meter.add(1000, 5000 + index * 20);
  const rate = meter.rate(5000 + 300 * 20);
  assertAlmostEquals(rate.framesPerSecond, 50, 1);
  assertAlmostEquals(rate.bytesPerSecond, 50_000, 1000);
});

Deno.test("RateMeter measures from the first frame while the window is not full", () => {
  const meter = new RateMeter();
  for (let index = 0; index < 25; index++) meter.add(10, 777 + index * 40);
  assertAlmostEquals(meter.rate(777 + 1000).framesPerSecond, 25, 1e-9);
});

Deno.test("RateMeter forgets what is older than three seconds", () => {
  const meter = new RateMeter();
  assertEquals(meter.rate(0), { framesPerSecond: 0, bytesPerSecond: 0 });
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) meter.add(10, nowMs);
  assertAlmostEquals(meter.rate(2500).framesPerSecond, 40, 1);
  assertEquals(meter.rate(4000), { framesPerSecond: 0, bytesPerSecond: 0 });
  meter.add(10, 1e9);
  assertAlmostEquals(meter.rate(1e9).framesPerSecond, 0.36, 0.01);
});
