// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { noDrops } from "../../src/core/drops.ts";
import type { Frame } from "../../src/core/frame.ts";
import type { GopCache } from "../../src/core/gop_cache.ts";
import { ShardFeed } from "../../src/core/shard_feed.ts";
import { ViewerDelays } from "../../src/core/viewer_delays.ts";
import { cache, codedFrames, feed, frame, input, range, stream } from "./samples.ts";

/** A feed to a thread, at a cache with these frames. */
function scene(frames: readonly Frame[] = [], budget = new Budget(1e9)) {
  const held: GopCache = cache();
  for (const kept of frames) held.push(kept, 0);
  const opened: (readonly [sequences: number[], isWhole: boolean])[] = [];
  const sent: (readonly [sequence: number, missed: number])[] = [];
  let missed = 0;
  const delays = new ViewerDelays();
  const shard = new ShardFeed({
    budget,
    delays,
    open: (history, isWhole) => opened.push([history.map(({ frame }) => frame.sequence), isWhole]),
    send: ({ sequence }) => {
      sent.push([sequence, missed]);
      missed = 0;
    },
    miss: (frames) => {
      missed += frames;
    },
  });
  shard.join(held);
  const offer = (next: Frame, nowMs: number) => {
    held.push(next, nowMs);
    shard.advance(nowMs);
  };
  return { held, opened, sent, shard, offer, budget, delays, missed: () => missed };
}

Deno.test("ShardFeed opens with the newest key frame and all that follows it", () => {
  const { opened, sent, offer } = scene(codedFrames("kddkdd"));
  assertEquals(opened, [[[4, 5, 6], true]]);
  offer(codedFrames("d", { first: 7 })[0]!, 0);
  assertEquals(sent, [[7, 0]]);
});

Deno.test("ShardFeed opens with nothing before the first frame, and with a key frame alone in a broken GOP", () => {
  assertEquals(scene().opened, [[[], false]]);
  const held = cache({ maxFrames: 2 });
  for (const kept of codedFrames("kdd")) held.push(kept, 0);
  const opened: unknown[] = [];
  const shard = new ShardFeed({
    budget: new Budget(1e9),
    delays: new ViewerDelays(),
    open: (history, isWhole) => opened.push(history.map(({ frame }) => frame.sequence), isWhole),
    send: () => {},
    miss: () => {},
  });
  shard.join(held);
  assertEquals(opened, [[1], false]);
});

Deno.test("ShardFeed has sixteen frames on the way at most, and goes on as they are passed", () => {
  const { sent, shard, offer, budget } = scene();
  for (const n of range(1, 20)) offer(frame(n, 100), 0);
  assertEquals([sent.length, budget.used, shard.needsFrom], [16, 1600, 16]);
  shard.passed(3, 1);
  assertEquals([sent.length, budget.used], [19, 1600]);
  shard.passed(19, 2);
  assertEquals([sent.map(([sequence]) => sequence), budget.used], [range(1, 20), 100]);
  shard.passed(20, 3);
  assertEquals([shard.needsFrom, budget.used], [Infinity, 0]);
});

Deno.test("ShardFeed skips to the newest key frame when a frame has waited 375 ms, and tells how many", () => {
  const { sent, shard, offer, missed } = scene();
  for (const n of range(1, 20)) offer(frame(n, 100), n);
  offer(frame(21, 100), 392);
  assertEquals(shard.needsFrom, 16);
  offer(frame(22, 100), 393);
  // It is told at once: perhaps no frame follows.
  assertEquals([sent.length, shard.needsFrom, missed()], [16, 21, 5]);
  shard.passed(16, 1000);
  assertEquals(sent.at(-1), [22, 5]);
});

Deno.test("ShardFeed sends no delta frame behind a skip before the next key frame", () => {
  const { sent, shard, offer } = scene();
  for (const coded of codedFrames("k" + "d".repeat(17))) offer(coded, 0);
  offer(codedFrames("d", { first: 19 })[0]!, 376);
  shard.passed(16, 377);
  offer(codedFrames("d", { first: 20 })[0]!, 400);
  offer(codedFrames("k", { first: 21 })[0]!, 410);
  assertEquals(sent.slice(16), [[21, 4]]);
});

