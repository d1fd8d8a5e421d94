/** Flow control of a stream: who waits for whom, and what nobody loses. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { totalDrops } from "../../src/core/drops.ts";
import type { FrameRate } from "../../src/core/pacing.ts";
import type { Stream } from "../../src/core/stream.ts";
import { input, range, Simulation, stream } from "./samples.ts";

/** A stream without a tick and with a lossless publisher. */
function source(): Stream {
  const live = stream({ fps: "source" });
  live.begin({ onFull: "wait" }, 0);
  return live;
}

/** Pushes frames as fast as credit allows, every millisecond until `endMs`, as from a file. */
function publish(
  simulation: Simulation,
  options: { endMs: number; bytes: number; count?: number },
): void {
  const live = simulation.stream;
  const { endMs, bytes, count = Infinity } = options;
  let isHeld = false;
  for (let ms = 0; ms < endMs; ms++) {
    simulation.at(ms, () => {
      while (live.received.frames < count) {
        const credit = live.credit(live.received);
        if (live.received.frames >= credit.frames || live.received.bytes >= credit.bytes) {
          isHeld = true;
          break;
        }
        live.push({ ...input(bytes), isHeld }, simulation.nowMs);
        isHeld = false;
      }
    });
  }
}

Deno.test("Stream passes frames at once where there is no tick", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  const { delivered } = simulation.view();
  simulation.feedFrames({ startMs: 3, intervalMs: 7, count: 100 });
  simulation.runUntil(1000);
  assertEquals(delivered.map(({ sequence }) => sequence), range(1, 100));
  assertEquals(delivered.map(({ sentMs }) => sentMs), range(1, 100).map((n) => 3 + (n - 1) * 7));
});

Deno.test("Stream without a tick and without viewers holds nothing back", () => {
  const live = source();
  for (let n = 0; n < 1000; n++) live.push(input(), 0);
  assertEquals(live.queue.frames, 0);
});

Deno.test("Stream without a tick brings everything to the fastest viewer of a lossless publisher", () => {
  const simulation = new Simulation(source());
  const fast = simulation.view({ bytesPerMs: 1000 });
  const slow = simulation.view({ bytesPerMs: 100 });
  publish(simulation, { endMs: 20_000, bytes: 10_000, count: 1000 });
  simulation.runUntil(25_000);
  assertEquals(fast.delivered.map(({ sequence }) => sequence), range(1, 1000));
  assert(slow.delivered.length < 300);
  // The link's 100 frames a second are used.
  assert(fast.delivered.at(-1)!.arrivedMs < 11_000, `${fast.delivered.at(-1)!.arrivedMs} ms`);
  assertEquals(fast.feed.dropped.slow_viewer, 0);
});

Deno.test("Stream without a tick holds a frame back for viewers for a second at most", () => {
  const live = source();
  const simulation = new Simulation(live);
  // Ten seconds a frame: it confirms, but far too late.
  simulation.view({ bytesPerMs: 1 });
  for (let n = 0; n < 8; n++) {
    simulation.at(n * 100, () => live.push({ ...input(10_000), isHeld: true }, n * 100));
  }
  simulation.runUntil(800);
  assertEquals(live.queue.frames, 4);
  assertEquals(live.deadlineMs(), 1400);
  simulation.runUntil(1399);
  assertEquals(live.queue.frames, 4);
  simulation.runUntil(1700);
  assertEquals(live.queue.frames, 0);
});

Deno.test("Stream without a tick does not wait for a viewer that has stalled", () => {
  const live = source();
  const simulation = new Simulation(live);
  const stalled = simulation.view({ stalledFromMs: 0 });
  simulation.at(0, () => {
    for (let n = 0; n < 4; n++) live.push(input(), 0);
  });
  simulation.feedFrames({ startMs: 1000, intervalMs: 10, count: 500 });
  simulation.runUntil(10_000);
  assertEquals(simulation.longest, 0);
  assertEquals(stalled.feed.dropped.slow_viewer, 499);
});

Deno.test("Stream without a tick does not wait for viewers of a publisher that would rather drop", () => {
  const live = stream({ fps: "source" });
  live.begin({ onFull: "drop" }, 0);
  const simulation = new Simulation(live);
  simulation.view({ bytesPerMs: 1 });
  simulation.feedFrames({ startMs: 0, intervalMs: 10, count: 100 });
  simulation.runUntil(1000);
  assertEquals(simulation.longest, 0);
});

