// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Broadcast } from "../../src/core/broadcast.ts";
import { Budget } from "../../src/core/budget.ts";
import type { ViewerFeed } from "../../src/core/viewer_feed.ts";
import { codedFrames, feed, frame, input, range, stream } from "./samples.ts";

/** Bytes of which three frames are more than a batch. */
const BYTES = 400_000;

/** A broadcast to viewers that confirm all at once, and what each of them got. */
function scene(viewers: number) {
  const broadcast = new Broadcast(new Budget(1e9));
  const { frames } = broadcast;
  const sent = range(1, viewers).map((): number[] => []);
  const feeds = sent.map((list): ViewerFeed => {
    const viewer = feed({
      unsentBytes: () => 0,
      send: ({ sequence }) => list.push(sequence),
    });
    broadcast.join(viewer, 0, "key");
    return viewer;
  });
  const finish = (nowMs: number) => {
    while (broadcast.isBusy) broadcast.step(nowMs);
  };
  return { broadcast, frames, sent, feeds, finish };
}

Deno.test("Broadcast sends a batch at a time, of about 1 MiB", () => {
  const { broadcast, sent, feeds } = scene(7);
  broadcast.push(frame(1, BYTES), 0);
  assertEquals(sent.flat().length, 3);
  broadcast.step(0);
  assertEquals([sent.flat().length, broadcast.isBusy], [6, true]);
  broadcast.step(0);
  assertEquals(sent, feeds.map(() => [1]));
  assertEquals(broadcast.isBusy, false);
});

Deno.test("Broadcast sends small frames to 1024 feeds in a batch", () => {
  const { broadcast, sent } = scene(1025);
  broadcast.push(frame(1, 1), 0);
  assertEquals([sent.flat().length, broadcast.isBusy], [1024, true]);
  broadcast.step(0);
  assertEquals([sent.flat().length, broadcast.isBusy], [1025, false]);
});

Deno.test("Broadcast gives every feed both frames where one comes before the last is sent", () => {
  const { broadcast, sent, feeds, finish } = scene(7);
  broadcast.push(frame(1, BYTES), 0);
  broadcast.push(frame(2, BYTES), 10);
  finish(20);
  assertEquals(sent, feeds.map(() => [1, 2]));
});

Deno.test("Broadcast lets feeds take turns where frames come faster than they can be sent", () => {
  const { broadcast, sent, feeds } = scene(9);
  // A frame after every batch, and 200 ms between them: a third of them is sent.
  for (let n = 1; n <= 90; n++) broadcast.push(frame(n, BYTES), n * 200);
  const counts = sent.map((list) => list.length);
  assert(Math.min(...counts) >= 25 && Math.max(...counts) <= 32, counts.join(" "));
  assert(broadcast.dropped.overrun > 450, JSON.stringify(broadcast.dropped));
  for (const list of sent) assertEquals(list, [...list].sort((a, b) => a - b));
  for (const { sent, dropped } of feeds) assert(sent.frames + dropped.overrun >= 85);
});

Deno.test("Broadcast frees no frame that a feed has yet to get, and all that none needs", () => {
  const { broadcast, frames, finish } = scene(7);
  const first = frame(1, BYTES);
  broadcast.push(first, 0);
  broadcast.push(frame(2, BYTES), 0);
  assertEquals(first.data.byteLength, BYTES);
  finish(0);
  assertEquals([first.data.byteLength, frames.bytes], [0, 0]);
});

Deno.test("Broadcast looks again only at feeds that are behind, however many there are", () => {
  const { broadcast, frames, feeds } = scene(50);
  let looks = 0;
  for (const each of feeds) {
    const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(each), "needsFrom")!.get!;
    Object.defineProperty(each, "needsFrom", { get: () => (looks++, own.call(each)) });
  }
  let unsent = 0;
  const slow = feed({ unsentBytes: () => unsent, send: ({ data }) => unsent += data.byteLength });
  broadcast.join(slow, 0, "key");
  const ten = range(1, 10).map((sequence) => frame(sequence, 10));
  for (const each of ten) broadcast.push(each, 0);
  assertEquals(looks, 50 * 10);
  // The one that is behind has yet to get the newest, and gets it when there is room.
  assertEquals([slow.sent.frames, slow.needsFrom, frames.at(8), frames.key!.frame], [
    4,
    9,
    undefined,
    ten[9],
  ]);
  assert(broadcast.poll(10) < Infinity);
  unsent = 0;
  assertEquals([broadcast.poll(20), slow.sent.frames, looks], [Infinity, 5, 50 * 10]);
});

