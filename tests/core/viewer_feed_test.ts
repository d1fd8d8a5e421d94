// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Budget } from "../../src/core/budget.ts";
import { totalDrops } from "../../src/core/drops.ts";
import { cache, frame, recorded } from "./samples.ts";

Deno.test("ViewerFeed sends every frame to a viewer that confirms", () => {
  const { viewer, sent, offer } = recorded();
  for (let sequence = 1; sequence <= 100; sequence++) {
    offer(frame(sequence), sequence * 33);
    assert(viewer.acknowledge(sequence, sequence * 33 + 5));
  }
  assertEquals(sent, Array.from({ length: 100 }, (_, index) => index + 1));
  assertEquals(viewer.sent, { frames: 100, bytes: 1000 });
  assertEquals(totalDrops(viewer.dropped), 0);
});

Deno.test("ViewerFeed holds the newest frame and counts those it skips", () => {
  const { viewer, sent, offer } = recorded();
  for (let sequence = 1; sequence <= 20; sequence++) offer(frame(sequence), 0);
  assertEquals(sent, [1, 2, 3, 4]);
  assertEquals(viewer.dropped.slow_viewer, 15);
  viewer.acknowledge(4, 10);
  assertEquals(sent, [1, 2, 3, 4, 20]);
  assertEquals(viewer.dropped.slow_viewer, 15);
});

Deno.test("ViewerFeed sends what it holds at the end, whatever is under way", () => {
  const { viewer, sent, offer } = recorded();
  for (let sequence = 1; sequence <= 6; sequence++) offer(frame(sequence), 0);
  viewer.flush(1);
  viewer.flush(2);
  assertEquals(sent, [1, 2, 3, 4, 6]);
});

Deno.test("ViewerFeed sends no more frames a second than the viewer wants", () => {
  const { viewer, sent, offer } = recorded({ fps: 10 });
  for (let sequence = 1; sequence <= 300; sequence++) {
    offer(frame(sequence), sequence * 1000 / 30);
    viewer.acknowledge(sequence, sequence * 1000 / 30 + 1);
  }
  assert(Math.abs(sent.length - 100) <= 1, `${sent.length} sent`);
  assertEquals(viewer.dropped.viewer_fps, 300 - sent.length);
});

Deno.test("ViewerFeed counts the picture that a viewer begins with among those it wants", () => {
  const frames = cache();
  frames.push(frame(1), 0);
  const { viewer, sent, offer } = recorded({ fps: 1 }, frames);
  for (let sequence = 2; sequence <= 61; sequence++) {
    offer(frame(sequence), (sequence - 1) * 1000 / 30);
    viewer.acknowledge(Math.abs(sent.at(-1)!), (sequence - 1) * 1000 / 30);
  }
  assertEquals(sent.length, 3);
  assert(Math.abs(sent[1]! - 31) <= 1 && Math.abs(sent[2]! - 61) <= 1, `${sent}`);
});

Deno.test("ViewerFeed marks the frame for a viewer that joins as catch-up", () => {
  const frames = cache();
  frames.push(frame(7), 0);
  const { sent, offer } = recorded({}, frames);
  offer(frame(8), 0);
  assertEquals(sent, [-7, 8]);
});

Deno.test("ViewerFeed takes no more of the memory that all viewers share than there is", () => {
  const budget = new Budget(100);
  const one = recorded({ budget });
  const two = recorded({ budget });
  one.offer(frame(1, 60), 0);
  two.offer(frame(1, 60), 0);
  assertEquals([one.sent, two.sent, budget.used], [[1], [], 60]);
  two.offer(frame(2, 60), 0);
  assertEquals([two.viewer.dropped.memory, two.viewer.dropped.slow_viewer], [1, 0]);
  one.viewer.acknowledge(1, 1);
  assertEquals(budget.used, 0);
  two.viewer.advance(2);
  assertEquals([two.sent, budget.used], [[2], 60]);
});

