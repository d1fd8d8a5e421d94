// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Broadcast } from "../../src/core/broadcast.ts";
import { Budget } from "../../src/core/budget.ts";
import { CacheReader } from "../../src/core/cache_reader.ts";
import { cache, codedFrames } from "./samples.ts";

/** A reader at the beginning of frames that are key frames (`k`) or delta frames (`d`). */
function reading(kinds: string) {
  const frames = cache();
  const reader = new CacheReader();
  reader.open(frames, 0);
  for (const frame of codedFrames(kinds)) frames.push(frame, 0);
  return { frames, reader };
}

Deno.test("CacheReader needs nothing before it is opened, at the end, and once it is closed", () => {
  const unopened = new CacheReader();
  assertEquals([unopened.waiting, unopened.needsFrom, unopened.end], [0, Infinity, 0]);
  const { reader } = reading("kd");
  assertEquals([reader.waiting, reader.needsFrom, reader.end], [2, 0, 2]);
  reader.pass(1);
  assertEquals([reader.waiting, reader.needsFrom], [1, 1]);
  reader.pass(1);
  assertEquals([reader.waiting, reader.needsFrom, reader.next], [0, Infinity, undefined]);
  const closed = reading("kd").reader;
  closed.close();
  assertEquals([closed.waiting, closed.needsFrom], [0, Infinity]);
});

Deno.test("CacheReader passes to the newest key frame, or over everything where it is past that", () => {
  const { reader } = reading("kdkd");
  assertEquals([reader.hasNewerKey, reader.untilNewer, reader.isAtNewestKey], [true, 2, false]);
  reader.pass(reader.untilNewer);
  assertEquals([reader.hasNewerKey, reader.untilNewer, reader.isAtNewestKey], [false, 2, true]);
  assertEquals(reader.next?.frame.sequence, 3);
  reader.pass(1);
  assertEquals([reader.hasNewerKey, reader.untilNewer, reader.isAtNewestKey], [false, 1, false]);
});

Deno.test("Broadcast begins with what another one has kept, and as whole as that was", () => {
  for (const isWhole of [true, false]) {
    const one = new Broadcast(new Budget(1e9));
    for (const frame of codedFrames("kdkdd")) one.push(frame, 10);
    if (!isWhole) one.restore({ history: [], isWhole });
    // Without a feed nothing is given up that a viewer who comes would get.
    const other = new Broadcast(new Budget(1e9));
    other.restore(one.frames.kept);
    const { history, isWhole: isOtherWhole } = other.frames.kept;
    assertEquals(isOtherWhole, isWhole);
    assertEquals(history.map(({ frame }) => frame.sequence), isWhole ? [3, 4, 5] : [3]);
    assertEquals([other.newestKey?.sequence, history[0]?.leftMs], [3, 10]);
  }
});
