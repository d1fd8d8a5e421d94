/** What a thread hands to the one that has the streams. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Memory, sharedCounts } from "../../src/relay/memory.ts";
import { HandedIn } from "../../src/shards/handed_in.ts";

const MIB = 1024 * 1024;

/** A thread that may hand in a mebibyte, and the one that takes it. */
function scene(): { readonly streams: Memory; readonly handedIn: HandedIn } {
  const counts = sharedCounts(2);
  const limits = { maxMemoryBytes: 4 * MIB, maxFrameBytes: MIB, maxViewers: 2 };
  const [streams, thread] = [0, 1].map((own) => new Memory(limits, counts, own));
  return { streams: streams!, handedIn: new HandedIn(thread!) };
}

Deno.test("HandedIn lets a peer hand in until too much has not been taken in, and then again", () => {
  const { streams, handedIn } = scene();
  assertEquals(handedIn.admit(1, MIB - 512), true);
  assertEquals(handedIn.admit(1, 1), true);
  assertEquals(handedIn.admit(1, 1), false);
  streams.takeIn(1, MIB - 512);
  assertEquals(handedIn.admit(1, MIB), true);
});

Deno.test("HandedIn counts what messages cost that are small, or have no bytes", () => {
  const { handedIn } = scene();
  let messages = 0;
  while (handedIn.admit(1, 0)) messages++;
  assertEquals(messages, 2049);
});

Deno.test("HandedIn refuses those who have handed in much, and not who comes next", () => {
  const { streams, handedIn } = scene();
  for (const peer of [1, 2]) assertEquals(handedIn.admit(peer, MIB / 2), true);
  assertEquals([1, 2, 3].map((peer) => handedIn.admit(peer, MIB / 2)), [false, false, false]);
  for (let n = 0; n < 5; n++) assertEquals(handedIn.admit(4, 50_000), true);
  assertEquals(handedIn.admit(4, 200_000), false);
  streams.takeIn(1, MIB / 2);
  assertEquals([1, 2, 4].map((peer) => handedIn.admit(peer, MIB / 2)), [true, false, false]);
});
