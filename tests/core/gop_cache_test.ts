// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Budget } from "../../src/core/budget.ts";
import type { Frame } from "../../src/core/frame.ts";
import type { GopCache } from "../../src/core/gop_cache.ts";
import { cache, type Coded, codedFrames, range } from "./samples.ts";

/** Large enough that its memory is given back at once. */
const LARGE = 65_536;

/** Pushes `frames`, one every 10 ms. */
function fill(frames: GopCache, pushed: readonly Frame[]): void {
  for (const each of pushed) frames.push(each, each.sequence * 10);
}

/** Sequences of all frames that can be read. */
function readable(frames: GopCache): (number | undefined)[] {
  const first = range(0, frames.end).find((position) => frames.at(position) !== undefined);
  if (first === undefined) return [];
  return range(first, frames.end - 1).map((position) => frames.at(position)?.frame.sequence);
}

function isFreed({ data }: Frame): boolean {
  return data.byteLength === 0;
}

Deno.test("GopCache counts positions from 0, and knows none that is yet to come", () => {
  const frames = cache();
  assertEquals([frames.end, frames.at(0), frames.key, frames.isWhole], [
    0,
    undefined,
    undefined,
    false,
  ]);
  fill(frames, codedFrames("kdd"));
  assertEquals([frames.end, frames.keyPosition, frames.isWhole], [3, 0, true]);
  assertEquals(range(-1, 3).map((at) => frames.at(at)?.frame.sequence), [
    undefined,
    1,
    2,
    3,
    undefined,
  ]);
  assertEquals([frames.at(1)?.leftMs, frames.key?.leftMs], [20, 10]);
});

Deno.test("GopCache holds the newest key frame and what follows it, for nobody in particular", () => {
  const frames = cache();
  fill(frames, codedFrames("kddkd"));
  frames.trim(Infinity);
  assertEquals([frames.isWhole, frames.keyPosition, readable(frames)], [true, 3, [4, 5]]);
  fill(frames, codedFrames("k", { first: 6 }));
  frames.trim(Infinity);
  assertEquals([frames.isWhole, frames.keyPosition, readable(frames)], [true, 5, [6]]);
});

Deno.test("GopCache holds what viewers behind the newest key frame need, and no more", () => {
  const frames = cache();
  fill(frames, codedFrames("kddkd"));
  frames.trim(2);
  assertEquals(readable(frames), [3, 4, 5]);
  frames.trim(1);
  assertEquals(readable(frames), [3, 4, 5]);
  frames.trim(4);
  assertEquals(readable(frames), [4, 5]);
});

Deno.test("GopCache goes on through many frames without a gap", () => {
  const frames = cache();
  for (const each of codedFrames("kddd".repeat(500))) {
    frames.push(each, 0);
    frames.trim(Math.max(0, frames.end - 10));
    const { length } = readable(frames);
    assert(length <= 10);
    assertEquals(readable(frames), range(each.sequence - length + 1, each.sequence));
  }
  assertEquals(frames.end, 2000);
});

for (
  const [limit, options] of [
    ["frames", { maxFrames: 4 }],
    ["bytes", { maxBytes: 30 }],
    ["time", { maxMs: 30 }],
    ["the budget", { budget: new Budget(30) }],
  ] as const
) {
  Deno.test(`GopCache is whole at its limit in ${limit}; beyond, it has the key frame and the newest`, () => {
    const frames = cache(options);
    const all = codedFrames("kddddkdd");
    fill(frames, all.slice(0, 4));
    frames.trim(Infinity);
    assertEquals([frames.isWhole, readable(frames)], [true, [1, 2, 3, 4]]);
    // The newest is there for the viewers that are not behind.
    fill(frames, all.slice(4, 5));
    assertEquals([frames.isWhole, frames.at(4)?.frame.sequence], [false, 5]);
    assertEquals([frames.key?.frame.sequence, frames.keyPosition], [1, 0]);
    frames.trim(Infinity);
    assertEquals(readable(frames), []);
    // The next key frame makes it whole again.
    fill(frames, all.slice(5));
    frames.trim(Infinity);
    assertEquals([frames.isWhole, frames.key?.frame.sequence, readable(frames)], [true, 6, [
      6,
      7,
      8,
    ]]);
  });
}

