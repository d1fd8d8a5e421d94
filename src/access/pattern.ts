/**
 * Patterns of streams' names: `cam-*` is every name that begins with `cam-`.
 *
 * @module
 */

/** Longest pattern, in characters. */
const MAX_LENGTH = 128;
/** Most patterns in one list. */
const MAX_PATTERNS = 100;

/** Whether that is a list of patterns. */
export function arePatterns(value: readonly unknown[]): value is readonly string[] {
  return value.length <= MAX_PATTERNS &&
    value.every((each) =>
      typeof each === "string" && each.length <= MAX_LENGTH && /^[A-Za-z0-9._*-]+$/.test(each)
    );
}

/** Whether one of these patterns is for a name; `undefined` is some stream, whichever. */
export function matches(patterns: readonly string[], name: string | undefined): boolean {
  return name === undefined
    ? patterns.length > 0
    : patterns.some((pattern) => isFor(pattern, name));
}

/** Goes back to the last `*` only, so that no pattern takes long. */
function isFor(pattern: string, name: string): boolean {
  let [at, star, begin] = [0, -1, 0];
  for (let index = 0; index < name.length;) {
    if (pattern[at] === "*") {
      star = at++;
      begin = index;
    } else if (pattern[at] === name[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++begin;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
