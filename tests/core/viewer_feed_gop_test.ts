/** What a viewer gets of a stream coded in time. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { totalDrops } from "../../src/core/drops.ts";
import type { GopCache, GopCacheOptions } from "../../src/core/gop_cache.ts";
import type { ViewerFeedOptions } from "../../src/core/viewer_feed.ts";
import { cache, codedFrames, range, type Recorded, recorded } from "./samples.ts";

/** A cache into which frames have come at 0 ms. */
function filled(kinds: string, options: Partial<GopCacheOptions> = {}): GopCache {
  const frames = cache(options);
  for (const each of codedFrames(kinds)) {
    frames.push(each, 0);
    frames.trim(Infinity);
  }
  return frames;
}

/** Offers frames behind those that there have been. */
function offer({ offer, frames }: Recorded, kinds: string, nowMs: number, bytes = 10): void {
  for (const each of codedFrames(kinds, { first: frames.end + 1, bytes })) offer(each, nowMs);
}

/** A viewer with the frames `kddd` under way, for whose link four frames are too many. */
function behind(options: Partial<ViewerFeedOptions> = {}): Recorded {
  const some = recorded(options);
  offer(some, "kddd", 0);
  assertEquals(some.sent, [1, 2, 3, 4]);
  assert(!some.viewer.isReady(0));
  return some;
}

Deno.test("ViewerFeed brings a viewer that joins from the key frame to the present, marked as catch-up", () => {
  const some = recorded({}, filled("kddkdddddd"));
  assertEquals(some.sent, [-4, -5, -6, -7]);
  // What comes meanwhile belongs to it.
  offer(some, "d", 10);
  some.viewer.acknowledge(7, 20);
  assertEquals(some.sent, [-4, -5, -6, -7, -8, -9, -10, -11]);
  offer(some, "d", 40);
  some.viewer.acknowledge(12, 50);
  offer(some, "kd", 60);
  assertEquals(some.sent.slice(8), [12, 13, 14]);
  assertEquals(totalDrops(some.viewer.dropped), 0);
});

Deno.test("ViewerFeed that joins when a key frame is the newest goes on with its delta frames", () => {
  const some = recorded({}, filled("kdk"));
  offer(some, "dd", 10);
  assertEquals(some.sent, [-3, 4, 5]);
});

Deno.test("ViewerFeed gives a viewer the key frame alone where what follows is not held", () => {
  const some = recorded({}, filled("kdddd", { maxBytes: 20 }));
  assertEquals([some.sent, totalDrops(some.viewer.dropped)], [[-1], 0]);
  offer(some, "ddd", 10);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[-1], 3]);
  offer(some, "kd", 20);
  assertEquals(some.sent, [-1, 9, 10]);
  assertEquals(totalDrops(some.viewer.dropped), 3);
});

Deno.test("ViewerFeed goes on in the present behind a key frame that came alone", () => {
  const some = recorded({}, filled("kdddd", { maxBytes: 20 }));
  offer(some, "kd", 10);
  assertEquals(some.sent, [-1, 6, 7]);
});

Deno.test("ViewerFeed catches up as fast as the link is, however old the frames are", () => {
  const some = recorded({}, filled("k" + "d".repeat(30)), "key", 20_000);
  // 40 bytes in 20 ms, which is 100 frames in the longest delay.
  some.viewer.acknowledge(4, 20_020);
  assertEquals(some.sent, range(1, 31).map((sequence) => -sequence));
});

Deno.test("ViewerFeed does not take the age of frames from before the viewer came for its latency", () => {
  const some = recorded({}, filled("kdd"), "key", 20_000);
  some.viewer.acknowledge(3, 20_010);
  assertEquals(some.viewer.latency, undefined);
  some.offer({ ...codedFrames("d", { first: 4 })[0]!, receivedMs: 20_015 }, 20_020);
  some.viewer.acknowledge(4, 20_030);
  assertEquals(some.viewer.latency, { totalMs: 15, relayMs: 5, roundTripMs: 10 });
});

Deno.test("ViewerFeed that joins live begins with the next key frame", () => {
  const some = recorded({}, filled("kdd"), "live");
  offer(some, "dd", 10);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[], 2]);
  offer(some, "kd", 20);
  assertEquals(some.sent, [6, 7]);
});

Deno.test("ViewerFeed leaves a catch-up that has not come to its end for a newer key frame", () => {
  const some = recorded({}, filled("kddddd"));
  assertEquals(some.sent, [-1, -2, -3, -4]);
  offer(some, "kd", 10);
  assertEquals([some.viewer.dropped.slow_viewer, totalDrops(some.viewer.dropped)], [2, 2]);
  some.viewer.acknowledge(4, 20);
  assertEquals(some.sent, [-1, -2, -3, -4, -7, -8]);
  offer(some, "d", 30);
  assertEquals(some.sent.at(-1), 9);
});

