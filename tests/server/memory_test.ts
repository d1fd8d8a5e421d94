/** What each part of a relay gets of its memory. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import {
  clearCounts,
  Memory,
  memoryPlan,
  queueBytes,
  sharedCounts,
} from "../../src/relay/memory.ts";

const MIB = 1024 * 1024;
const LIMITS = { maxMemoryBytes: 512 * MIB, maxFrameBytes: 16 * MIB, maxViewers: 2 };

Deno.test("memoryPlan divides the default memory as the documentation says", () => {
  assertEquals(memoryPlan(LIMITS), {
    queuesBytes: 256 * MIB,
    cachedBytes: 64 * MIB,
    underWayBytes: 192 * MIB,
    viewerBytes: 48 * MIB,
    reserveBytes: 24 * MIB,
    shortBytes: 144 * MIB,
    heldBytes: 96 * MIB,
    unfinishedBytes: 128 * MIB,
    creditBytes: 32 * MIB,
    handedInBytes: 256 * MIB,
  });
});

Deno.test("memoryPlan gives away no more than there is, and a viewer less than all of them", () => {
  for (const mib of [1, 32, 512, 65_536]) {
    const maxMemoryBytes = mib * MIB;
    const plan = memoryPlan({ ...LIMITS, maxMemoryBytes });
    assertEquals(plan.queuesBytes + plan.cachedBytes + plan.underWayBytes, maxMemoryBytes);
    assertEquals(plan.viewerBytes * 4, plan.underWayBytes);
  }
});

Deno.test("queueBytes divides the queues' memory by the streams, in whole bytes, and leaves room for a frame", () => {
  const shares = [0, 1, 2, 3, 16, 17, 100].map((streams) => queueBytes(LIMITS, streams));
  const third = Math.floor(256 * MIB / 3);
  assertEquals(shares, [256 * MIB, 256 * MIB, 128 * MIB, third, 16 * MIB, 16 * MIB, 16 * MIB]);
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

Deno.test("Memory lets a thread hand in until too much has not been taken in", () => {
  const counts = sharedCounts(2);
  const [streams, thread] = [new Memory(LIMITS, counts, 0), new Memory(LIMITS, counts, 1)];
  assertEquals(thread.handIn(256 * MIB - 512), true);
  assertEquals(thread.handIn(1), true);
  assertEquals(thread.handIn(1), false);
  streams.takeIn(1, 1);
  assertEquals(thread.handIn(1), true);
});

Deno.test("Memory counts what messages cost that are small, or have no bytes", () => {
  const counts = sharedCounts(2);
  const thread = new Memory({ ...LIMITS, maxMemoryBytes: MIB }, counts, 1);
  let messages = 0;
  while (thread.handIn(0)) messages++;
  assertEquals(messages, 1025);
});