Deno.test("GopCache above its limit in frames gives up what it has had for longest", () => {
  const frames = cache({ maxFrames: 4 });
  fill(frames, codedFrames("kddkdd"));
  assertEquals([frames.isWhole, readable(frames)], [true, [3, 4, 5, 6]]);
});

Deno.test("GopCache without room for it gives up all before the newest frame, then that one", () => {
  const frames = cache({ maxBytes: 20 });
  fill(frames, codedFrames("kddd"));
  assertEquals([readable(frames), frames.bytes], [[1, 2, 3, 4], 20]);
  fill(frames, codedFrames("d", { first: 5 }));
  assertEquals([readable(frames), frames.bytes], [[5], 10]);
  fill(frames, codedFrames("d", { first: 6, bytes: 11 }));
  assertEquals([readable(frames), frames.bytes], [[5, 6], 10]);
  fill(frames, codedFrames("k", { first: 7, bytes: 500 }));
  assertEquals([readable(frames), frames.bytes, frames.isWhole], [[7], 0, true]);
});

Deno.test("GopCache holds the newest frame even where others have used the whole budget up", () => {
  const budget = new Budget(100);
  budget.take(100);
  const frames = cache({ budget });
  for (const each of codedFrames("kddkd")) {
    frames.push(each, 0);
    assertEquals(frames.at(frames.end - 1)?.frame, each);
    assertEquals(frames.isWhole, each.kind === "key");
    frames.trim(Infinity);
  }
  assertEquals([budget.used, frames.bytes, frames.key?.frame.sequence], [100, 0, 4]);
});

Deno.test("GopCache counts a key frame that is held only for viewers behind a newer one", () => {
  const budget = new Budget(100);
  const frames = cache({ budget });
  const all = codedFrames("kdkdkdkd", { bytes: 20 });
  fill(frames, all.slice(0, 1));
  frames.trim(0);
  assertEquals(budget.used, 0);
  fill(frames, all.slice(1, 3));
  frames.trim(0);
  assertEquals(budget.used, 40);
  fill(frames, all.slice(3, 5));
  frames.trim(0);
  assertEquals([budget.used, readable(frames)], [80, [1, 2, 3, 4, 5]]);
  // There is room for 6, not for the key frame 5 besides: those who are behind lose their place.
  fill(frames, all.slice(5, 7));
  frames.trim(0);
  assertEquals([budget.used, readable(frames), frames.isWhole], [0, [7], true]);
  frames.trim(Infinity);
  frames.clear();
  assertEquals(budget.used, 0);
});

Deno.test("GopCache gives everything back when it is cleared, and may be filled again", () => {
  const budget = new Budget(1e9);
  const frames = cache({ budget });
  const all = codedFrames("kdkdd", { bytes: LARGE });
  fill(frames, all);
  frames.clear();
  assertEquals([budget.used, frames.bytes, frames.key, frames.isWhole], [0, 0, undefined, false]);
  assertEquals(all.map(isFreed), all.map(() => true));
  frames.clear();
  fill(frames, codedFrames("kd", { first: 6 }));
  assertEquals([frames.isWhole, frames.keyPosition, readable(frames)], [true, 5, [6, 7]]);
});

Deno.test("GopCache that holds a key frame alone frees it when it is cleared", () => {
  const frames = cache({ maxMs: 5 });
  const all = codedFrames("kdd", { bytes: LARGE });
  fill(frames, all);
  frames.trim(Infinity);
  assertEquals([frames.key?.frame.sequence, all.map(isFreed)], [1, [false, true, true]]);
  frames.clear();
  assert(isFreed(all[0]!));
});

Deno.test("GopCache frees a frame when nobody can need it any more, and not before", () => {
  const frames = cache();
  const all = codedFrames("kddkd", { bytes: LARGE });
  const freed = () => all.map(isFreed);
  fill(frames, all.slice(0, 4));
  assertEquals(freed(), [false, false, false, false, false]);
  frames.trim(1);
  assertEquals(freed(), [true, false, false, false, false]);
  frames.trim(3);
  assertEquals(freed(), [true, true, true, false, false]);
  fill(frames, all.slice(4));
  frames.trim(Infinity);
  assertEquals(freed(), [true, true, true, false, false]);
});

