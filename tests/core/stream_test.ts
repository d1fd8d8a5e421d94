// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { totalDrops } from "../../src/core/drops.ts";
import { type Delivered, input, MJPEG, range, Simulation, stream } from "./samples.ts";

function sequences(delivered: readonly Delivered[]): number[] {
  return delivered.map(({ sequence }) => sequence);
}

function gaps(instantsMs: readonly number[]): number[] {
  return instantsMs.slice(1).map((ms, index) => ms - instantsMs[index]!);
}

Deno.test("Stream brings every frame, once and in order, to a viewer that confirms", () => {
  const simulation = new Simulation(stream());
  const { delivered } = simulation.view({ bytesPerMs: 1000, ackMs: 20 });
  simulation.feedFrames({ startMs: 5, intervalMs: 1000 / 30, count: 3000, bytes: 5000 });
  simulation.runUntil(110_000);
  assertEquals(sequences(delivered), range(1, 3000));
  assertEquals(totalDrops(simulation.stream.dropped), 0);
  assertEquals(simulation.stream.sent, { frames: 3000, bytes: 15_000_000 });
  assertEquals(simulation.stream.received, { frames: 3000, bytes: 15_000_000 });
});

Deno.test("Stream lets frames out at an even distance, though they come unevenly", () => {
  const simulation = new Simulation(stream({ fps: 50 }));
  const { delivered } = simulation.view();
  for (let group = 0; group < 50; group++) {
    for (let n = 0; n < 10; n++) {
      simulation.at(group * 200 + n, () => simulation.stream.push(input(), simulation.nowMs));
    }
  }
  simulation.runUntil(10_000);
  assertEquals(sequences(delivered), range(1, 500));
  for (const gapMs of gaps(delivered.map(({ sentMs }) => sentMs))) assertAlmostEquals(gapMs, 20, 2);
});

Deno.test("Stream keeps five seconds of a burst without credit and counts the rest", () => {
  const simulation = new Simulation(stream({ fps: 30, bufferMs: 5000 }));
  const { delivered } = simulation.view();
  simulation.at(0, () => simulation.stream.push(input(), 0));
  simulation.at(1, () => {
    for (let n = 0; n < 1000; n++) simulation.stream.push(input(), 1);
  });
  simulation.runUntil(2);
  assertEquals(simulation.stream.queue, { frames: 150, bytes: 1500 });
  assertEquals(simulation.stream.dropped.queue_frames, 850);
  // The sender goes on at the tick's rate.
  simulation.feedFrames({ startMs: 33, intervalMs: 1000 / 30, count: 900 });
  simulation.runUntil(40_000);
  const { dropped } = simulation.stream;
  assertEquals(totalDrops(dropped), dropped.queue_frames);
  assert(dropped.queue_frames <= 851);
  const first = 2 + dropped.queue_frames;
  assertEquals(sequences(delivered), [1, ...range(first, 1901)]);
  // The delay that the burst left behind has gone.
  const delayMs = delivered.map(({ frame, sentMs }) => sentMs - frame.receivedMs);
  assert(Math.max(...delayMs) <= 5100, `${Math.max(...delayMs)} ms at most`);
  assert(Math.max(...delayMs.slice(-300)) <= 300, `${Math.max(...delayMs.slice(-300))} ms at last`);
});

Deno.test("Stream takes exactly its limit in frames, and in bytes", () => {
  const frames = stream({ fps: 10, bufferMs: 500 });
  for (let n = 0; n < 6; n++) frames.push(input(), 0);
  assertEquals([frames.queue.frames, totalDrops(frames.dropped)], [5, 0]);
  frames.push(input(), 0);
  assertEquals([frames.queue.frames, frames.dropped.queue_frames], [5, 1]);
  const bytes = stream({ fps: 10, maxBytes: 100 });
  for (let n = 0; n < 11; n++) bytes.push(input(), 0);
  assertEquals([bytes.queue.bytes, totalDrops(bytes.dropped)], [100, 0]);
  bytes.push(input(1), 0);
  assertEquals([bytes.queue.bytes, bytes.dropped.queue_bytes], [91, 1]);
});

