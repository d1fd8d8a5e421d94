// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { ByteTurns } from "../../src/listen/byte_turns.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("ByteTurns lets so much pass in one turn of the event loop, in order", async () => {
  const turns = new ByteTurns(100);
  const written: number[] = [];
  for (let number = 0; number < 5; number++) {
    const turn = turns.take(60);
    if (turn === undefined) written.push(number);
    else turn.then(() => written.push(number));
  }
  assertEquals(written, [0, 1]);
  await nextTurn();
  assertEquals(written, [0, 1, 2, 3]);
  await nextTurn();
  assertEquals(written, [0, 1, 2, 3, 4]);
});

Deno.test("ByteTurns lets nobody pass who waits", async () => {
  const turns = new ByteTurns(100);
  turns.take(100);
  const written: string[] = [];
  turns.take(100)!.then(() => {
    written.push("first");
    // In the turn that was used up by it.
    turns.take(10)?.then(() => written.push("third"));
  });
  turns.take(10)!.then(() => written.push("second"));
  await nextTurn();
  assertEquals(written, ["first"]);
  await nextTurn();
  assertEquals(written, ["first", "second", "third"]);
});
