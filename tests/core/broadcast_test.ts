// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { FanOut } from "../../src/core/fan_out.ts";
import type { ViewerFeed } from "../../src/core/viewer_feed.ts";
import { cache, codedFrames, feed, frame, input, range, stream } from "./samples.ts";

/** Bytes of which three frames are more than a batch. */
const BYTES = 100_000;

/** A fan-out to viewers that confirm all at once, and what each of them got. */
function scene(viewers: number) {
  const frames = cache();
  const fanOut = new FanOut(frames);
  const sent = range(1, viewers).map((): number[] => []);
  const feeds = sent.map((list): ViewerFeed => {
    const viewer = feed({
      unsentBytes: () => 0,
      send: ({ sequence }) => list.push(sequence),
    });
    fanOut.join(viewer, 0, "key");
    return viewer;
  });
  const finish = (nowMs: number) => {
    while (fanOut.isBusy) fanOut.step(nowMs);
  };
  return { fanOut, frames, sent, feeds, finish };
}

Deno.test("FanOut sends a batch at a time, of about 256 KiB", () => {
  const { fanOut, sent, feeds } = scene(7);
  fanOut.push(frame(1, BYTES), 0);
  assertEquals(sent.flat().length, 3);
  fanOut.step(0);
  assertEquals([sent.flat().length, fanOut.isBusy], [6, true]);
  fanOut.step(0);
  assertEquals(sent, feeds.map(() => [1]));
  assertEquals(fanOut.isBusy, false);
});

Deno.test("FanOut sends small frames to 1024 feeds in a batch", () => {
  const { fanOut, sent } = scene(1025);
  fanOut.push(frame(1, 1), 0);
  assertEquals([sent.flat().length, fanOut.isBusy], [1024, true]);
  fanOut.step(0);
  assertEquals([sent.flat().length, fanOut.isBusy], [1025, false]);
});

Deno.test("FanOut gives every feed both frames where one comes before the last is sent", () => {
  const { fanOut, sent, feeds, finish } = scene(7);
  fanOut.push(frame(1, BYTES), 0);
  fanOut.push(frame(2, BYTES), 10);
  finish(20);
  assertEquals(sent, feeds.map(() => [1, 2]));
});

Deno.test("FanOut lets feeds take turns where frames come faster than they can be sent", () => {
  const { fanOut, sent, feeds } = scene(9);
  // A frame after every batch, and 200 ms between them: a third of them is sent.
  for (let n = 1; n <= 90; n++) fanOut.push(frame(n, BYTES), n * 200);
  const counts = sent.map((list) => list.length);
  assert(Math.min(...counts) >= 25 && Math.max(...counts) <= 32, counts.join(" "));
  assert(fanOut.dropped.overrun > 450, JSON.stringify(fanOut.dropped));
  for (const list of sent) assertEquals(list, [...list].sort((a, b) => a - b));
  for (const { sent, dropped } of feeds) assert(sent.frames + dropped.overrun >= 85);
});

Deno.test("FanOut frees no frame that a feed has yet to get, and all that none needs", () => {
  const { fanOut, frames, finish } = scene(7);
  const first = frame(1, BYTES);
  fanOut.push(first, 0);
  fanOut.push(frame(2, BYTES), 0);
  assertEquals(first.data.byteLength, BYTES);
  finish(0);
  assertEquals([first.data.byteLength, frames.bytes], [0, 0]);
});

Deno.test("FanOut passes over nobody when feeds leave and come between batches", () => {
  const { fanOut, sent, feeds, finish } = scene(9);
  fanOut.push(frame(1, BYTES), 0);
  fanOut.leave(feeds[0]!);
  fanOut.leave(feeds[4]!);
  const late: number[] = [];
  fanOut.join(feed({ send: ({ sequence }) => late.push(sequence) }), 0, "key");
  finish(0);
  assertEquals(sent.map((list) => list.length), [1, 1, 1, 1, 0, 1, 1, 1, 1]);
  assertEquals(late, [1]);
  assertEquals(fanOut.dropped.disconnected, 2);
  assertEquals(fanOut.sent.frames, 9);
  assertEquals([fanOut.leave(feeds[0]!), fanOut.viewers], [false, 8]);
});

Deno.test("FanOut leaves the feeds that wait to their turn while batches are to come", () => {
  const { fanOut, sent } = scene(7);
  fanOut.push(frame(1, BYTES), 0);
  assertEquals([fanOut.poll(5), sent.flat().length], [Infinity, 3]);
});

Deno.test("FanOut looks after a viewer the less often the longer nothing has drained", () => {
  const { fanOut } = scene(0);
  let unsent = 0;
  fanOut.join(
    feed({ unsentBytes: () => unsent, send: ({ data }) => unsent += data.byteLength }),
    0,
    "key",
  );
  for (let n = 1; n <= 6; n++) fanOut.push(frame(n, 10), 0);
  assertEquals([0, 400, 1000, 2500, 60_000].map((nowMs) => fanOut.poll(nowMs) - nowMs), [
    10,
    40,
    100,
    250,
    250,
  ]);
  unsent = 0;
  assertEquals(fanOut.poll(60_001), Infinity);
});

Deno.test("ViewerFeed counts an overrun only where its first turn comes too late", () => {
  const offered = scene(1);
  offered.fanOut.push(frame(1, 10), 0);
  offered.frames.push(frame(2, 10), 0);
  offered.frames.push(frame(3, 10), 50);
  offered.feeds[0]!.advance(100);
  assertEquals(offered.sent, [[1, 2, 3]]);
  offered.frames.push(frame(4, 10), 200);
  offered.frames.push(frame(5, 10), 250);
  offered.feeds[0]!.advance(301);
  assertEquals([offered.sent, offered.fanOut.dropped.overrun], [[[1, 2, 3, 5]], 1]);
  // The newest is never too late.
  offered.frames.push(frame(6, 10), 400);
  offered.feeds[0]!.advance(9000);
  assertEquals(offered.sent, [[1, 2, 3, 5, 6]]);
});

Deno.test("ViewerFeed resumes at a key frame when the relay was too busy for delta frames", () => {
  const { frames, feeds, sent, fanOut } = scene(1);
  for (const coded of codedFrames("kd")) frames.push(coded, coded.sequence * 100);
  feeds[0]!.advance(200);
  assertEquals(sent, [[1, 2]]);
  feeds[0]!.acknowledge(2, 210);
  for (const coded of codedFrames("ddkd", { first: 3 })) frames.push(coded, coded.sequence * 100);
  // More than --max-delay behind the first of them.
  feeds[0]!.advance(801);
  assertEquals([sent, fanOut.dropped.overrun], [[[1, 2, 5, 6]], 2]);
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