Deno.test("Stream follows a new frame rate with the next frame and loses nothing by it", () => {
  const simulation = new Simulation(stream({ fps: 30 }));
  const { delivered } = simulation.view();
  simulation.at(0, () => {
    for (let n = 0; n < 100; n++) simulation.stream.push(input(), 0);
  });
  simulation.stream.begin({ onFull: "wait" }, 0);
  simulation.at(1010, () => simulation.stream.setFps(10, 1010));
  simulation.runUntil(30_000);
  assertEquals(sequences(delivered), range(1, 100));
  assertEquals(totalDrops(simulation.stream.dropped), 0);
  const sentMs = delivered.map(({ sentMs }) => sentMs);
  const before = sentMs.filter((ms) => ms <= 1010);
  const after = sentMs.filter((ms) => ms > 1010);
  assertEquals(before.length, 31);
  assertAlmostEquals(after[0]! - before.at(-1)!, 100, 1e-6);
  for (const gapMs of gaps(after)) assertAlmostEquals(gapMs, 100, 1e-6);
});

Deno.test("Stream drops no waiting frame when its frame rate and with it its queue shrinks", () => {
  const live = stream({ fps: 30 });
  for (let n = 0; n < 151; n++) live.push(input(), 0);
  live.setFps(10, 1);
  assertEquals([live.queue.frames, totalDrops(live.dropped)], [150, 0]);
  live.push(input(), 2);
  assertEquals([live.queue.frames, live.dropped.queue_frames], [150, 1]);
});

Deno.test("Stream lets everything out at once when its frame rate becomes source", () => {
  const live = stream({ fps: 1 });
  for (let n = 0; n < 5; n++) live.push(input(), 0);
  assertEquals(live.queue.frames, 4);
  live.setFps("source", 1);
  assertEquals([live.queue.frames, live.fps, live.deadlineMs()], [0, "source", undefined]);
  live.setFps(25, 2);
  assertEquals(live.fps, 25);
});

Deno.test("Stream lets a frame out at once after a silence, and counts no overruns", () => {
  const simulation = new Simulation(stream({ fps: 30 }));
  const { delivered } = simulation.view();
  simulation.feedFrames({ startMs: 7, intervalMs: 10_007, count: 5 });
  simulation.runUntil(60_000);
  assertEquals(delivered.map(({ frame, sentMs }) => sentMs - frame.receivedMs), [0, 0, 0, 0, 0]);
  assertEquals(simulation.stream.tick.overruns, 0);
});

Deno.test("Stream does not bunch frames after the program was busy", () => {
  const live = stream({ fps: 50 });
  for (let n = 0; n < 100; n++) live.push(input(), 0);
  live.begin({ onFull: "wait" }, 0);
  live.advance(20);
  assertEquals(live.queue.frames, 98);
  live.advance(1005);
  assertEquals(live.queue.frames, 97);
  assertEquals(live.tick, { fired: 3, overruns: 48, lagMs: 5 });
  live.advance(1006);
  assertEquals(live.queue.frames, 97);
  assertEquals(live.deadlineMs(), 1020);
});

Deno.test("Stream gives a viewer that joins its last frame at once, marked as catch-up", () => {
  const simulation = new Simulation(stream());
  simulation.feedFrames({ startMs: 0, intervalMs: 40, count: 10 });
  simulation.runUntil(5000);
  const { delivered } = simulation.view();
  assertEquals(delivered.map(({ sequence, catchUp }) => [sequence, catchUp]), [[10, true]]);
  simulation.feedFrames({ startMs: 5040, intervalMs: 40, count: 2 });
  simulation.runUntil(6000);
  assertEquals(delivered.map(({ sequence, catchUp }) => [sequence, catchUp]), [
    [10, true],
    [11, false],
    [12, false],
  ]);
});

Deno.test("Stream gives a viewer nothing while there has been no frame", () => {
  const simulation = new Simulation(stream());
  assertEquals(simulation.view().delivered, []);
  assertEquals(simulation.stream.deadlineMs(), undefined);
});

