/** Viewers of a stream coded in time behind links as they are: slow, bursty, far away. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Delivered, range, Simulation, stream } from "./samples.ts";

const FRAMES = 2 * 60 * 30;
/** 6.6 Mbit/s: 30 frames a second, key frames once a second and four times as large. */
const VIDEO = {
  startMs: 10,
  intervalMs: 1000 / 30,
  count: FRAMES,
  gop: 30,
  bytes: 25_000,
  keyBytes: 100_000,
};
const TWO_MBITS = 250;

function delaysMs(delivered: readonly Delivered[]): number[] {
  return delivered.filter(({ catchUp }) => !catchUp)
    .map(({ frame, arrivedMs }) => arrivedMs - frame.receivedMs);
}

for (const ackMs of [1, 60, 100]) {
  Deno.test(`Stream keeps the delay of a GOP stream over 2 Mbit/s below a second, answers taking ${ackMs} ms`, () => {
    const simulation = new Simulation(stream());
    const slow = simulation.view({ bytesPerMs: TWO_MBITS, burstBytes: 64_000, ackMs });
    const fast = simulation.view({ bytesPerMs: 5000, ackMs: 5 });
    simulation.feedCoded(VIDEO);
    simulation.runUntil(121_000);
    const worst = Math.max(...delaysMs(slow.delivered));
    assert(worst < 1000, `worst delay ${worst} ms`);
    const carried = slow.delivered.reduce((sum, { bytes }) => sum + bytes, 0);
    const share = carried / (TWO_MBITS * 120_000);
    assert(share >= 0.6, `the viewer got ${share} of what the link carries`);
    // No second without a picture.
    const keys = slow.delivered.filter(({ frame }) => frame.kind === "key");
    assertEquals(keys.length, FRAMES / VIDEO.gop);
    assertEquals(fast.delivered.map(({ sequence }) => sequence), range(1, FRAMES));
    assert(Math.max(...delaysMs(fast.delivered)) < 25);
  });
}

for (const ackMs of [5, 100, 300]) {
  Deno.test(`Stream loses nothing over a link that is fast enough, answers taking ${ackMs} ms`, () => {
    for (const bytesPerMs of [3000, 12_500]) {
      const simulation = new Simulation(stream());
      const { delivered } = simulation.view({ bytesPerMs, ackMs });
      simulation.feedCoded(VIDEO);
      simulation.runUntil(121_000);
      assertEquals(delivered.map(({ sequence }) => sequence), range(1, FRAMES));
    }
  });
}
