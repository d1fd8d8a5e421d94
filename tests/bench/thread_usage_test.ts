// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { threadCpuSeconds, ThreadUsage } from "../../src/bench/thread_usage.ts";
import { systemClock } from "../../src/host/clock.ts";

/** Keeps this thread busy for so many milliseconds of its CPU. */
function work(cpuMs: number): void {
  for (const endSeconds = threadCpuSeconds() + cpuMs / 1000; threadCpuSeconds() < endSeconds;);
}

Deno.test("ThreadUsage tells CPU, and the time in which the thread did not get to run", () => {
  const usage = new ThreadUsage(systemClock);
  const beganMs = systemClock.nowMs();
  usage.begin();
  work(100);
  usage.begin();
  const { cpuShare, stillShare } = usage.end();
  const ms = systemClock.nowMs() - beganMs;
  assert(cpuShare >= 99 / ms && cpuShare < 1.2, `${cpuShare} of a core in ${ms} ms`);
  // Of one long turn all but a step is standing still.
  assert(stillShare > 0.5 && stillShare < 1, `${stillShare}`);
});

Deno.test("ThreadUsage tells nothing where it has not begun", () => {
  assertEquals(new ThreadUsage(systemClock).end(), { cpuShare: 0, stillShare: 0 });
});
