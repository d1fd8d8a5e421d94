/**
 * The right word for a misspelt one.
 *
 * @module
 */
// @ts-types="../../types/std_closest_string.d.ts"
import { closestString } from "@std/text/closest-string";
// @ts-types="../../types/std_levenshtein_distance.d.ts"
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** Fewest letters that a word must share with another that goes on behind them. */
const MIN_PREFIX = 3;

/** The nearest of `words`, or `undefined` where none is near enough to be what was meant. */
export function closest(word: string, words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const near = words.filter((other) => isNear(word, other));
  return near.length === 0 ? undefined : closestString(word, near);
}

/** Whether one may be the other with a letter in three wrong, with its letters mixed up, or cut short. */
function isNear(one: string, other: string): boolean {
  const length = Math.min(one.length, other.length);
  if (levenshteinDistance(one, other) <= Math.max(1, Math.floor(length / 3))) return length > 1;
  if (sorted(one) === sorted(other)) return true;
  return length >= MIN_PREFIX && (one.startsWith(other) || other.startsWith(one));
}

function sorted(word: string): string {
  return [...word].sort().join("");
}
