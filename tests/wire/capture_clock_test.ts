// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CaptureClock } from "../../src/wire/capture_clock.ts";
import { ClockOffset } from "../../src/wire/clock_offset.ts";

/** The relay says that its clock is ahead by `offsetUs`, over a way of no length. */
function told(offset: ClockOffset, offsetUs: number, atUs = 0): void {
  offset.answer({ type: "time", clientUs: atUs, serverUs: atUs + offsetUs }, atUs);
}

Deno.test("CaptureClock stamps by the relay's clock", () => {
  for (const offsetUs of [-3.6e9, -200_000, 0, 500_000, 3.6e9]) {
    const offset = new ClockOffset();
    told(offset, offsetUs);
    const clock = new CaptureClock(offset);
    assertEquals(clock.stamp(1e12), 1e12 + offsetUs);
    assertEquals(clock.stamp(1e12 + 40_000), 1e12 + offsetUs + 40_000);
  }
});

Deno.test("CaptureClock takes a correction over in a hundredth of the time that passes", () => {
  const offset = new ClockOffset();
  told(offset, 0);
  const clock = new CaptureClock(offset);
  clock.stamp(0);
  told(offset, 3_000_000);
  assertEquals(clock.stamp(40_000), 40_400);
  assertEquals(clock.stamp(1_000_000), 1_010_000);
  assertAlmostEquals(clock.stamp(400e6), 403e6, 1);
});

Deno.test("CaptureClock never goes back and never jumps, however the relay's clock is corrected", () => {
  const step = fc.record({
    stepUs: fc.integer({ min: 0, max: 5_000_000 }),
    offsetUs: fc.option(fc.integer({ min: -4e9, max: 4e9 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const offset = new ClockOffset();
      const clock = new CaptureClock(offset);
      let ownUs = 1e15;
      let before = clock.stamp(ownUs);
      for (const { stepUs, offsetUs } of steps) {
        if (offsetUs !== null) told(offset, offsetUs, ownUs);
        ownUs += stepUs;
        const stamp = clock.stamp(ownUs);
        const passedUs = stamp - before;
        assert(passedUs >= 0 && Math.abs(passedUs - stepUs) <= stepUs / 100 + 1, `${passedUs}`);
        before = stamp;
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("CaptureClock does not go back for a frame that is stamped late", () => {
  const clock = new CaptureClock(new ClockOffset());
  assertEquals([clock.stamp(2000), clock.stamp(1000), clock.stamp(3000)], [2000, 2000, 3000]);
});