Deno.test("ViewerFeed gives a catch-up up after three seconds and waits for a key frame", () => {
  const some = recorded({}, filled("kddddd"));
  // With time, live frames would go.
  some.viewer.advance(100);
  assertEquals(some.sent.length, 4);
  some.viewer.advance(3000);
  assertEquals([some.viewer.needsFrom, totalDrops(some.viewer.dropped)], [4, 0]);
  some.viewer.advance(3001);
  assertEquals([some.viewer.needsFrom, some.viewer.dropped.slow_viewer], [Infinity, 2]);
  some.viewer.acknowledge(4, 3002);
  offer(some, "dd", 3010);
  assertEquals([some.sent.length, some.viewer.dropped.awaiting_key_frame], [4, 2]);
  offer(some, "kd", 3020);
  some.viewer.acknowledge(9, 3030);
  assertEquals(some.sent.slice(4), [9, 10]);
});

Deno.test("ViewerFeed brings a slow viewer up within three seconds, though each frame waits for long", () => {
  const some = recorded({}, filled("k" + "d".repeat(20)));
  for (let nowMs = 0; nowMs <= 2900; nowMs += 100) {
    some.viewer.acknowledge(Math.abs(some.sent.at(-1)!) - 1, nowMs);
  }
  assertEquals(some.sent, range(1, 21).map((sequence) => -sequence));
  assertEquals(totalDrops(some.viewer.dropped), 0);
});

Deno.test("ViewerFeed drops a delta frame that is late, and those behind it until a key frame", () => {
  const some = behind();
  offer(some, "d", 0);
  some.viewer.advance(370);
  assertEquals([some.viewer.needsFrom, totalDrops(some.viewer.dropped)], [4, 0]);
  some.viewer.advance(501);
  assertEquals([some.viewer.needsFrom, some.viewer.dropped.slow_viewer], [Infinity, 1]);
  offer(some, "dd", 510);
  assertEquals(some.viewer.dropped.awaiting_key_frame, 2);
  offer(some, "kd", 520);
  some.viewer.acknowledge(4, 530);
  some.viewer.acknowledge(8, 540);
  assertEquals(some.sent, [1, 2, 3, 4, 8, 9]);
  assertEquals(totalDrops(some.viewer.dropped), 3);
});

Deno.test("ViewerFeed that is late goes on with the newest key frame", () => {
  const some = behind();
  offer(some, "dkdk", 0);
  offer(some, "d", 500);
  assertEquals([some.viewer.dropped.slow_viewer, some.viewer.needsFrom], [3, 7]);
  some.viewer.acknowledge(4, 510);
  assertEquals(some.sent, [1, 2, 3, 4, 8, 9]);
});

Deno.test("ViewerFeed that stands at a key frame gives it up for a newer one at once", () => {
  const some = behind();
  offer(some, "kdd", 0);
  assertEquals(totalDrops(some.viewer.dropped), 0);
  offer(some, "k", 1);
  assertEquals(some.viewer.dropped.slow_viewer, 3);
  some.viewer.acknowledge(4, 10);
  assertEquals(some.sent, [1, 2, 3, 4, 8]);
});

Deno.test("ViewerFeed never gives up the newest key frame, however long it waits", () => {
  const some = behind();
  offer(some, "k", 0);
  offer(some, "dd", 10);
  some.viewer.advance(60_000);
  assertEquals(totalDrops(some.viewer.dropped), 0);
  some.viewer.acknowledge(4, 60_001);
  assertEquals(some.sent[4], 5);
});

Deno.test("ViewerFeed loses nothing by a hiccup shorter than half the delay, also not at a key frame", () => {
  const some = recorded();
  let confirmed = 0;
  for (let n = 0; n < 90; n++) {
    const nowMs = n * 33;
    offer(some, n % 10 === 0 ? "k" : "d", nowMs);
    // Nothing is confirmed for 240 ms, with a key frame in it.
    if (nowMs > 1500 && nowMs < 1740) continue;
    while (confirmed < some.sent.at(-1)!) {
      confirmed = some.sent.at(-1)!;
      some.viewer.acknowledge(confirmed, nowMs + 5);
    }
  }
  assertEquals([some.sent, totalDrops(some.viewer.dropped)], [range(1, 90), 0]);
});

Deno.test("ViewerFeed sends leading frames to a viewer that has everything before them", () => {
  const some = recorded();
  for (const kinds of ["kdd", "klld", "kld"]) {
    offer(some, kinds, 0);
    some.viewer.acknowledge(some.sent.at(-1)!, 10);
  }
  assertEquals(some.sent, range(1, 10));
});

