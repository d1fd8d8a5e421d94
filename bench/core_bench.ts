/**
 * The hot parts of the core: `deno bench bench/core_bench.ts`. One run of each is `RUNS` operations,
 * so that the figures are of the operation and not of the measurement; the table shows both.
 *
 * @module
 */
import { Budget } from "../src/core/budget.ts";
import { bareConfig, type Frame } from "../src/core/frame.ts";
import { FrameQueue } from "../src/core/frame_queue.ts";
import type { FrameInput } from "../src/core/numbering.ts";
import { Stream } from "../src/core/stream.ts";
import { Tick } from "../src/core/tick.ts";
import { ViewerDelays } from "../src/core/viewer_delays.ts";
import { ViewerFeed } from "../src/core/viewer_feed.ts";

/** Operations a run: 1 ms a run is 1 µs an operation. */
const RUNS = 1000;

const INPUT: FrameInput = {
  data: new Uint8Array(1000),
  kind: "key",
  config: bareConfig("mjpeg"),
  ptsUs: null,
  captureUs: 0,
  captureAgeMs: 0,
};
const FRAME: Frame = { ...INPUT, sequence: 1, epoch: 1, discontinuity: false, receivedMs: 0 };

for (const waiting of [0, 149]) {
  const queue = new FrameQueue<Frame>({ maxFrames: 150, maxBytes: 1e9 });
  for (let count = 0; count < waiting; count++) queue.push(FRAME);
  Deno.bench(`FrameQueue push and pop × ${RUNS}, ${waiting} frames waiting`, () => {
    for (let run = 0; run < RUNS; run++) {
      queue.push(FRAME);
      queue.pop();
    }
  });
}

const full = new FrameQueue<Frame>({ maxFrames: 150, maxBytes: 1e9 });
Deno.bench(`FrameQueue push into a full queue × ${RUNS}`, () => {
  for (let run = 0; run < RUNS; run++) full.push(FRAME);
});

const tick = new Tick(29.97, 0);
Deno.bench(`Tick fire × ${RUNS}`, () => {
  for (let run = 0; run < RUNS; run++) tick.fire(tick.deadlineMs + 1);
});

/** A stream without a tick whose viewers confirm every frame at once. */
function streamTo(viewers: number): Stream {
  const stream = new Stream({
    name: "bench",
    fps: "source",
    bufferMs: 5000,
    sourceFrames: 64,
    maxBytes: 1e9,
    maxCreditBytes: 1e8,
    cacheBudget: new Budget(1e9),
  }, 0);
  const budget = new Budget(1e9);
  const delays = new ViewerDelays();
  for (let count = 0; count < viewers; count++) {
    const feed: ViewerFeed = new ViewerFeed({
      maxDelayMs: 500,
      maxBytes: 1e9,
      fps: null,
      budget,
      delays,
      unsentBytes: null,
      send: ({ sequence }) => pending.push([feed, sequence]),
    });
    stream.join(feed, 0);
  }
  return stream;
}

const pending: [feed: ViewerFeed, sequence: number][] = [];

for (const viewers of [1, 100]) {
  const stream = streamTo(viewers);
  let nowMs = 0;
  Deno.bench(`Stream push, send and acknowledge × ${RUNS / viewers}, ${viewers} viewers`, () => {
    for (let run = 0; run < RUNS / viewers; run++) {
      stream.push(INPUT, nowMs);
      nowMs += 1;
      for (const [feed, sequence] of pending) feed.acknowledge(sequence, nowMs);
      pending.length = 0;
    }
  });
}
