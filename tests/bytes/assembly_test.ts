// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Assembly } from "../../src/bytes/assembly.ts";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";

function pattern(count: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (first + index) & 0xff);
}

Deno.test("Assembly gives back what went in, however it is cut", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ kind: fc.constant("take" as const), count: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ kind: fc.constant("skip" as const), count: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ kind: fc.constant("expect" as const), count: fc.integer({ min: 0, max: 500 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const assembly = new Assembly({ initialBytes: 64 });
      let written = 0;
      let read = 0;
      for (const { kind, count } of steps) {
        if (kind === "append") {
          assembly.append(pattern(count, written));
          written += count;
        } else if (kind === "expect") {
          assembly.expect(count);
        } else {
          const some = Math.min(count, written - read);
          if (kind === "take") assertEquals(assembly.take(some), pattern(some, read));
          else assembly.skip(some);
          read += some;
        }
        assertEquals(assembly.length, written - read);
        assertEquals(assembly.offset, read);
        assertEquals(assembly.bytes, pattern(written - read, read));
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("Assembly leaves room for a header before every frame it gives away", () => {
  const assembly = new Assembly({ initialBytes: 16 });
  for (const count of [1, 16, 40, 1000, 3]) {
    assembly.append(pattern(count + 5));
    const frame = assembly.take(count);
    assert(frame.byteOffset >= HEADROOM_BYTES);
    assembly.skip(5);
  }
});

Deno.test("Assembly does not change a frame that it gave away", () => {
  const assembly = new Assembly({ initialBytes: 64 });
  const frames = [];
  for (let round = 0; round < 50; round++) {
    assembly.append(pattern(100, round));
    frames.push(assembly.take(100));
  }
  frames.forEach((frame, round) => assertEquals(frame, pattern(100, round)));
});

Deno.test("Assembly gives away at most a third more memory than a frame needs", () => {
  for (const chunkBytes of [1, 1000, 65_536]) {
    for (const frameBytes of [1, 900, 50_000, 100_000]) {
      const assembly = new Assembly();
      if (frameBytes === 100_000) assembly.expect(frameBytes);
      for (let pushed = 0; pushed < 3 * frameBytes; pushed += chunkBytes) {
        assembly.append(new Uint8Array(chunkBytes));
        while (assembly.length >= frameBytes) {
          const { buffer } = assembly.take(frameBytes);
          assert(buffer.byteLength - HEADROOM_BYTES <= (frameBytes * 4) / 3);
        }
      }
    }
  }
});

Deno.test("Assembly refuses to take or skip what it does not have", () => {
  const assembly = new Assembly();
  assembly.append(pattern(3));
  assertThrows(() => assembly.take(4), RangeError, "Cannot take 4 of 3 bytes");
  assertThrows(() => assembly.skip(4), RangeError, "Cannot skip 4 of 3 bytes");
});