Deno.test("ViewerFeed leaves out the leading frames of the key frame at which a viewer begins, not later ones", () => {
  const some = recorded({ maxDelayMs: 60_000 }, filled("kddkl"));
  offer(some, "ld", 10);
  some.viewer.acknowledge(4, 20);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[-4, 7], 2]);
  offer(some, "kl", 30);
  assertEquals(some.sent, [-4, 7, 8, 9]);
  assertEquals(totalDrops(some.viewer.dropped), 2);
});

Deno.test("ViewerFeed takes leading frames up behind a GOP of which it left out nothing else", () => {
  const some = recorded({}, filled("kdk"));
  offer(some, "llkl", 10);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[-3, 6, 7], 2]);
});

Deno.test("ViewerFeed leaves out leading frames also behind other delta frames of their key frame", () => {
  const some = recorded({}, filled("kdldl"));
  some.viewer.acknowledge(4, 10);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[-1, -2, -4], 2]);
});

Deno.test("ViewerFeed leaves out leading frames behind a skip, and takes them up with the next GOP", () => {
  const some = behind();
  offer(some, "d", 0);
  some.viewer.advance(501);
  offer(some, "klld", 510);
  some.viewer.acknowledge(4, 520);
  some.viewer.acknowledge(9, 530);
  assertEquals(some.sent, [1, 2, 3, 4, 6, 9]);
  offer(some, "kld", 540);
  some.viewer.acknowledge(11, 550);
  assertEquals(some.sent.slice(6), [10, 11, 12]);
  assertEquals([some.viewer.dropped.slow_viewer, some.viewer.dropped.awaiting_key_frame], [1, 2]);
});

Deno.test("ViewerFeed leaves out leading frames behind a gap that the queue has left", () => {
  const some = recorded();
  offer(some, "kd", 0);
  for (const each of codedFrames("kld", { first: 7 })) some.offer(each, 10);
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[1, 2, 7, 9], 1]);
});

Deno.test("ViewerFeed leaves out leading frames of an epoch's first key frame", () => {
  const some = recorded();
  offer(some, "kd", 0);
  for (const each of codedFrames("kld", { first: 3 })) {
    some.offer({ ...each, epoch: 2, discontinuity: each.kind === "key" }, 10);
  }
  assertEquals([some.sent, some.viewer.dropped.awaiting_key_frame], [[1, 2, 3, 5], 1]);
});

Deno.test("ViewerFeed never sends a delta frame without the one before to a viewer that wants fewer", () => {
  for (const fps of [1, 7, 10, 20, 29]) {
    const some = recorded({ fps });
    for (let n = 0; n < 60 * 30; n++) {
      const nowMs = n * 1000 / 30;
      offer(some, n % 30 === 0 ? "k" : "d", nowMs);
      if (some.sent.at(-1) === n + 1) some.viewer.acknowledge(n + 1, nowMs + 1);
    }
    for (const [index, sequence] of some.sent.entries()) {
      const isKey = sequence % 30 === 1;
      assert(isKey || some.sent[index - 1] === sequence - 1, `${fps} fps: ${sequence} after a gap`);
    }
    const { dropped, sent } = some.viewer;
    assertEquals([sent.frames + dropped.viewer_fps, totalDrops(dropped)], [
      1800,
      dropped.viewer_fps,
    ]);
    // No more than was wanted, but for one second in advance.
    assert(sent.frames <= 61 * fps + 1, `${sent.frames} frames at ${fps} fps`);
    assert(sent.frames >= 30 * fps, `${sent.frames} frames at ${fps} fps`);
  }
});

Deno.test("ViewerFeed thins nothing for a viewer that wants the rate that the stream has, with jitter", () => {
  const some = recorded({ fps: 30 });
  for (let n = 0; n < 900; n++) {
    const nowMs = n * 1000 / 30 + (n * 7919 % 15);
    offer(some, n % 30 === 0 ? "k" : "d", nowMs);
    some.viewer.acknowledge(n + 1, nowMs + 1);
  }
  assertEquals(some.sent, range(1, 900));
});

Deno.test("ViewerFeed limits what a viewer gets to catch up to the rate that it wants, as far as that is less", () => {
  const few = recorded({ fps: 1 }, filled("kddddd"));
  assertEquals([few.sent, few.viewer.dropped.viewer_fps], [[-1, -2], 4]);
  assertEquals(few.viewer.needsFrom, Infinity);
  const all = recorded({ fps: 30 }, filled("kddddd"));
  all.viewer.acknowledge(4, 10);
  assertEquals(all.sent, range(1, 6).map((sequence) => -sequence));
  // Five seconds of the rate that is wanted are not too many, though they come at once.
  const frames = cache();
  for (const each of codedFrames("k" + "d".repeat(149))) frames.push(each, each.sequence * 33);
  const long = recorded({ fps: 30 }, frames, "key", 5000);
  long.viewer.acknowledge(4, 5001);
  assertEquals(long.sent, range(1, 150).map((sequence) => -sequence));
});

