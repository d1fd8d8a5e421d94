// @ts-types="../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { eventually, soon } from "./waiting.ts";

Deno.test("soon gives what comes, and names what does not come", async () => {
  assertEquals(await soon("a number", Promise.resolve(7)), 7);
  await assertRejects(() => soon("the post", Promise.reject(new Error("lost"))), Error, "lost");
  const never = new Promise(() => {});
  await assertRejects(() => soon("Godot", never, 10), Error, "waited 0.01 s in vain for Godot");
});

Deno.test("eventually looks until something is found, and names what is not", async () => {
  let looks = 0;
  assertEquals(await eventually("the third look", () => ++looks === 3 && looks), 3);
  assertEquals(await eventually("a nothing that counts", () => Promise.resolve(null)), null);
  const what = "waited 0.01 s in vain for a miracle";
  await assertRejects(() => eventually("a miracle", () => undefined, 10), Error, what);
  const never = new Promise<true>(() => {});
  await assertRejects(() => eventually("a miracle", () => never, 10), Error, what);
});
