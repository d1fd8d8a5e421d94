// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { delayOf } from "../../src/player/delay.ts";

type Measured = Parameters<typeof delayOf>[0];

/** Captured 100 ms before it was shown, of which 10 are the browser's. */
function measured(
  { relayMs = 20, roundTripMs = 12, arrival, ...fields }: Partial<Measured> & {
    relayMs?: number | null;
    roundTripMs?: number | null;
    arrival?: { medianMs: number; maxMs: number } | null;
  } = {},
): Measured {
  const viewer = { latencyMs: null, relayMs, roundTripMs, dropped: {} };
  const stream = arrival === undefined ? {} : { arrival };
  return {
    totalMs: 100,
    arrivalMs: 90,
    answerMs: 2,
    stats: { stream, viewer },
    ...fields,
  };
}

function parts(options: Parameters<typeof measured>[0]): (number | undefined)[] {
  const { publisherMs, relayMs, networkMs, viewerMs, totalMs } = delayOf(measured(options));
  const all = [publisherMs, relayMs, networkMs, viewerMs];
  if (publisherMs !== undefined) {
    assertEquals(all.reduce((sum: number, part) => sum + part!, 0), totalMs);
  }
  return all;
}

Deno.test("delayOf takes the way to the relay as the relay measures it; what is left is the way to here", () => {
  assertEquals(parts({ arrival: { medianMs: 63, maxMs: 90 } }), [63, 20, 7, 10]);
});

Deno.test("delayOf gives the publisher what a relay that does not tell it leaves unexplained", () => {
  for (const arrival of [undefined, null]) {
    assertEquals(parts(arrival === undefined ? {} : { arrival }), [60, 20, 10, 10]);
  }
});

Deno.test("delayOf knows only its own part before the relay has said anything", () => {
  const nothing = [undefined, undefined, undefined, 10];
  assertEquals(parts({ stats: undefined }), nothing);
  assertEquals(parts({ relayMs: null, arrival: { medianMs: 1, maxMs: 1 } }), nothing);
});

Deno.test("delayOf has no part below 0, whatever the clocks say", () => {
  const arrival = (medianMs: number) => ({ arrival: { medianMs, maxMs: medianMs } });
  assertEquals(parts(arrival(3_600_000)), [90, 0, 0, 10]);
  assertEquals(parts({ ...arrival(85), relayMs: 50 }), [85, 5, 0, 10]);
  assertEquals(parts({ ...arrival(0), relayMs: -1 }), [0, 0, 90, 10]);
});