Deno.test("ShardFeed waits for memory that is used up, and is polled when nothing else announces it", () => {
  const budget = new Budget(150);
  const { sent, shard, offer } = scene([], budget);
  budget.take(100);
  offer(frame(1, 100), 0);
  assertEquals([sent.length, shard.needsPolling], [0, true]);
  budget.give(100);
  shard.advance(10);
  assertEquals([sent.length, shard.needsPolling, budget.used], [1, false, 100]);
  shard.close();
  shard.close();
  assertEquals(budget.used, 0);
});

Deno.test("ShardFeed keeps up with one frame on the way and one behind it, or when it is stuck", () => {
  const { shard, offer } = scene();
  offer(frame(1), 0);
  assertEquals([shard.keepsUp(0), shard.isReady()], [true, true]);
  offer(frame(2), 10);
  assertEquals([shard.keepsUp(10), shard.isReady()], [false, false]);
  assertEquals([shard.keepsUp(999), shard.keepsUp(1000)], [false, true]);
  shard.passed(1, 20);
  assertEquals(shard.keepsUp(20), true);
  shard.setFastest(12, false);
  assertEquals([shard.isReady(), shard.rate], [false, 12]);
});

Deno.test("ShardFeed speaks for its viewers, and keeps their numbers when it closes", () => {
  const { shard } = scene();
  const dropped = { ...noDrops(), slow_viewer: 3 };
  const latencies = [{ totalMs: 3, relayMs: 1, roundTripMs: 2 }];
  const delays = new ViewerDelays().copy();
  shard.setNumbers({ viewers: 7, sent: { frames: 5, bytes: 50 }, dropped, latencies, delays });
  assertEquals([shard.viewers, shard.sent.frames, shard.dropped.slow_viewer], [7, 5, 3]);
  shard.close();
  assertEquals([shard.viewers, shard.sent.bytes, shard.latencies], [0, 50, []]);
});

Deno.test("ShardFeed counts delays of its thread with those of others, and once, also when it has gone", () => {
  const { shard, delays } = scene();
  delays.relay.add(4);
  const there = new ViewerDelays();
  const tell = () => {
    const none = { viewers: 1, sent: { frames: 0, bytes: 0 }, dropped: noDrops(), latencies: [] };
    shard.setNumbers({ ...none, delays: there.copy() });
  };
  there.relay.add(1);
  there.viewer.add(20);
  tell();
  tell();
  there.relay.add(2);
  tell();
  shard.close();
  const { relay, viewer } = delays;
  assertEquals([relay.cumulative.at(-1), relay.sumMs], [3, 7]);
  assertEquals([viewer.cumulative.at(-1), viewer.sumMs], [1, 20]);
});

Deno.test("Stream leaves ticks out while a thread is behind with a lossless publisher's frames", () => {
  const live = stream({ fps: 10 });
  live.begin({ onFull: "wait" }, 0);
  const sent: number[] = [];
  const shard = new ShardFeed({
    budget: new Budget(1e9),
    delays: new ViewerDelays(),
    open: () => {},
    send: ({ sequence }) => sent.push(sequence),
    miss: () => {},
  });
  live.join(shard, 0);
  for (const _ of range(1, 5)) live.push(input(), 0);
  for (const n of range(1, 4)) live.advance(n * 100);
  assertEquals([sent, live.queue.frames, live.tick.overruns], [[1, 2], 3, 3]);
  shard.passed(2, 410);
  live.advance(500);
  assertEquals([sent, live.queue.frames], [[1, 2, 3], 2]);
});

Deno.test("ViewerFeed counts what was lost before it came to its thread", () => {
  const viewer = feed();
  viewer.miss(4);
  assertEquals(viewer.dropped.overrun, 4);
  viewer.close();
  viewer.miss(1);
  assertEquals(viewer.dropped.overrun, 4);
});

Deno.test("Budget is one for all that share it, and each gives back its own", () => {
  const shares = new Float64Array(new SharedArrayBuffer(16));
  const [one, other] = [new Budget(100, shares, 0), new Budget(100, shares, 1)];
  assertEquals([one.take(60), other.take(41), other.take(40)], [true, false, true]);
  assertEquals([one.used, other.used, one.take(1)], [100, 100, false]);
  one.give(60);
  assertEquals([other.used, [...shares]], [40, [0, 40]]);
});
