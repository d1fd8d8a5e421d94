// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { BytePattern, PatternSearch } from "../../src/bytes/search.ts";

const FEW = fc.integer({ min: 0, max: 2 });

Deno.test("BytePattern finds what a search byte by byte finds", () => {
  const pattern = fc.uint8Array({ minLength: 1, maxLength: 5, max: 2 });
  const bytes = fc.uint8Array({ maxLength: 60, max: 2 });
  fc.assert(
    fc.property(pattern, bytes, fc.nat({ max: 20 }), (pattern, bytes, from) => {
      const text = (each: Uint8Array) => Array.from(each).join("");
      assertEquals(
        new BytePattern(pattern).find(bytes, from),
        from > bytes.length ? -1 : text(bytes).indexOf(text(pattern), from),
      );
    }),
    { seed: 71, numRuns: 3000 },
  );
});

Deno.test("BytePattern finds a part of itself at the end, and tells it from the whole", () => {
  const pattern = new BytePattern(Uint8Array.of(1, 2, 1));
  const found = (...bytes: number[]) => {
    const at = pattern.findStart(Uint8Array.from(bytes), 0);
    return [at, pattern.match(Uint8Array.from(bytes), at)];
  };
  assertEquals(found(0, 1, 2, 1, 0), [1, "yes"]);
  assertEquals(found(0, 1, 2), [1, "more"]);
  assertEquals(found(1, 2, 2, 1), [3, "more"]);
  assertEquals(found(1, 2, 0), [3, "more"]);
  assertEquals(pattern.match(Uint8Array.of(1, 3)), "no");
});

Deno.test("PatternSearch finds the same as a new search, however the input grows", () => {
  fc.assert(
    fc.property(fc.array(FEW, { maxLength: 80 }), fc.array(FEW, { minLength: 1 }), (all, steps) => {
      const pattern = new BytePattern(Uint8Array.of(1, 2, 1));
      const search = new PatternSearch(pattern);
      let offset = 0;
      for (let end = 0, turn = 0; end <= all.length; end += 3, turn++) {
        const bytes = Uint8Array.from(all.slice(offset, end));
        const from = Math.min(bytes.length, steps[turn % steps.length]!);
        const at = search.find(bytes, { offset, from });
        assertEquals(at, pattern.findStart(bytes, from));
        offset += at;
      }
    }),
    { seed: 72, numRuns: 2000 },
  );
});
