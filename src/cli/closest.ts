/**
 * The right word for a misspelt one.
 *
 * @module
 */
// @ts-types="../../types/std_closest_string.d.ts"
import { closestString } from "@std/text/closest-string";

/** The nearest of `words`, or `undefined` where there are none. */
export function closest(word: string, words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : closestString(word, words);
}
