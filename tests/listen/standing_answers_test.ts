// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { LOOK_MS, StandingAnswers } from "../../src/listen/standing_answers.ts";

/** Looks that a connection has for what waits for it, by the timeout of these tests. */
const PATIENCE = 12;

function answers() {
  const connection = { bytesWritten: 1000, writableLength: 1000 };
  const standing = new StandingAnswers<typeof connection>(10_000);
  standing.add(connection);
  return { connection, standing };
}

Deno.test("an answer that nobody takes is given up after its timeout and two looks", () => {
  const { connection, standing } = answers();
  const looks = Array.from({ length: PATIENCE + 1 }, () => standing.look());
  assertEquals(looks, [...Array(PATIENCE).fill([]), [connection]]);
  assertEquals((PATIENCE - 2) * LOOK_MS, 10_000);
});

Deno.test("an answer is given up by looks, however much time is between two of them", () => {
  const { standing } = answers();
  standing.look();
  // The program stands still here; then its timer fires once.
  const before = performance.now;
  performance.now = () => before.call(performance) + 60_000;
  try {
    assertEquals([standing.look(), standing.look()], [[], []]);
  } finally {
    performance.now = before;
  }
});

Deno.test("whoever takes a byte of an answer, or all of it, has as many looks again", () => {
  const { connection, standing } = answers();
  const look = () => Array.from({ length: PATIENCE }, () => standing.look()).flat();
  assertEquals(look(), []);
  connection.writableLength--;
  assertEquals(look(), []);
  connection.writableLength = 0;
  assertEquals([...look(), ...look()], []);
  connection.bytesWritten += 5;
  connection.writableLength = 5;
  assertEquals(look(), []);
  assertEquals(standing.look(), [connection]);
});

Deno.test("connections that others look after are not looked at", () => {
  const { connection, standing } = answers();
  standing.delete(connection);
  assertEquals(Array.from({ length: 2 * PATIENCE }, () => standing.look()).flat(), []);
});
