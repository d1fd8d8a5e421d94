/**
 * Finding bytes within others.
 *
 * @module
 */

/**
 * A run of bytes to be found. Of those that are searched, only one in as many as it has is looked
 * at: where it stands, one of them is among its own. The place of the next does not depend on what
 * is found at the last, which a processor need not wait for.
 */
export class BytePattern {
  readonly #bytes: Uint8Array;
  /** 1 for each byte that it has. */
  readonly #has = new Uint8Array(256);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (const byte of bytes) this.#has[byte] = 1;
  }

  /** Where it begins first in `bytes`, at `from` or behind it; -1 where it does not. */
  find(bytes: Uint8Array, from = 0): number {
    const has = this.#has;
    const step = this.#bytes.length;
    let at = from + step - 1;
    while (at < bytes.length) {
      // Four at once, as long as none of them is among its own.
      for (; at + 3 * step < bytes.length; at += 4 * step) {
        const one = has[bytes[at]!]! | has[bytes[at + step]!]!;
        const other = has[bytes[at + 2 * step]!]! | has[bytes[at + 3 * step]!]!;
        if ((one | other) !== 0) break;
      }
      for (let count = 0; count < 4 && at < bytes.length; count++, at += step) {
        const start = has[bytes[at]!] === 0 ? -1 : this.#findAround(bytes, at);
        if (start >= 0) return start;
      }
    }
    return -1;
  }

  /** Where it begins so that it has the byte at `at`; -1 where it does not. */
  #findAround(bytes: Uint8Array, at: number): number {
    for (let index = this.#bytes.length - 1; index >= 0; index--) {
      const start = at - index;
      if (this.#bytes[index] !== bytes[at]) continue;
      if (start + this.#bytes.length <= bytes.length && this.#isAt(bytes, start)) return start;
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
