// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameQueue, type FrameQueueLimits } from "../../src/core/frame_queue.ts";

interface Item {
  readonly id: number;
  readonly kind: "key" | "delta";
  readonly data: { readonly byteLength: number };
}

function item(id: number, byteLength = 10, kind: Item["kind"] = "key"): Item {
  return { id, kind, data: { byteLength } };
}

/** Frames from 1 on of 10 bytes each: `k` is a key frame, `d` a delta frame. */
function items(kinds: string): Item[] {
  return [...kinds].map((kind, index) => item(index + 1, 10, kind === "k" ? "key" : "delta"));
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

for (
  const [what, kinds, limits, dropped, left] of [
    ["a whole GOP", "kdddkd|d", { maxFrames: 6 }, [4, 40], [5, 6, 7]],
    ["a whole GOP, though one frame less would do", "kddkdd|k", { maxBytes: 60 }, [3, 30], [
      4,
      5,
      6,
      7,
    ]],
    ["a GOP of one frame", "kkdd|d", { maxFrames: 4 }, [1, 10], [2, 3, 4, 5]],
    ["only the first GOP", "kdkdkd|k", { maxFrames: 6 }, [2, 20], [3, 4, 5, 6, 7]],
    ["the whole of its only GOP for a key frame", "kddd|k", { maxFrames: 4 }, [4, 40], [5]],
    [
      "the whole of its only GOP and the delta frame itself",
      "kddd|d",
      { maxFrames: 4 },
      [5, 50],
      [],
    ],
    ["what is left of a GOP", "-dd|k", { maxFrames: 2 }, [2, 20], [4]],
    ["what is left of a GOP and the delta frame itself", "-dd|d", { maxFrames: 2 }, [3, 30], []],
    ["what is left of a GOP, not the one behind it", "-dkd|d", { maxBytes: 30 }, [1, 10], [
      3,
      4,
      5,
    ]],
  ] as const
) {
  Deno.test(`FrameQueue that overflows drops ${what}: ${kinds}`, () => {
    const all = items(kinds.replace("-", "k").replace("|", ""));
    const queue = queueOf(limits);
    const last = all.pop()!;
    for (const [index, each] of all.entries()) {
      assertEquals(queue.push(each), undefined);
      if (index === 0 && kinds.startsWith("-")) queue.pop();
    }
    const reason = "maxFrames" in limits ? "queue_frames" : "queue_bytes";
    const [frames, bytes] = dropped;
    assertEquals(queue.push(last), { reason, frames, bytes });
    assertEquals(queue.bytes, 10 * left.length);
    assertEquals(drain(queue), [...left]);
  });
}

Deno.test("FrameQueue drops as many GOPs as a large frame needs, and says that bytes were the reason", () => {
  const queue = queueOf({ maxFrames: 6, maxBytes: 60 });
  for (const each of items("kdkdkd")) queue.push(each);
  assertEquals(queue.push(item(7, 30)), { reason: "queue_bytes", frames: 4, bytes: 40 });
  assertEquals(drain(queue), [5, 6, 7]);
});

for (
  const [reason, limits] of [["queue_frames", { maxFrames: 3 }], ["queue_bytes", {
    maxBytes: 30,
  }]] as const
) {
  Deno.test(`FrameQueue that one GOP filled takes nothing in until a key frame, for ${reason}`, () => {
    const queue = queueOf(limits);
    const all = items("kddddddkdd");
    for (const each of all.slice(0, 3)) queue.push(each);
    assertEquals(queue.push(all[3]!), { reason, frames: 4, bytes: 40 });
    for (const each of all.slice(4, 7)) {
      assertEquals(queue.push(each), { reason, frames: 1, bytes: 10 });
      assertEquals(queue.frames, 0);
    }
    for (const each of all.slice(7)) assertEquals(queue.push(each), undefined);
    assertEquals(drain(queue), [8, 9, 10]);
  });
}

for (const kind of ["key", "delta"] as const) {
  Deno.test(`FrameQueue that refuses a ${kind} frame over maxBytes refuses its delta frames too`, () => {
    const queue = queueOf({ maxBytes: 100 });
    const [first, second] = items("kd");
    queue.push(first!);
    queue.push(second!);
    assertEquals(queue.push(item(3, 101, kind)), { reason: "queue_bytes", frames: 1, bytes: 101 });
    assertEquals(queue.push(item(4, 7, "delta")), { reason: "queue_bytes", frames: 1, bytes: 7 });
    assertEquals(queue.push(item(5)), undefined);
    assertEquals(queue.push(item(6, 10, "delta")), undefined);
    assertEquals(drain(queue), [1, 2, 5, 6]);
  });
}

Deno.test("FrameQueue above a new maxFrames drops a GOP, and not more, when a frame comes", () => {
  const queue = queueOf({});
  const all = items("kdkdkdkdd");
  for (const each of all.slice(0, 8)) queue.push(each);
  queue.setLimits({ maxFrames: 2, maxBytes: 1e6 });
  assertEquals(queue.push(all[8]!), { reason: "queue_frames", frames: 2, bytes: 20 });
  assertEquals(drain(queue), [3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("FrameQueue above a new maxBytes drops GOPs until the frame that comes has room", () => {
  const queue = queueOf({});
  const all = items("kdkdkdkdd");
  for (const each of all.slice(0, 8)) queue.push(each);
  queue.setLimits({ maxFrames: 1000, maxBytes: 35 });
  assertEquals(queue.push(all[8]!), { reason: "queue_bytes", frames: 6, bytes: 60 });
  assertEquals(drain(queue), [7, 8, 9]);
});

/** The queue's contract on a plain array. */
function modelPush(
  model: { items: Item[]; isLost: boolean },
  added: Item,
  limits: FrameQueueLimits,
): Item[] {
  const { items } = model;
  if (added.kind === "key") model.isLost = false;
  if (added.data.byteLength > limits.maxBytes) model.isLost = true;
  if (model.isLost) return [added];
  const out: Item[] = [];
  const dropGop = () => {
    const next = items.findIndex(({ kind }, index) => index > 0 && kind === "key");
    out.push(...items.splice(0, next === -1 ? items.length : next));
  };
  const bytes = () => items.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (items.length >= limits.maxFrames) dropGop();
  while (items.length > 0 && bytes() + added.data.byteLength > limits.maxBytes) dropGop();
  model.isLost = added.kind === "delta" && out.length > 0 && items.length === 0;
  (model.isLost ? out : items).push(added);
  return out;
}

Deno.test("FrameQueue behaves as a plain array does, whatever is done to it", () => {
  const operation = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        push: fc.integer({ min: 0, max: 60 }),
        deltas: fc.constantFrom(0, 0, 3, 12, 70),
      }),
    },
    { weight: 2, arbitrary: fc.record({ pop: fc.integer({ min: 1, max: 80 }) }) },
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
      const model = { items: [] as Item[], isLost: false };
      let id = 0;
      let poppedId = 0;
      const push = (added: Item) => {
        const out = modelPush(model, added, limits);
        const dropped = queue.push(added);
        assertEquals(dropped?.frames ?? 0, out.length);
        assertEquals(dropped?.bytes ?? 0, out.reduce((sum, { data }) => sum + data.byteLength, 0));
      };
      for (const operation of operations) {
        if (operation === "clear") {
          assertEquals(queue.clear(), model.items.splice(0).length);
          // What needs the frames that are gone is kept away by who clears the queue.
          push(item(++id));
        } else if ("push" in operation) {
          push(item(++id, operation.push));
          for (let n = 0; n < operation.deltas; n++) push(item(++id, operation.push >> 1, "delta"));
        } else if ("pop" in operation) {
          for (let count = 0; count < operation.pop; count++) {
            const popped = queue.pop();
            const frame = popped.state === "ok" ? popped.frame : undefined;
            assertEquals(frame, model.items.shift());
            if (frame === undefined) break;
            assert(frame.kind === "key" || frame.id === poppedId + 1, "a gap before a delta frame");
            poppedId = frame.id;
          }
        } else {
          limits = operation;
          queue.setLimits(limits);
        }
        const { items } = model;
        assertEquals(queue.frames, items.length);
        assertEquals(queue.bytes, items.reduce((sum, { data }) => sum + data.byteLength, 0));
        assertEquals(queue.oldest, items[0]);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});
