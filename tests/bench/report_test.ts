// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { describeReport } from "../../src/bench/describe.ts";
import { Histogram } from "../../src/bench/histogram.ts";
import {
  type Asked,
  bottleneckAdvice,
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
  cpuShares: [0.2, 0.125, 0.05],
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
    cpuShares: [],
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

Deno.test("makeReport says that the load is the bottleneck: a busy thread, a late publisher", () => {
  const isBottleneck = (cpuShare: number, lateShare: number) =>
    report({ cpuShares: [0.1, cpuShare], publisher: { published: 10, lateShare } }).bench
      .isBottleneck;
  assertEquals([isBottleneck(0.85, 0.01), isBottleneck(0.86, 0), isBottleneck(0, 0.011)], [
    false,
    true,
    true,
  ]);
});

Deno.test("bottleneckAdvice says what was seen, and what to do", () => {
  assertEquals(bottleneckAdvice(report(), 1), undefined);
  const busy = report({ cpuShares: [0.93] });
  assertMatch(bottleneckAdvice(busy, 1)!, /used 93 % of its core; try --workers 2, fewer viewers/);
  const late = report({ publisher: { published: 10, lateShare: 0.5 } });
  assertMatch(bottleneckAdvice(late, 2)!, /could not keep its pace; try --workers 3/);
});

Deno.test("describeReport has a line for each thing, and - for what is not known", () => {
  const known = describeReport(report());
  assertMatch(known, /^viewers +8, of them 1 slow, 2 stalled, 2 failed$/m);
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