Deno.test("ViewerFeed counts a joining viewer's frame and a last frame without memory", () => {
  const budget = new Budget(100);
  budget.take(100);
  const frames = cache();
  frames.push(frame(1), 0);
  const { viewer, sent, offer } = recorded({ budget }, frames);
  offer(frame(2), 0);
  viewer.flush(0);
  assertEquals([sent, viewer.dropped.memory], [[], 2]);
});

Deno.test("ViewerFeed counts what was under way and held when the viewer goes", () => {
  const budget = new Budget(1000);
  const { viewer, offer } = recorded({ budget });
  for (let sequence = 1; sequence <= 6; sequence++) offer(frame(sequence, 100), 0);
  viewer.acknowledge(1, 1);
  viewer.close();
  viewer.close();
  // 2, 3, 4 and 6 under way; 5 was skipped.
  assertEquals([viewer.dropped.disconnected, viewer.dropped.slow_viewer], [4, 1]);
  assertEquals(budget.used, 0);
});

Deno.test("ViewerFeed does nothing once it is closed", () => {
  const budget = new Budget(1000);
  let unsent = 0;
  for (const unsentBytes of [null, () => unsent]) {
    unsent = 300;
    const { viewer, sent, frames, offer } = recorded({ budget, unsentBytes });
    for (let sequence = 1; sequence <= 3; sequence++) offer(frame(sequence, 100), 0);
    viewer.close();
    unsent = 0;
    const dropped = { ...viewer.dropped };
    offer(frame(4), 1);
    viewer.join(frames, "key", 1);
    viewer.advance(1);
    viewer.flush(1);
    assert(!viewer.acknowledge(3, 1));
    assert(!viewer.isReady(1));
    viewer.ageMs(1);
    assertEquals([sent, viewer.dropped, budget.used], [[1, 2, 3], dropped, 0]);
  }
});

Deno.test("ViewerFeed of a bare viewer goes by what has not left the socket", () => {
  let unsent = 0;
  const { viewer, sent, offer } = recorded({ unsentBytes: () => unsent });
  for (let sequence = 1; sequence <= 10; sequence++) {
    unsent += 100;
    offer(frame(sequence, 100), 0);
  }
  assertEquals(sent, [1, 2, 3, 4]);
  assert(viewer.needsPolling);
  unsent = 400;
  viewer.advance(10);
  assertEquals(sent, [1, 2, 3, 4]);
  unsent = 0;
  viewer.advance(20);
  assertEquals(sent, [1, 2, 3, 4, 10]);
  assert(!viewer.needsPolling);
});

Deno.test("ViewerFeed looks once a frame at a bare viewer of which the socket is empty", () => {
  let looks = 0;
  let unsent = 0;
  const unsentBytes = () => {
    looks++;
    return unsent;
  };
  const budget = new Budget(1e9);
  const { viewer, sent, offer } = recorded({ unsentBytes, budget });
  for (let sequence = 1; sequence <= 10; sequence++) {
    offer(frame(sequence, 100), 1000 * sequence);
    assertEquals([viewer.ageMs(1e6), viewer.stalledMs(1e6), viewer.isReady(1e6)], [0, 0, true]);
  }
  assertEquals([sent.length, looks], [10, 10]);
  assertEquals([viewer.underWay.frames, budget.used, viewer.rate], [0, 0, Infinity]);
  // What stays in the socket is under way, and is looked after.
  unsent = 100;
  offer(frame(11, 100), 11_000);
  assertEquals([viewer.underWay.bytes, budget.used, viewer.ageMs(11_500)], [100, 100, 500]);
  assert(viewer.rate < Infinity);
  unsent = 0;
  assertEquals([viewer.ageMs(11_600), viewer.underWay.bytes, budget.used], [0, 0, 0]);
});

Deno.test("ViewerFeed says whether the next frame would be sent at once", () => {
  const { viewer, offer } = recorded();
  assert(viewer.isReady(0));
  for (let sequence = 1; sequence <= 4; sequence++) offer(frame(sequence), 0);
  assert(!viewer.isReady(10));
  assertEquals(viewer.ageMs(10), 10);
  assertEquals(viewer.underWay.frames, 4);
  viewer.acknowledge(4, 100);
  assert(viewer.isReady(100));
});

