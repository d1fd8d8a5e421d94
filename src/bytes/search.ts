/**
 * Finding bytes within others.
 *
 * @module
 */

/**
 * A run of bytes to be found. Most bytes that are searched are not looked at: R. N. Horspool,
 * "Practical fast searching in strings", 1980.
 */
export class BytePattern {
  readonly #bytes: Uint8Array;
  readonly #shifts: Uint8Array;

  /** `bytes` has at most 255. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#shifts = new Uint8Array(256).fill(bytes.length);
    for (let at = 0; at < bytes.length - 1; at++) this.#shifts[bytes[at]!] = bytes.length - 1 - at;
  }

  /** Where it begins first in `bytes`, at `from` or behind it; -1 where it does not. */
  find(bytes: Uint8Array, from = 0): number {
    const last = this.#bytes.length - 1;
    for (let end = from + last; end < bytes.length; end += this.#shifts[bytes[end]!]!) {
      if (bytes[end] === this.#bytes[last] && this.#isAt(bytes, end - last)) return end - last;
    }
    return -1;
  }

  /**
   * Where it begins first in `bytes`, at `from` or behind it, all of it or as much as `bytes` have
   * at their end; their number where it does not.
   */
  findStart(bytes: Uint8Array, from: number): number {
    const whole = this.find(bytes, from);
    if (whole >= 0) return whole;
    let at = Math.max(from, bytes.length - this.#bytes.length + 1);
    while (at < bytes.length && !this.#isAt(bytes, at)) at++;
    return at;
  }

  /**
   * Whether it stands in `bytes` at `at`; `more` where they end within it.
   */
  match(bytes: Uint8Array, at = 0): "yes" | "no" | "more" {
    if (!this.#isAt(bytes, at)) return "no";
    return bytes.length - at >= this.#bytes.length ? "yes" : "more";
  }

  /** Whether none of the bytes at `at` differs. */
  #isAt(bytes: Uint8Array, at: number): boolean {
    const count = Math.min(this.#bytes.length, bytes.length - at);
    for (let index = 0; index < count; index++) {
      if (bytes[at + index] !== this.#bytes[index]) return false;
    }
    return true;
  }
}

/** Looks for a pattern in an input that grows, and looks at none of its bytes again. */
export class PatternSearch {
  readonly #pattern: BytePattern;
  /** Offset in the input up to which it does not stand. */
  #searched = 0;
  /** Whether it stands there. */
  #isFound = false;

  constructor(pattern: BytePattern) {
    this.#pattern = pattern;
  }

  /**
   * As {@linkcode BytePattern.findStart}. `from` never goes back.
   *
   * @param place.offset the offset of `bytes` in the input.
   */
  find(bytes: Uint8Array, place: { readonly offset: number; readonly from: number }): number {
    const { offset, from } = place;
    const searched = this.#searched - offset;
    if (this.#isFound && searched >= from) return searched;
    const at = this.#pattern.findStart(bytes, Math.max(from, searched));
    this.#searched = offset + at;
    this.#isFound = this.#pattern.match(bytes, at) === "yes";
    return at;
  }
}
