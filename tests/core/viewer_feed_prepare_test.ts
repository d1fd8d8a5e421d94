/** Viewers that get something made of a frame, which takes its time. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Readiness } from "../../src/core/viewer_feed.ts";
import { cache, frame, recorded } from "./samples.ts";

/** A viewer for whom one frame at a time is made, and frames that come to it. */
function prepared() {
  let made: number | undefined;
  let making: number | undefined;
  const prepare = ({ sequence }: { sequence: number }): Readiness =>
    sequence === made ? "ready" : sequence === making ? "soon" : "later";
  return {
    ...recorded({ unsentBytes: () => 0, prepare }, cache()),
    begin: (sequence: number) => making = sequence,
    finish: () => made = making,
  };
}

Deno.test("ViewerFeed waits for what is being made of a frame, whatever comes meanwhile", () => {
  const { viewer, sent, offer, begin, finish } = prepared();
  begin(1);
  for (let sequence = 1; sequence <= 5; sequence++) offer(frame(sequence), sequence);
  assertEquals([sent, viewer.needsPolling], [[], true]);
  finish();
  viewer.advance(9);
  assertEquals(sent, [1]);
  assertEquals(viewer.dropped.viewer_fps, 3, "2, 3 and 4: nobody makes anything of them");
  begin(5);
  finish();
  viewer.advance(10);
  assertEquals([sent, viewer.needsPolling], [[1, 5], false]);
});

Deno.test("ViewerFeed goes to the newest frame while nothing is made of the one before", () => {
  const { viewer, sent, offer, begin, finish } = prepared();
  for (let sequence = 1; sequence <= 5; sequence++) offer(frame(sequence), sequence);
  assertEquals([sent, viewer.dropped.viewer_fps, viewer.dropped.memory], [[], 4, 0]);
  begin(5);
  finish();
  viewer.advance(6);
  assertEquals(sent, [5]);
});

Deno.test("ViewerFeed does not send at the end of a stream what is yet to be made", () => {
  const { viewer, sent, offer, begin, finish } = prepared();
  offer(frame(1), 0);
  viewer.flush(1);
  assertEquals(sent, []);
  begin(1);
  finish();
  viewer.advance(2);
  assertEquals(sent, [1]);
});
