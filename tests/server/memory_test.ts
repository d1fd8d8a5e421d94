/** What each part of a relay gets of its memory. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import {
  clearCounts,
  Memory,
  memoryPlan,
  queueShare,
  sharedCounts,
} from "../../src/relay/memory.ts";

const MIB = 1024 * 1024;
const LIMITS = { maxMemoryBytes: 512 * MIB, maxFrameBytes: 16 * MIB, maxViewers: 2 };

Deno.test("memoryPlan divides the default memory as the documentation says", () => {
  assertEquals(memoryPlan(LIMITS), {
    publishedBytes: 256 * MIB,
    queuesBytes: 128 * MIB,
    cachedBytes: 64 * MIB,
    underWayBytes: 192 * MIB,
    viewerBytes: 48 * MIB,
    reserveBytes: 24 * MIB,
    shortBytes: 144 * MIB,
    heldBytes: 96 * MIB,
    unfinishedBytes: 128 * MIB,
    mirroredBytes: 64 * MIB,
    creditBytes: 32 * MIB,
    handedInBytes: 128 * MIB,
  });
});

Deno.test("memoryPlan gives away no more than there is, and a viewer less than all of them", () => {
  for (const mib of [1, 32, 512, 65_536]) {
    const maxMemoryBytes = mib * MIB;
    const plan = memoryPlan({ ...LIMITS, maxMemoryBytes });
    assertEquals(plan.publishedBytes + plan.cachedBytes + plan.underWayBytes, maxMemoryBytes);
    assert(plan.queuesBytes + plan.unfinishedBytes <= plan.publishedBytes);
    assertEquals(plan.viewerBytes * 4, plan.underWayBytes);
  }
});

Deno.test("queueShare divides the queues' memory by the streams, in whole bytes, and leaves room for a frame", () => {
  const shares = [0, 1, 2, 3, 8, 9, 100].map((streams) => queueShare(LIMITS, streams));
  const part = (n: number) => Math.floor(128 * MIB / n);
  assertEquals(
    shares.map(({ maxBytes }) => maxBytes),
    [part(1), part(1), part(2), part(3), 16 * MIB, 16 * MIB, 16 * MIB],
  );
  assertEquals(
    shares.map(({ creditBytes }) => creditBytes),
    [32 * MIB, 32 * MIB, 32 * MIB, 32 * MIB, 16 * MIB, part(9), part(100)],
  );
});

Deno.test("Memory lets streams keep what nobody else has of what is published, and some at least", () => {
  const counts = sharedCounts(3);
  const [streams, one, two] = [0, 1, 2].map((own) => new Memory(LIMITS, counts, own));
  const keeps = () => streams!.keepBytes() - LIMITS.maxFrameBytes;
  streams!.kept.hold(100 * MIB);
  assertEquals(keeps(), 256 * MIB);
  one!.unfinished.hold(30 * MIB);
  two!.kept.hold(20 * MIB);
  two!.handIn(10 * MIB - 512);
  assertEquals(keeps(), 196 * MIB);
  one!.unfinished.hold(500 * MIB);
  assertEquals(keeps(), 64 * MIB);
  assertEquals(one!.keepBytes(), 48 * MIB);
});

Deno.test("Memory counts viewers and bytes of all threads together, and forgets those of one", () => {
  const counts = sharedCounts(3);
  const [streams, one, two] = [0, 1, 2].map((own) => new Memory(LIMITS, counts, own));
  one!.admit();
  two!.admit();
  const error = assertThrows(() => streams!.admit(), ProtocolError);
  assertEquals(error.message, "the relay has reached its limit of viewers (--max-viewers 2)");
  assertEquals(one!.underWay.take(192 * MIB), true);
  assertEquals(two!.underWay.take(1), false);
  clearCounts(counts, 1);
  assertEquals(streams!.underWay.used, 0);
  streams!.admit();
  assertThrows(() => one!.admit(), ProtocolError);
});