for (const fps of [30, "source"] as const) {
  Deno.test(`Stream at ${fps} does not delay a fast viewer for a slow one`, () => {
    const run = (isWithSlow: boolean) => {
      const simulation = new Simulation(stream({ fps }));
      const fast = simulation.view({ bytesPerMs: 2000, ackMs: 5 });
      if (isWithSlow) {
        simulation.view({ bytesPerMs: 20, ackMs: 300 });
        simulation.view({ stalledFromMs: 0 });
      }
      simulation.feedFrames({ startMs: 10, intervalMs: 1000 / 30, count: 600, bytes: 10_000 });
      simulation.runUntil(25_000);
      return fast.delivered.map(({ sequence, sentMs, arrivedMs }) => [sequence, sentMs, arrivedMs]);
    };
    const alone = run(false);
    assertEquals(alone.length, 600);
    assertEquals(run(true), alone);
  });
}

Deno.test("Stream gives a file credit for its round trip and a fifth of a second, and the tick never starves", () => {
  const simulation = new Simulation(stream({ fps: 60 }));
  const live = simulation.stream;
  live.begin({ onFull: "wait" }, 0);
  live.setRoundTrip(50);
  assertEquals(live.credit({ frames: 0, bytes: 0 }), { frames: 63, bytes: 1e8 });
  const { delivered } = simulation.view();
  publish(simulation, { endMs: 10_000, bytes: 1000 });
  simulation.at(5000, () => simulation.longest = 0);
  simulation.runUntil(9990);
  assertEquals(live.isLive, false);
  assertEquals(live.credit({ frames: 0, bytes: 0 }).frames + live.queue.frames, 15);
  assert(simulation.longest <= 15, `${simulation.longest}`);
  delivered.forEach(({ sentMs }, index) => assertAlmostEquals(sentMs, index * 1000 / 60, 1e-6));
  assertAlmostEquals(delivered.length, 600, 1);
});

Deno.test("Stream gives a publisher that would rather drop credit for twice its round trip and three", () => {
  const live = stream({ fps: 60 });
  live.begin({ onFull: "drop" }, 0);
  live.setRoundTrip(0);
  assertEquals(live.credit({ frames: 7, bytes: 70 }), { frames: 10, bytes: 70 + 1e8 });
  live.setRoundTrip(200);
  assertEquals(live.credit({ frames: 7, bytes: 70 }), { frames: 34, bytes: 70 + 1e8 });
  live.setRoundTrip(1e9);
  assertEquals(live.credit({ frames: 0, bytes: 0 }).frames, 243);
});

Deno.test("Stream counts credit in bytes too", () => {
  const live = stream({ fps: 1, maxCreditBytes: 1000 });
  live.begin({ onFull: "wait" }, 0);
  live.push(input(300), 0);
  live.push(input(300), 0);
  assertEquals(live.credit(live.received).bytes, 1300);
  live.setMaxBytes(500);
  assertEquals(live.credit(live.received).bytes, 800);
});