Deno.test("ViewerFeed holds a frame that the viewer's rate admits until there is memory for it", () => {
  const budget = new Budget(10);
  budget.take(10);
  const some = recorded({ fps: 1, budget });
  offer(some, "k", 0);
  assert(some.viewer.needsPolling);
  some.viewer.advance(10);
  budget.give(10);
  some.viewer.advance(20);
  assertEquals([some.sent, totalDrops(some.viewer.dropped)], [[1], 0]);
});

Deno.test("ViewerFeed sends all that waits at the end, but nothing that cannot be decoded", () => {
  const some = behind();
  offer(some, "ddkd", 0);
  some.viewer.flush(1);
  assertEquals(some.sent, range(1, 8));
  const late = behind();
  offer(late, "d", 0);
  late.viewer.advance(501);
  offer(late, "dkld", 510);
  late.viewer.flush(511);
  assertEquals(late.sent, [1, 2, 3, 4, 7, 9]);
  const { slow_viewer, awaiting_key_frame } = late.viewer.dropped;
  assertEquals([slow_viewer, awaiting_key_frame], [1, 2]);
  assertEquals([some.viewer.needsFrom, late.viewer.needsFrom], [Infinity, Infinity]);
});

Deno.test("ViewerFeed without memory for a frame at the end drops it and what needs it", () => {
  const budget = new Budget(40);
  const some = behind({ budget });
  offer(some, "dd", 0);
  some.viewer.flush(1);
  const { memory, awaiting_key_frame } = some.viewer.dropped;
  assertEquals([some.sent, memory, awaiting_key_frame], [[1, 2, 3, 4], 1, 1]);
});

Deno.test("ViewerFeed counts all that waited and was under way when the viewer goes", () => {
  const some = behind();
  offer(some, "ddd", 0);
  some.viewer.acknowledge(1, 1);
  assertEquals(some.viewer.underWay.frames, some.sent.length - 1);
  some.viewer.close();
  assertEquals(some.viewer.dropped.disconnected, 6);
  assertEquals(some.viewer.needsFrom, Infinity);
});

Deno.test("ViewerFeed that waits for memory goes on where it was, or with a key frame when it is late", () => {
  const budget = new Budget(100);
  const some = recorded({ budget });
  offer(some, "k", 0);
  some.viewer.acknowledge(1, 1);
  budget.take(95);
  offer(some, "dd", 10);
  assertEquals([some.sent, some.viewer.needsPolling], [[1], true]);
  budget.give(95);
  some.viewer.advance(100);
  assertEquals(some.sent, [1, 2, 3]);
  some.viewer.acknowledge(3, 101);
  budget.take(95);
  offer(some, "d", 110);
  some.viewer.advance(611);
  offer(some, "d", 620);
  assertEquals([some.viewer.dropped.memory, some.viewer.dropped.awaiting_key_frame], [1, 1]);
  offer(some, "kd", 630);
  budget.give(95);
  some.viewer.advance(640);
  assertEquals(some.sent, [1, 2, 3, 6, 7]);
  assertEquals(totalDrops(some.viewer.dropped), 2);
});

Deno.test("ViewerFeed waits for a key frame where the cache had no memory for its place", () => {
  const some = recorded({}, cache({ maxBytes: 70 }));
  offer(some, "kddd", 0);
  offer(some, "ddddd", 1);
  assertEquals([some.viewer.needsFrom, totalDrops(some.viewer.dropped)], [4, 0]);
  // The frame before was one too many, and those that wait go with it.
  offer(some, "d", 2);
  const { memory, awaiting_key_frame } = some.viewer.dropped;
  assertEquals([memory, awaiting_key_frame, some.viewer.needsFrom], [5, 1, Infinity]);
  some.viewer.acknowledge(4, 10);
  offer(some, "kd", 20);
  assertEquals(some.sent, [1, 2, 3, 4, 11, 12]);
  assertEquals(totalDrops(some.viewer.dropped), 6);
});

Deno.test("ViewerFeed of a bare viewer skips to a key frame when nothing drains, and waits for one", () => {
  let drained = 0;
  const some = recorded({ unsentBytes: () => some.viewer.sent.bytes - drained });
  for (const kind of "kdddd") offer(some, kind, 0);
  some.viewer.advance(370);
  assertEquals([some.sent.length, some.viewer.needsPolling], [4, true]);
  some.viewer.advance(501);
  assertEquals([some.viewer.dropped.slow_viewer, some.viewer.needsPolling], [1, false]);
  assertEquals(some.viewer.ageMs(501), 501);
  drained = some.viewer.sent.bytes;
  offer(some, "d", 510);
  offer(some, "kd", 520);
  assertEquals(some.sent, [1, 2, 3, 4, 7, 8]);
  assertEquals(some.viewer.dropped.awaiting_key_frame, 1);
});