Deno.test("GopCache frees a key frame that it held alone when the next one comes", () => {
  const frames = cache({ maxMs: 5 });
  const all = codedFrames("kddk", { bytes: LARGE });
  fill(frames, all.slice(0, 3));
  frames.trim(Infinity);
  assertEquals(all.map(isFreed), [false, true, true, false]);
  frames.push(all[3]!, 40);
  assertEquals(all.map(isFreed), [true, true, true, false]);
});

Deno.test("GopCache has what it should, counts what it has and frees the rest, whatever comes", () => {
  const operation = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom<Coded>("k", "d", "d", "d", "l"),
        bytes: fc.constantFrom(1, 10, 40, LARGE, LARGE + 1),
        afterMs: fc.constantFrom(0, 10, 400),
      }),
    },
    { weight: 5, arbitrary: fc.record({ behind: fc.option(fc.nat(12)) }) },
    {
      weight: 2,
      arbitrary: fc.record({ others: fc.integer({ min: -4 * LARGE, max: 4 * LARGE }) }),
    },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
  );
  const options = fc.record({
    maxFrames: fc.constantFrom(1, 2, 5, 1000),
    maxBytes: fc.constantFrom(0, 50, 3 * LARGE, 1e9),
    maxMs: fc.constantFrom(0, 500, 1e9),
  });
  fc.assert(
    fc.property(
      options,
      fc.array(operation, { maxLength: 150, size: "max" }),
      (options, operations) => {
        const budget = new Budget(6 * LARGE);
        const frames = cache({ ...options, budget });
        const all: Frame[] = [];
        const sizes: number[] = [];
        let others = 0;
        let nowMs = 0;
        let keyAt = -1;
        for (const operation of operations) {
          if (operation === "clear") {
            frames.clear();
            keyAt = -1;
          } else if ("behind" in operation) {
            const position = operation.behind === null
              ? Infinity
              : Math.max(0, all.length - operation.behind);
            const had = readable(frames);
            const hasRoom = options.maxBytes === 1e9 && others === 0 &&
              frames.bytes < budget.limit / 2;
            frames.trim(position);
            const kept = Math.min(position, frames.isWhole ? keyAt : Infinity);
            // What is needed is kept, except where the memory for it is lacking.
            if (hasRoom) {
              assertEquals(readable(frames), had.filter((sequence) => sequence! > kept));
            } else {
              assert(readable(frames).every((sequence) => sequence! > kept));
            }
          } else if ("others" in operation) {
            if (operation.others < 0) {
              budget.give(others);
              others = 0;
            } else if (budget.take(operation.others)) others += operation.others;
          } else {
            nowMs += operation.afterMs;
            const kind = keyAt === -1 ? "k" : operation.kind;
            const [added] = codedFrames(kind, { first: all.length + 1, bytes: operation.bytes });
            if (kind === "k") keyAt = all.length;
            all.push(added!);
            sizes.push(operation.bytes);
            frames.push(added!, nowMs);
            assertEquals(frames.at(frames.end - 1)?.frame, added);
            if (kind === "k") assert(frames.isWhole);
          }
          assertEquals(frames.end, all.length);
          assertEquals(frames.key?.frame, all[keyAt]);
          const held = readable(frames);
          assert(held.length <= options.maxFrames);
          // Everything up to the newest without a gap, and the right frame at each place.
          assertEquals(held, range(all.length - held.length + 1, all.length));
          if (frames.isWhole) assert(keyAt >= all.length - held.length);
          const counted = held.filter((sequence) => sequence! - 1 !== keyAt)
            .reduce((sum: number, sequence) => sum + sizes[sequence! - 1]!, 0);
          // The newest frame and a key frame that has just become the last but one may be uncounted.
          assert(frames.bytes <= Math.min(counted, options.maxBytes));
          assertEquals(budget.used - others, frames.bytes);
          all.forEach((each, index) => {
            if (sizes[index]! < LARGE) return;
            const isHeld = index === keyAt || index >= all.length - held.length;
            assertEquals(isFreed(each), !isHeld, `frame ${index + 1}`);
          });
        }
        frames.clear();
        assertEquals(budget.used, others);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
