// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Deque } from "../../src/core/deque.ts";

Deno.test("Deque holds what an array would, whatever is pushed and shifted", () => {
  const pushes = fc.array(fc.integer({ min: -90, max: 100 }), { maxLength: 40 });
  fc.assert(fc.property(pushes, (counts) => {
    const deque = new Deque<number>();
    const model: number[] = [];
    let next = 0;
    for (const count of counts) {
      for (let n = 0; n < count; n++) {
        deque.push(next);
        model.push(next++);
      }
      for (let n = 0; n < -count && model.length > 0; n++) {
        assertEquals(deque.shift(), model.shift());
      }
      assertEquals([deque.length, deque.first, deque.last], [model.length, model[0], model.at(-1)]);
      assertEquals(model.map((_, index) => deque.at(index)), model);
      assertEquals(deque.at(model.length), undefined);
    }
  }));
});
