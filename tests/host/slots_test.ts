/** Work of which only some may be under way at a time. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { Slots } from "../../src/host/slots.ts";

Deno.test("Slots runs so much at a time and no more, in order, also behind work that fails", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<number>());
  const results = ends.map(({ promise }, n) =>
    slots.run(() => {
      begun.push(n);
      return promise;
    })
  );
  await Promise.resolve();
  assertEquals(begun, [0, 1]);
  ends[1]!.reject(new Error("it failed"));
  await assertRejects(() => results[1]!, Error, "it failed");
  assertEquals(begun, [0, 1, 2]);
  for (const n of [0, 2, 3]) ends[n]!.resolve(n);
  assertEquals(await Promise.all([results[0], results[2], results[3]]), [0, 2, 3]);
  assertEquals(await slots.run(() => Promise.resolve(4)), 4);
});
