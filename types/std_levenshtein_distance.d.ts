// Types for `@std/text/levenshtein-distance`.

export function levenshteinDistance(one: string, other: string): number;
