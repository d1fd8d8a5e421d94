// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { describeReport } from "../../src/bench/describe.ts";
import { Histogram } from "../../src/bench/histogram.ts";
import {
  type Asked,
  bottleneck,
  type LoadReport,
  makeReport,
  type Measured,
} from "../../src/bench/report.ts";
import { WindowCounts } from "../../src/bench/window.ts";

const ASKED: Asked = {
  url: "ws://127.0.0.1:8080/live",
  relay: "elsewhere",
  protocol: "stream.v1",
  viewers: 8,
  stalled: 2,
  slow: 1,
  frameBytes: 1_000_000,
  fps: 10,
};

/** A thread whose one reading viewer got `frames` frames of the ten of a window of one second. */
function crowdOf(frames: number): Measured["crowds"][number] {
  const counts = new WindowCounts();
  counts.window = { beginMs: 1000, endMs: 2000 };
  for (let frame = 0; frame < frames; frame++) {
    const sentMs = 1000 + frame * 100;
    counts.add({ sentMs, arrivedMs: sentMs + 4, lastMs: sentMs - 96, bytes: 1_000_000 });
  }
  counts.addSlow(1500);
  const join = new Histogram();
  join.add(20);
  return { received: counts.received(), join: join.data(), failed: 1 };
}

const NOTHING = { cpuSeconds: null, peakBytes: null, residentBytes: null, dropped: null };
const MEASURED: Measured = {
  window: { beginMs: 1000, endMs: 2000 },
  crowds: [crowdOf(10), crowdOf(5)],
  publisher: { published: 10, lateShare: 0 },
  before: { ...NOTHING, cpuSeconds: 3, dropped: { slow_viewer: 5, memory: 1 } },
  after: {
    cpuSeconds: 3.034,
    peakBytes: 2e6,
    residentBytes: 1e6,
    dropped: { slow_viewer: 12, memory: 1 },
  },
  cpuSeconds: 0.25,
  usages: [0.2, 0.125, 0.05].map((cpuShare) => ({ cpuShare, stillShare: 0 })),
};

/** The report with some of {@linkcode MEASURED} changed. */
function report(change: Partial<Measured> = {}): LoadReport {
  return makeReport(ASKED, { ...MEASURED, ...change });
}

Deno.test("makeReport puts the threads' counts together", () => {
  const { delivered, failed, joinMs, delayMs, tickJitterMs, bench } = report();
  assertEquals(delivered, {
    frames: 15,
    framesPerSecond: 15,
    megabytesPerSecond: 15,
    // Of 10 frames to each of 5 viewers that are neither slow nor stalled.
    share: 0.3,
  });
  assertEquals([failed, delayMs, joinMs], [2, { p50: 4, p99: 4, max: 4 }, {
    p50: 20,
    p99: 20,
    max: 20,
  }]);
  assertEquals(tickJitterMs, { p50: 0, p99: 0, max: 0 });
  assertEquals(bench, { cpuSeconds: 0.25, cores: 0.25, busiestThread: 0.2, isBottleneck: false });
});

Deno.test("makeReport tells the relay's part as the difference from begin to end", () => {
  const { dropped, relayCpu, relayMemory } = report();
  assertEquals(dropped, { slow_viewer: 7, memory: 0 });
  // 34 ms for 15 frames to viewers that read, and 2 to slow ones.
  assertEquals(relayCpu, { seconds: 0.034, cores: 0.034, microsecondsPerFrame: 2000 });
  assertEquals(relayMemory, { peakBytes: 2e6, residentBytes: 1e6 });
});

Deno.test("makeReport counts drops from 0 where the stream was not there before", () => {
  assertEquals(report({ before: NOTHING }).dropped, { slow_viewer: 12, memory: 1 });
});

Deno.test("makeReport leaves open what it does not know", () => {
  const { published, delivered, relayCpu, relayMemory, dropped } = report({
    publisher: undefined,
    before: NOTHING,
    after: NOTHING,
  });
  assertEquals([published, delivered.share], [null, null]);
  assertEquals([relayCpu, relayMemory, dropped], [null, null, null]);
});

Deno.test("makeReport of a window without length divides by nothing", () => {
  const { delivered, relayCpu, delayMs, joinMs } = report({
    window: { beginMs: 1000, endMs: 1000 },
    crowds: [],
    usages: [],
  });
  assertEquals(delivered, {
    frames: 0,
    framesPerSecond: 0,
    megabytesPerSecond: 0,
    share: 0,
  });
  assertEquals([relayCpu!.cores, relayCpu!.microsecondsPerFrame], [0, null]);
  assertEquals([delayMs, joinMs.max], [null, null]);
});

/** Why the figures are not the relay's alone. */
function whyOf(
  { cpuShare = 0, stillShare = 0, lateShare = 0 }: {
    readonly cpuShare?: number;
    readonly stillShare?: number;
    readonly lateShare?: number;
  },
): string | undefined {
  const usages = [{ cpuShare: 0.1, stillShare: 0 }, { cpuShare, stillShare }];
  const change = { usages, publisher: { published: 10, lateShare } };
  const why = bottleneck({ ...MEASURED, ...change });
  assertEquals(report(change).bench.isBottleneck, why !== undefined);
  return why;
}

Deno.test("bottleneck is a busy thread, a late publisher, or a thread that stands still", () => {
  assertEquals(whyOf({ cpuShare: 0.85, stillShare: 0.01, lateShare: 0.01 }), undefined);
  assertMatch(whyOf({ cpuShare: 0.86 })!, /used 86 % of its core$/);
  assertMatch(whyOf({ lateShare: 0.05 })!, /publisher was too late for 5 % of its frames$/);
  assertMatch(whyOf({ stillShare: 0.25 })!, /did not get to run for 25 % of the time$/);
  assertEquals(bottleneck({ ...MEASURED, publisher: undefined, usages: [] }), undefined);
});

Deno.test("describeReport has a line for each thing, and - for what is not known", () => {
  const known = describeReport(report());
  assertMatch(known, /^viewers +8, of which 1 slow, 2 stalled, 2 failed$/m);
  assertMatch(known, /^frames +1000 kB × 10 fps for 1\.0 s, 10 published$/m);
  assertMatch(known, /^delivered +15 frames, 15 a second, 15\.0 MB\/s, 30\.0 % of all$/m);
  assertMatch(known, /^dropped +7 \(slow_viewer 7\)$/m);
  assertMatch(known, /^relay's CPU +0\.03 cores, 2000\.0 µs a frame$/m);
  assertMatch(known, /^relay's memory +2 MB at most, 1 MB at the end$/m);
  const unknown = describeReport(
    report({ publisher: undefined, before: NOTHING, after: NOTHING, crowds: [] }),
  );
  for (const name of ["delay", "join", "tick jitter", "dropped", "relay's CPU", "relay's memory"]) {
    assertMatch(unknown, RegExp(`^${name} +-$`, "m"));
  }
  assertMatch(unknown, /^frames +published elsewhere; measured for 1\.0 s$/m);
});