Deno.test("Stream never drops a frame that it gave credit for, whatever changes meanwhile", () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 300 }) }) },
    { weight: 6, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 400 }) }) },
    { weight: 3, arbitrary: fc.constant("grant" as const) },
    {
      weight: 2,
      arbitrary: fc.record({
        fps: fc.constantFrom<FrameRate>(0.1, 1, 10, 30, 120, 1000, "source"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ maxBytes: fc.integer({ min: 500, max: 4000 }) }) },
    { weight: 1, arbitrary: fc.constant("reconnect" as const) },
    { weight: 1, arbitrary: fc.constant("bare" as const) },
  );
  fc.assert(
    fc.property(
      fc.constantFrom("wait" as const, "drop" as const),
      fc.constantFrom<FrameRate>(1, 30, "source"),
      fc.array(operation, { maxLength: 150, size: "max" }),
      fc.infiniteStream(fc.integer({ min: 0, max: 500 })),
      (onFull, fps, operations, sizes) => {
        const live = stream({ fps, maxBytes: 4000, maxCreditBytes: 4000 });
        const simulation = new Simulation(live);
        simulation.view({ bytesPerMs: 1 });
        live.begin({ onFull }, simulation.nowMs);
        let totals = { frames: 0, bytes: 0 };
        let granted = { frames: 0, bytes: 0 };
        let droppedBare = 0;
        for (const operation of operations) {
          if (operation === "grant") {
            const credit = live.credit(totals);
            granted = {
              frames: Math.max(granted.frames, credit.frames),
              bytes: Math.max(granted.bytes, credit.bytes),
            };
          } else if (operation === "reconnect") {
            live.finish();
            live.begin({ onFull }, simulation.nowMs);
            totals = { frames: 0, bytes: 0 };
            granted = { frames: 0, bytes: 0 };
          } else if (operation === "bare") {
            // Frames of somebody without credit stand in the queue when the publisher comes back.
            live.finish();
            for (let n = 0; n < 200; n++) live.push(input(20), simulation.nowMs);
            droppedBare = totalDrops(live.dropped) - viewerDrops(live);
            live.begin({ onFull }, simulation.nowMs);
            totals = { frames: 0, bytes: 0 };
            granted = { frames: 0, bytes: 0 };
          } else if ("waitMs" in operation) {
            simulation.runUntil(simulation.nowMs + operation.waitMs);
          } else if ("send" in operation) {
            for (let n = 0; n < operation.send; n++) {
              if (totals.frames >= granted.frames || totals.bytes >= granted.bytes) break;
              const frame = input(sizes.next().value);
              totals.frames++;
              totals.bytes += frame.data.byteLength;
              live.push(frame, simulation.nowMs);
            }
          } else if ("fps" in operation) {
            live.setFps(operation.fps, simulation.nowMs);
          } else {
            live.setMaxBytes(operation.maxBytes);
          }
          assertEquals(totalDrops(live.dropped) - viewerDrops(live), droppedBare);
        }
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

/** What viewers did not get, and what a publisher has left out that would rather drop. */
function viewerDrops({ dropped }: Stream): number {
  return dropped.stream_fps + dropped.slow_viewer + dropped.viewer_fps + dropped.memory +
    dropped.disconnected;
}

Deno.test("Stream has let out, queued or counted every frame that it took in", () => {
  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.array(fc.nat(400), { maxLength: 40 }) }) },
    { weight: 4, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 2000 }) }) },
    { weight: 1, arbitrary: fc.record({ fps: fc.constantFrom<FrameRate>(1, 10, 60, "source") }) },
    { weight: 1, arbitrary: fc.record({ maxBytes: fc.integer({ min: 100, max: 4000 }) }) },
    { weight: 2, arbitrary: fc.record({ bytesPerMs: fc.constantFrom(0.1, 5, 1000) }) },
    { weight: 1, arbitrary: fc.constantFrom("begin", "finish", "clear", "leave") },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80, size: "max" }), (operations) => {
      const live = stream({ fps: 10, bufferMs: 1000, maxBytes: 4000, maxCreditBytes: 2000 });
      const simulation = new Simulation(live);
      let left = 0;
      const witness = simulation.view({ bytesPerMs: 1e9, ackMs: 0 });
      // Every frame that leaves the queue is offered to every feed, so also to this one.
      const count = () => witness.feed.sent.frames + totalDrops(witness.feed.dropped);
      const viewers: ReturnType<Simulation["view"]>[] = [];
      for (const operation of operations) {
        if (operation === "begin") live.begin({ onFull: "wait" }, 0);
        else if (operation === "finish") live.finish();
        else if (operation === "clear") live.clear("stopped");
        else if (operation === "leave") {
          const viewer = viewers.pop();
          if (viewer !== undefined) live.leave(viewer.feed, simulation.nowMs);
        } else if ("push" in operation) {
          for (const bytes of operation.push) live.push(input(bytes), simulation.nowMs);
        } else if ("waitMs" in operation) {
          simulation.runUntil(simulation.nowMs + operation.waitMs);
        } else if ("fps" in operation) live.setFps(operation.fps, simulation.nowMs);
        else if ("maxBytes" in operation) live.setMaxBytes(operation.maxBytes);
        else viewers.push(simulation.view({ bytesPerMs: operation.bytesPerMs }));
        witness.feed.flush(simulation.nowMs);
        left = count();
        const lost = totalDrops(live.dropped) - viewerDrops(live);
        assertEquals(live.received.frames, left + live.queue.frames + lost);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

for (const acks of ["each", "rule"] as const) {
  for (const isCoded of [false, true]) {
    Deno.test(`Stream loses nothing for a viewer behind a standstill of the relay (${acks}, ${isCoded ? "coded" : "pictures"})`, () => {
      const live = stream();
      live.begin({ onFull: "wait" }, 0);
      const simulation = new Simulation(live);
      const at = simulation.at.bind(simulation);
      const [fromMs, toMs] = [5000, 10_000];
      // What happens meanwhile is seen at once afterwards, in its order.
      simulation.at = (ms, run) =>
        at(ms >= fromMs && ms < toMs ? toMs + (ms - fromMs) / 1e6 : ms, run);
      at(toMs, () => live.stoodStill(toMs - fromMs));
      const { delivered } = simulation.view({ bytesPerMs: 500_000, ackMs: 0.5, acks });
      const video = { startMs: 100, intervalMs: 1000 / 30, count: 400, bytes: 90_000 };
      if (isCoded) simulation.feedCoded({ ...video, gop: 30 });
      else simulation.feedFrames(video);
      simulation.runUntil(20_000);
      assertEquals(delivered.map(({ sequence }) => sequence), range(1, 400));
      const late = delivered.filter(({ sentMs }) => sentMs > toMs + 1000);
      const delaysMs = late.map(({ frame, arrivedMs }) => arrivedMs - frame.receivedMs);
      assert(Math.max(...delaysMs) < 33, `${Math.max(...delaysMs)} ms a second later`);
    });
  }
}
