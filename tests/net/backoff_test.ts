// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ATTENDED_MAX_DELAY_MS, backoffMs } from "../../src/net/backoff.ts";

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
