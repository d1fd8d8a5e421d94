/**
 * What every failure of the program has in common.
 *
 * @module
 */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import type { Outcome } from "../program.ts";

/** Asserts how a process ended, and that it said why in one sentence; returns the sentence. */
export function assertFailed(outcome: Outcome, code: number, why: RegExp): string {
  assertEquals(outcome.code, code, outcome.stderr);
  const errors = outcome.stderr.split("\n").filter((line) => line.startsWith("error: "));
  assertEquals(errors.length, 1, outcome.stderr);
  assertMatch(errors[0]!, /^error: Cannot .*[^.]$/);
  assertMatch(errors[0]!, why);
  return errors[0]!;
}
