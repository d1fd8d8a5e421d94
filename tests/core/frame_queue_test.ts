// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameQueue, type FrameQueueLimits } from "../../src/core/frame_queue.ts";

interface Item {
  readonly id: number;
  readonly kind: "key" | "delta";
  readonly data: { readonly byteLength: number };
}

function item(id: number, byteLength = 10): Item {
  return { id, kind: "key", data: { byteLength } };
}

function queueOf(limits: Partial<FrameQueueLimits>): FrameQueue<Item> {
  return new FrameQueue<Item>({ maxFrames: 1000, maxBytes: 1e6, ...limits });
}

function drain(queue: FrameQueue<Item>): number[] {
  const ids = [];
  for (;;) {
    const popped = queue.pop();
    if (popped.state !== "ok") return ids;
    ids.push(popped.frame.id);
  }
}

Deno.test("FrameQueue gives the oldest frame first", () => {
  const queue = queueOf({});
  for (let id = 1; id <= 500; id++) assertEquals(queue.push(item(id)), undefined);
  assertEquals(queue.oldest?.id, 1);
  assertEquals(drain(queue), Array.from({ length: 500 }, (_, index) => index + 1));
  assertEquals(queue.oldest, undefined);
});

Deno.test("FrameQueue is empty, not closed, before anything comes", () => {
  assertEquals(queueOf({}).pop(), { state: "empty" });
});

Deno.test("FrameQueue takes maxFrames frames without dropping one", () => {
  const queue = queueOf({ maxFrames: 3 });
  for (let id = 1; id <= 3; id++) assertEquals(queue.push(item(id)), undefined);
  assertEquals(queue.frames, 3);
});

Deno.test("FrameQueue drops its oldest frame when one more than maxFrames comes", () => {
  const queue = queueOf({ maxFrames: 3 });
  for (let id = 1; id <= 3; id++) queue.push(item(id, id));
  assertEquals(queue.push(item(4)), { reason: "queue_frames", frames: 1, bytes: 1 });
  assertEquals(drain(queue), [2, 3, 4]);
});

Deno.test("FrameQueue takes maxBytes bytes without dropping a frame", () => {
  const queue = queueOf({ maxBytes: 30 });
  for (let id = 1; id <= 3; id++) assertEquals(queue.push(item(id)), undefined);
  assertEquals(queue.bytes, 30);
});

Deno.test("FrameQueue drops its oldest frame when one byte more than maxBytes comes", () => {
  const queue = queueOf({ maxBytes: 30 });
  for (let id = 1; id <= 2; id++) queue.push(item(id));
  assertEquals(queue.push(item(3, 11)), { reason: "queue_bytes", frames: 1, bytes: 10 });
  assertEquals(queue.bytes, 21);
  assertEquals(drain(queue), [2, 3]);
});

Deno.test("FrameQueue drops as many frames as a large one needs", () => {
  const queue = queueOf({ maxBytes: 30 });
  for (let id = 1; id <= 3; id++) queue.push(item(id));
  assertEquals(queue.push(item(4, 20)), { reason: "queue_bytes", frames: 2, bytes: 20 });
  assertEquals(drain(queue), [3, 4]);
});

Deno.test("FrameQueue takes a frame of maxBytes and refuses one that is larger", () => {
  const queue = queueOf({ maxBytes: 30 });
  queue.push(item(1));
  assertEquals(queue.push(item(2, 31)), { reason: "queue_bytes", frames: 1, bytes: 31 });
  assertEquals(queue.frames, 1);
  assertEquals(queue.push(item(3, 30)), { reason: "queue_bytes", frames: 1, bytes: 10 });
  assertEquals(drain(queue), [3]);
});

Deno.test("FrameQueue keeps what is in when maxFrames shrinks, and grows no more", () => {
  const queue = queueOf({ maxFrames: 10 });
  for (let id = 1; id <= 10; id++) queue.push(item(id));
  queue.setLimits({ maxFrames: 4, maxBytes: 1e6 });
  assertEquals(queue.frames, 10);
  assertEquals(queue.push(item(11))?.frames, 1);
  assertEquals(queue.frames, 10);
  for (let count = 0; count < 7; count++) queue.pop();
  assertEquals(queue.push(item(12)), undefined);
  assertEquals(queue.push(item(13))?.frames, 1);
  assertEquals(drain(queue), [10, 11, 12, 13]);
});

Deno.test("FrameQueue keeps what is in when maxBytes shrinks, until a push must make room", () => {
  const queue = queueOf({});
  for (let id = 1; id <= 10; id++) queue.push(item(id));
  queue.setLimits({ maxFrames: 1000, maxBytes: 40 });
  assertEquals(queue.bytes, 100);
  assertEquals(queue.push(item(11)), { reason: "queue_bytes", frames: 7, bytes: 70 });
  assertEquals(drain(queue), [8, 9, 10, 11]);
});

Deno.test("FrameQueue takes nothing in once it is closed, and is closed once it is empty", () => {
  const queue = queueOf({});
  queue.push(item(1));
  queue.close();
  assertEquals(queue.push(item(2)), { reason: "queue_bytes", frames: 1, bytes: 10 });
  assertEquals(queue.pop().state, "ok");
  assertEquals(queue.pop(), { state: "closed" });
});

Deno.test("FrameQueue is empty after clear and says how many frames that was", () => {
  const queue = queueOf({});
  for (let id = 1; id <= 5; id++) queue.push(item(id));
  queue.pop();
  assertEquals(queue.clear(), 4);
  assertEquals([queue.frames, queue.bytes, queue.oldest], [0, 0, undefined]);
  queue.push(item(6));
  assertEquals(drain(queue), [6]);
});

/** The queue's contract on a plain array. */
function modelPush(items: Item[], added: Item, limits: FrameQueueLimits): Item[] {
  if (added.data.byteLength > limits.maxBytes) return [added];
  const out = items.length >= limits.maxFrames ? [items.shift()!] : [];
  const bytes = () => items.reduce((sum, { data }) => sum + data.byteLength, 0);
  while (items.length > 0 && bytes() + added.data.byteLength > limits.maxBytes) {
    out.push(items.shift()!);
  }
  items.push(added);
  return out;
}

Deno.test("FrameQueue behaves as a plain array does, whatever is done to it", () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 4, arbitrary: fc.record({ pop: fc.integer({ min: 1, max: 80 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        maxFrames: fc.integer({ min: 1, max: 200 }),
        maxBytes: fc.integer({ min: 1, max: 4000 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300, size: "max" }), (operations) => {
      let limits: FrameQueueLimits = { maxFrames: 200, maxBytes: 4000 };
      const queue = queueOf(limits);
      const model: Item[] = [];
      let id = 0;
      for (const operation of operations) {
        if (operation === "clear") {
          assertEquals(queue.clear(), model.splice(0).length);
        } else if ("push" in operation) {
          const added = item(++id, operation.push);
          const out = modelPush(model, added, limits);
          const dropped = queue.push(added);
          assertEquals(dropped?.frames ?? 0, out.length);
          assertEquals(
            dropped?.bytes ?? 0,
            out.reduce((sum, { data }) => sum + data.byteLength, 0),
          );
        } else if ("pop" in operation) {
          for (let count = 0; count < operation.pop; count++) {
            const popped = queue.pop();
            assertEquals(popped.state === "ok" ? popped.frame : undefined, model.shift());
          }
        } else {
          limits = operation;
          queue.setLimits(limits);
        }
        assertEquals(queue.frames, model.length);
        assertEquals(queue.bytes, model.reduce((sum, { data }) => sum + data.byteLength, 0));
        assertEquals(queue.oldest, model[0]);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});
