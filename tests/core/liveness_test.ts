// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Liveness, type LivenessOptions } from "../../src/core/liveness.ts";

const INTERVAL_MS = 1000 / 30;

function liveness(options: Partial<LivenessOptions> = {}): Liveness {
  return new Liveness({ isPresumed: true, ...options }, 0);
}

/** Frames at an even distance; returns when the next one would come. */
function feed(
  subject: Liveness,
  options: { fromMs: number; stepMs: number; count: number; isHeld?: boolean },
): number {
  const { fromMs, stepMs, count, isHeld = false } = options;
  for (let n = 0; n < count; n++) {
    subject.arrived({ intervalMs: INTERVAL_MS, isHeld }, fromMs + n * stepMs);
  }
  return fromMs + count * stepMs;
}

Deno.test("Liveness takes a source for live until its second frame comes at once", () => {
  const subject = liveness();
  feed(subject, { fromMs: 10, stepMs: 0, count: 1 });
  assertEquals([subject.isLive, subject.reason], [true, "paced"]);
  feed(subject, { fromMs: 11, stepMs: 0, count: 1 });
  assertEquals([subject.isLive, subject.reason, subject.isHeld], [false, "fast", false]);
});

Deno.test("Liveness never takes a source for live whose publisher waits for credit", () => {
  const subject = liveness();
  const atMs = feed(subject, { fromMs: 0, stepMs: 0, count: 8 });
  feed(subject, { fromMs: atMs, stepMs: INTERVAL_MS, count: 10_000, isHeld: true });
  assertEquals([subject.isLive, subject.reason, subject.isHeld], [false, "held", true]);
});

Deno.test("Liveness takes a source for live that keeps the tick's pace for a second without waiting", () => {
  const subject = liveness();
  let atMs = feed(subject, { fromMs: 0, stepMs: 0, count: 8 });
  atMs = feed(subject, { fromMs: atMs, stepMs: INTERVAL_MS, count: 8, isHeld: true });
  atMs = feed(subject, { fromMs: atMs, stepMs: INTERVAL_MS, count: 10 });
  assertEquals(subject.isLive, false);
  feed(subject, { fromMs: atMs, stepMs: INTERVAL_MS, count: 30 });
  assertEquals([subject.isLive, subject.reason], [true, "paced"]);
});

Deno.test("Liveness does not take a silence for a pace", () => {
  const subject = liveness();
  feed(subject, { fromMs: 0, stepMs: 0, count: 8 });
  // Another file an hour later.
  feed(subject, { fromMs: 3_600_000, stepMs: 0, count: 2 });
  assertEquals(subject.isLive, false);
});

Deno.test("Liveness waits the longer the more often it took a source for live in error", () => {
  const subject = liveness();
  const switches: number[] = [];
  let wasLive = true;
  // It keeps the pace, until it leaves no time between two frames once it is live.
  for (let frame = 0, atMs = 0; atMs < 600_000; frame++) {
    subject.arrived({ intervalMs: INTERVAL_MS, isHeld: false }, atMs);
    if (subject.isLive && !wasLive) switches.push(atMs);
    wasLive = subject.isLive;
    atMs += subject.isLive ? 0.01 : INTERVAL_MS;
  }
  assert(switches.length < 16, `${switches.length} times`);
  const gaps = switches.slice(1).map((ms, index) => ms - switches[index]!);
  assert(gaps.at(-1)! >= 60_000, `${gaps.at(-1)} ms at last`);
});

Deno.test("Liveness lets a source be early for as long as it was late, and no longer", () => {
  for (const lateMs of [300, 3000, 120_000]) {
    const subject = liveness();
    const atMs = feed(subject, { fromMs: 0, stepMs: INTERVAL_MS, count: 300 });
    let count = 0;
    while (subject.isLive && count < 10_000) {
      subject.arrived({ intervalMs: INTERVAL_MS, isHeld: false }, atMs + lateMs);
      count++;
    }
    const owed = lateMs / INTERVAL_MS;
    assert(count >= owed && count <= owed * 1.1 + 8, `${count} frames for ${owed}`);
  }
});

Deno.test("Liveness forgets a hiccup that nothing made up for", () => {
  const subject = liveness();
  let atMs = feed(subject, { fromMs: 0, stepMs: INTERVAL_MS, count: 300 });
  atMs = feed(subject, { fromMs: atMs + 2000, stepMs: INTERVAL_MS, count: 300 });
  feed(subject, { fromMs: atMs, stepMs: 0, count: 10 });
  assertEquals(subject.isLive, false);
});

Deno.test("Liveness without a tick takes a source for live once it does not wait for credit", () => {
  const subject = new Liveness({ isPresumed: false }, 0);
  const arrive = (atMs: number, isHeld: boolean) =>
    subject.arrived({ intervalMs: undefined, isHeld }, atMs);
  for (let atMs = 0; atMs < 10_000; atMs += 10) arrive(atMs, true);
  assertEquals([subject.isLive, subject.reason], [false, "held"]);
  arrive(10_200, false);
  assertEquals(subject.isLive, false);
  arrive(10_300, false);
  assertEquals(subject.isLive, true);
});

Deno.test("Liveness does not judge what its user has said", () => {
  for (const live of [true, false]) {
    const subject = liveness({ live });
    feed(subject, { fromMs: 0, stepMs: INTERVAL_MS, count: 100 });
    assertEquals([subject.isLive, subject.reason], [live, "asked"]);
  }
});
