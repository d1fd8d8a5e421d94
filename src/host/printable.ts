/**
 * Text of strangers, for people.
 *
 * @module
 */

/**
 * What steers a terminal or the order of what is read: controls (Unicode's Cc), marks of direction and
 * the like (Cf), and ends of lines and paragraphs (Zl, Zp).
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Short names, as programming languages have them. */
const SHORT: ReadonlyMap<string, string> = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);

/** Text in which nothing steers whatever shows it: that is written out, as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(STEERING, (char) => SHORT.get(char) ?? escaped(char, "\\x"));
}

/** JSON that says the same, and in which nothing steers a terminal; ends of lines are its own. */
export function printableJson(json: string): string {
  return json.replace(STEERING, (char) => char === "\n" ? char : escaped(char, "\\u"));
}

function escaped(char: string, short: "\\x" | "\\u"): string {
  const code = char.codePointAt(0)!;
  if (code <= 0xff && short === "\\x") return `\\x${code.toString(16).padStart(2, "0")}`;
  // JSON has no other way beyond 16 bits than two halves (RFC 8259 section 7).
  return [...Array(char.length).keys()]
    .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`)
    .join("");
}
