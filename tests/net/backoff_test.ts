// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ATTENDED_MAX_DELAY_MS, Backoff, backoffMs } from "../../src/net/backoff.ts";

Deno.test("backoffMs doubles from 100 ms up to 3 s", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => backoffMs(attempt, 1));
  assertEquals(longest, [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
});

Deno.test("backoffMs doubles up to 2 s where somebody looks on", () => {
  const longest = [0, 4, 5, 1000].map((attempt) => backoffMs(attempt, 1, ATTENDED_MAX_DELAY_MS));
  assertEquals(longest, [100, 1600, 2000, 2000]);
});

Deno.test("backoffMs leaves between half of the delay and the whole to chance", () => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const whole = backoffMs(attempt, 1);
        assertEquals(backoffMs(attempt, 0), whole / 2);
        const delay = backoffMs(attempt, random);
        assert(delay >= whole / 2 && delay <= whole);
      },
    ),
    { seed: 1 },
  );
});

Deno.test("Backoff begins anew behind a connection that lasted for 2 s, and when it is told to", () => {
  const backoff = new Backoff(ATTENDED_MAX_DELAY_MS);
  assertEquals([backoff.lost(0, 1), backoff.lost(100, 1), backoff.attempt], [100, 200, 2]);
  backoff.opened(1000);
  assertEquals(backoff.lost(2999, 1), 400);
  // What does not come about is no connection that has lasted.
  assertEquals([backoff.lost(9000, 1), backoff.lost(20_000, 1)], [800, 1600]);
  backoff.opened(30_000);
  assertEquals([backoff.lost(32_000, 1), backoff.attempt], [100, 1]);
  backoff.lost(32_100, 1);
  backoff.reset();
  assertEquals([backoff.attempt, backoff.lost(32_300, 1)], [0, 100]);
});
