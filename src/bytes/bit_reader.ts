/**
 * Bits of a header, read one field after another.
 *
 * @module
 */

/**
 * Reads bits from the most significant on. Reading beyond the end gives zeros and is remembered, so
 * that a parser asks once, after its last field, whether all that it read was there.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits read or skipped so far. */
  get position(): number {
    return this.#position;
  }

  /** Whether more was read than there is. */
  get isOverrun(): boolean {
    return this.#position > this.#bytes.length * 8;
  }

  /** The next `count` bits as an unsigned number; at most 32. */
  read(count: number): number {
    let value = 0;
    for (let left = count; left > 0;) {
      const byte = this.#bytes[this.#position >> 3] ?? 0;
      const available = 8 - (this.#position & 7);
      const taken = Math.min(available, left);
      const bits = (byte >> (available - taken)) & ((1 << taken) - 1);
      value = value * 2 ** taken + bits;
      this.#position += taken;
      left -= taken;
    }
    return value;
  }

  /** The next bit. */
  flag(): boolean {
    return this.read(1) === 1;
  }

  /** Passes `count` bits over. */
  skip(count: number): void {
    this.#position += count;
  }

  /** An unsigned Exp-Golomb number, ue(v) in ITU-T H.264 and H.265 clause 9; at most 2³² − 2. */
  unsignedGolomb(): number {
    let zeros = 0;
    while (zeros < 32 && !this.isOverrun && !this.flag()) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** A signed Exp-Golomb number, se(v) in the same clauses. */
  signedGolomb(): number {
    const code = this.unsignedGolomb();
    return code % 2 === 1 ? (code + 1) / 2 : 0 - code / 2;
  }
}