Deno.test("Stream begins an epoch with a publisher and marks its first frame", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const live = simulation.stream;
  const { delivered } = simulation.view();
  const runs = [3, 1, 2];
  runs.forEach((count) => {
    live.begin({ onFull: "wait" }, 0);
    assertEquals(live.config, undefined);
    for (let n = 0; n < count; n++) live.push(input(), simulation.nowMs);
    live.finish();
  });
  simulation.runUntil(1);
  assertEquals(
    delivered.map(({ frame }) => [frame.sequence, frame.epoch, frame.discontinuity]),
    [[1, 1, true], [2, 1, false], [3, 1, false], [4, 2, true], [5, 3, true], [6, 3, false]],
  );
});

Deno.test("Stream marks the first frame of an epoch also where its configuration came before", () => {
  const live = stream({ fps: "source" });
  live.begin({ onFull: "wait" }, 0);
  live.configure(MJPEG);
  live.configure({ ...MJPEG });
  assertEquals(live.epoch, 1);
  const simulation = new Simulation(live);
  const { delivered } = simulation.view();
  live.push(input(), 0);
  assertEquals(delivered.map(({ frame }) => [frame.epoch, frame.discontinuity]), [[1, true]]);
});

Deno.test("Stream keeps its epoch while bare senders send the same format, and only then", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const { delivered } = simulation.view();
  (["mjpeg", "mjpeg", "png", "png", "mjpeg"] as const).forEach((format, ms) => {
    simulation.at(ms * 10, () => simulation.stream.push(input(10, bareConfig(format)), ms * 10));
  });
  simulation.runUntil(100);
  assertEquals(
    delivered.map(({ frame }) => [frame.epoch, frame.discontinuity]),
    [[1, true], [1, false], [2, true], [2, false], [3, true]],
  );
});

Deno.test("Stream counts what waits in the queue when it is cleared", () => {
  const live = stream();
  for (let n = 0; n < 5; n++) live.push(input(), 0);
  live.clear("stopped");
  assertEquals([live.dropped.stopped, live.queue.frames], [4, 0]);
});

Deno.test("Stream keeps the numbers of viewers that have gone", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const live = simulation.stream;
  const one = simulation.view();
  simulation.view({ stalledFromMs: 0 });
  for (let n = 0; n < 6; n++) live.push(input(), 0);
  const before = live.sent;
  assertEquals(before.frames, 8);
  live.leave(one.feed, 1);
  live.leave(one.feed, 1);
  assertEquals(live.viewers, 1);
  assertEquals(live.sent, before);
  // The one that left had 4 frames under way and 1 held, and had skipped 1; so has the other one.
  assertEquals([live.dropped.disconnected, live.dropped.slow_viewer], [5, 2]);
});

Deno.test("Stream sends what viewers hold when it ends", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const { delivered } = simulation.view();
  for (let n = 0; n < 9; n++) simulation.stream.push(input(), 0);
  simulation.stream.flush(0);
  assertEquals(sequences(delivered), [1, 2, 3, 4, 9]);
});

Deno.test("Stream looks after bare viewers that announce nothing", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const live = simulation.stream;
  let unsent = 0;
  const { delivered } = simulation.view({ feed: { unsentBytes: () => unsent } });
  for (let n = 0; n < 6; n++) {
    unsent += 10;
    live.push(input(), 0);
  }
  assertEquals(live.poll(0), 10);
  unsent = 0;
  assertEquals(live.poll(10), Infinity);
  assertEquals(sequences(delivered), [1, 2, 3, 4, 6]);
});

Deno.test("Stream measures the rate at which frames leave", () => {
  const simulation = new Simulation(stream({ fps: 25 }));
  simulation.feedFrames({ startMs: 0, intervalMs: 40, count: 250, bytes: 1000 });
  simulation.runUntil(9990);
  const rate = simulation.stream.rate(9990);
  assertAlmostEquals(rate.framesPerSecond, 25, 0.5);
  assertAlmostEquals(rate.bytesPerSecond, 25_000, 500);
});
