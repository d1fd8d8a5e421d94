// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { WatchfulClock } from "../../src/relay/watchful_clock.ts";

Deno.test("WatchfulClock tells of a time without a pulse before the instant, and once", () => {
  let nowMs = 1000;
  const told: number[] = [];
  const clock = new WatchfulClock({ nowMs: () => nowMs, wallUs: () => 0 }, (ms) => told.push(ms));
  nowMs += 60_000;
  assertEquals([clock.nowMs(), told], [61_000, []]);
  for (let pulse = 0; pulse < 10; pulse++) {
    clock.pulse();
    nowMs += 100;
  }
  assertEquals(told, []);
  nowMs += 1000;
  assertEquals([clock.nowMs(), told], [nowMs, [1100]]);
  assertEquals([clock.nowMs(), told], [nowMs, [1100]]);
  clock.pulse();
  nowMs += 249;
  clock.pulse();
  assertEquals(told, [1100]);
});
