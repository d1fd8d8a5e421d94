// @ts-types="../../types/std_assert.d.ts"
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { SourcePace } from "../../src/files/source_pace.ts";

function read(pace: SourcePace, nowMs: number, waitedMs: number): void {
  pace.ask(nowMs - waitedMs);
  pace.read(nowMs);
}

/** Frames of a source that had to be waited for. */
function waited(pace: SourcePace, fromMs: number, stepMs: number, count: number): number {
  for (let n = 0; n < count; n++) read(pace, fromMs + n * stepMs, stepMs - 1);
  return fromMs + (count - 1) * stepMs;
}

Deno.test("SourcePace is not behind a source that it waits for", () => {
  const pace = new SourcePace();
  const atMs = waited(pace, 1000, 40, 20);
  assertAlmostEquals(pace.intervalMs!, 40, 1e-6);
  assertEquals(pace.behindMs(atMs + 39), 0);
});

Deno.test("SourcePace is behind by the time for which nothing was read", () => {
  const pace = new SourcePace();
  const atMs = waited(pace, 0, 40, 20);
  assertAlmostEquals(pace.behindMs(atMs + 1040), 1000, 1e-6);
  // 20 frames that stood in the pipe are read at once.
  for (let n = 0; n < 20; n++) read(pace, atMs + 1040, 0.1);
  assertAlmostEquals(pace.behindMs(atMs + 1040), 200, 1e-6);
  read(pace, atMs + 1080, 20);
  assertEquals(pace.behindMs(atMs + 1080), 0);
});

Deno.test("SourcePace is not behind a source that is silent", () => {
  const pace = new SourcePace();
  const atMs = waited(pace, 0, 40, 20);
  pace.ask(atMs + 1);
  assertEquals(pace.behindMs(atMs + 60_000), 0);
  pace.read(atMs + 60_000);
  assertEquals(pace.behindMs(atMs + 60_000), 0);
});

Deno.test("SourcePace is never behind a file", () => {
  const pace = new SourcePace();
  for (let n = 0; n < 100; n++) read(pace, n * 33, 0.2);
  assertEquals([pace.intervalMs, pace.behindMs(1e6)], [undefined, 0]);
});