Deno.test("ViewerFeed is ready for more at once, though its viewer holds acknowledgements", () => {
  const { viewer, offer } = recorded();
  let nowMs = 0;
  for (let sequence = 1; sequence <= 400; sequence++) {
    // As fast as it goes, then at a camera's pace, then fast again.
    nowMs += sequence > 100 && sequence <= 200 ? 33 : 1;
    assert(viewer.isReady(nowMs), `frame ${sequence}`);
    offer(frame(sequence, 25_000), nowMs);
    if (sequence <= 4 || sequence % 4 === 0) viewer.acknowledge(sequence, nowMs + 0.5);
  }
});

Deno.test("ViewerFeed has sent, dropped or held every frame that it was offered", () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ offer: fc.integer({ min: 0, max: 400 }) }) },
    { weight: 3, arbitrary: fc.record({ ack: fc.integer({ min: -2, max: 8 }) }) },
    { weight: 3, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 700 }) }) },
    { weight: 1, arbitrary: fc.constantFrom("advance", "flush", "join") },
    { weight: 1, arbitrary: fc.record({ others: fc.integer({ min: -800, max: 800 }) }) },
  );
  const options = fc.record({
    fps: fc.option(fc.integer({ min: 1, max: 60 })),
    maxBytes: fc.integer({ min: 1, max: 3000 }),
    maxDelayMs: fc.integer({ min: 1, max: 1000 }),
    isBare: fc.boolean(),
  });
  fc.assert(
    fc.property(
      options,
      fc.array(operation, { maxLength: 150, size: "max" }),
      ({ isBare, ...options }, operations) => {
        const budget = new Budget(2000);
        let others = 0;
        let unsent = 0;
        const { viewer, sent, frames, offer } = recorded({
          ...options,
          budget,
          unsentBytes: isBare ? () => unsent : null,
        });
        let offered = 0;
        let last = 0;
        let nowMs = 0;
        for (const operation of operations) {
          if (operation === "join") {
            // Only at first: later frames must not repeat.
            if (offered === 0) {
              frames.push(frame(++offered), nowMs);
              viewer.join(frames, "key", nowMs);
            }
          } else if (typeof operation === "string") {
            viewer[operation](nowMs);
          } else if ("offer" in operation) {
            offer(frame(++offered, operation.offer), nowMs);
          } else if ("ack" in operation) {
            if (isBare) unsent = Math.floor(unsent / 2);
            else viewer.acknowledge(sent.length - operation.ack, nowMs);
          } else if ("wait" in operation) {
            nowMs += operation.wait;
          } else if (operation.others < 0) {
            budget.give(others);
            others = 0;
          } else if (budget.take(operation.others)) {
            others += operation.others;
          }
          if (isBare && sent.length > last) unsent = viewer.underWay.bytes;
          last = sent.length;
          const held = offered - viewer.sent.frames - totalDrops(viewer.dropped);
          assert(held === 0 || held === 1, `${held} frames are unaccounted for`);
          if (viewer.needsPolling) assertEquals(held, 1);
          assert(budget.used <= 2000);
          assertEquals(budget.used - others, viewer.underWay.bytes);
          assertEquals(viewer.sent.frames, sent.length);
          assert(
            sent.every((sequence, index) =>
              index === 0 || Math.abs(sequence) > Math.abs(sent[index - 1]!)
            ),
          );
        }
        const underWay = viewer.underWay.frames;
        viewer.close();
        assertEquals(viewer.sent.frames - underWay + totalDrops(viewer.dropped), offered);
        assertEquals(budget.used, others);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("ViewerFeed with nothing under way asks to be looked after while it waits for memory", () => {
  const budget = new Budget(10);
  const { viewer, sent, offer } = recorded({ budget });
  assertEquals(budget.take(10), true);
  offer(frame(1, 10), 0);
  assertEquals([viewer.needsPolling, sent], [true, []]);
  budget.give(10);
  viewer.advance(1);
  assertEquals([viewer.needsPolling, sent], [false, [1]]);
});