Deno.test("Broadcast passes over nobody when feeds leave and come between batches", () => {
  const { broadcast, sent, feeds, finish } = scene(9);
  broadcast.push(frame(1, BYTES), 0);
  broadcast.leave(feeds[0]!);
  broadcast.leave(feeds[4]!);
  const late: number[] = [];
  broadcast.join(feed({ send: ({ sequence }) => late.push(sequence) }), 0, "key");
  finish(0);
  assertEquals(sent.map((list) => list.length), [1, 1, 1, 1, 0, 1, 1, 1, 1]);
  assertEquals(late, [1]);
  // The one that left first has got what the system took at once.
  assertEquals(broadcast.dropped.disconnected, 1);
  assertEquals(broadcast.sent.frames, 9);
  assertEquals([broadcast.leave(feeds[0]!), broadcast.viewers], [false, 8]);
});

Deno.test("Broadcast leaves the feeds that wait to their turn while batches are to come", () => {
  const { broadcast, sent } = scene(7);
  broadcast.push(frame(1, BYTES), 0);
  assertEquals([broadcast.poll(5), sent.flat().length], [Infinity, 3]);
});

Deno.test("Broadcast looks after a viewer the less often the longer nothing has drained", () => {
  const { broadcast } = scene(0);
  let unsent = 0;
  broadcast.join(
    feed({ unsentBytes: () => unsent, send: ({ data }) => unsent += data.byteLength }),
    0,
    "key",
  );
  for (let n = 1; n <= 6; n++) broadcast.push(frame(n, 10), 0);
  assertEquals([0, 400, 1000, 2500, 60_000].map((nowMs) => broadcast.poll(nowMs) - nowMs), [
    10,
    40,
    100,
    250,
    250,
  ]);
  unsent = 0;
  assertEquals(broadcast.poll(60_001), Infinity);
});

Deno.test("ViewerFeed counts an overrun only where its first turn comes too late", () => {
  const offered = scene(1);
  offered.broadcast.push(frame(1, 10), 0);
  offered.frames.push(frame(2, 10), 0);
  offered.frames.push(frame(3, 10), 50);
  offered.feeds[0]!.advance(100);
  assertEquals(offered.sent, [[1, 2, 3]]);
  offered.frames.push(frame(4, 10), 200);
  offered.frames.push(frame(5, 10), 250);
  offered.feeds[0]!.advance(301);
  assertEquals([offered.sent, offered.broadcast.dropped.overrun], [[[1, 2, 3, 5]], 1]);
  // The newest is never too late.
  offered.frames.push(frame(6, 10), 400);
  offered.feeds[0]!.advance(9000);
  assertEquals(offered.sent, [[1, 2, 3, 5, 6]]);
});

Deno.test("ViewerFeed resumes at a key frame when the relay was too busy for delta frames", () => {
  const { frames, feeds, sent, broadcast } = scene(1);
  for (const coded of codedFrames("kd")) frames.push(coded, coded.sequence * 100);
  feeds[0]!.advance(200);
  assertEquals(sent, [[1, 2]]);
  feeds[0]!.acknowledge(2, 210);
  for (const coded of codedFrames("ddkd", { first: 3 })) frames.push(coded, coded.sequence * 100);
  // More than --max-delay behind the first of them.
  feeds[0]!.advance(801);
  assertEquals([sent, broadcast.dropped.overrun], [[[1, 2, 5, 6]], 2]);
});

Deno.test("Stream leaves a tick out, and counts it, while the last frame of a lossless publisher is not sent", () => {
  const live = stream({ fps: 10 });
  live.begin({ onFull: "wait" }, 0);
  for (let n = 0; n < 7; n++) live.join(feed({ unsentBytes: () => 0 }), 0);
  live.push(input(BYTES), 0);
  live.push(input(BYTES), 10);
  live.advance(100);
  assertEquals([live.sent.frames, live.queue.frames, live.tick.overruns], [3, 1, 1]);
  while (live.isBusy) live.step(110);
  live.advance(200);
  while (live.isBusy) live.step(210);
  assertEquals([live.sent.frames, live.queue.frames, live.tick.overruns], [14, 0, 1]);
});

Deno.test("Stream leaves no tick out for a live publisher", () => {
  const live = stream({ fps: 10 });
  live.begin({ onFull: "drop" }, 0);
  for (let n = 0; n < 7; n++) live.join(feed({ unsentBytes: () => 0 }), 0);
  live.push(input(BYTES), 0);
  live.push(input(BYTES), 10);
  live.advance(100);
  assertEquals([live.queue.frames, live.tick.overruns], [0, 0]);
});

Deno.test("Stream without a tick lets the next frame out behind the last batch of the one before", () => {
  const live = stream({ fps: "source" });
  live.begin({ onFull: "wait" }, 0);
  for (let n = 0; n < 7; n++) live.join(feed({ unsentBytes: () => 0 }), 0);
  live.push(input(BYTES), 0);
  live.push(input(BYTES), 0);
  assertEquals(live.queue.frames, 1);
  while (live.isBusy) live.step(1);
  assertEquals([live.queue.frames, live.sent.frames], [0, 14]);
});
