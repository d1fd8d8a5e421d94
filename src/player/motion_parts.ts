/**
 * The parts of motion JPEG (RFC 2046 section 5.1) as the relay sends them to programs: each says its length.
 *
 * @module
 */

/** Longest head of a part, in bytes; the relay's have fewer than 200. */
const MAX_HEAD_BYTES = 8192;
/** Largest picture, in bytes: four times the largest frame that a relay takes unless told otherwise. */
const MAX_PART_BYTES = 64 * 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;

/** Takes pictures out of bytes that come in chunks. */
export class MotionParts {
  #head = "";
  #part: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /**
   * The pictures that are whole with these bytes.
   *
   * @throws {Error} where it is not motion JPEG, or too large
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const whole: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#part === undefined) {
        at = this.#readHead(chunk, at);
        continue;
      }
      const part = this.#part;
      const piece = chunk.subarray(at, at + part.length - this.#filled);
      part.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < part.length) break;
      whole.push(part);
      this.#part = undefined;
    }
    return whole;
  }

  /** Reads up to the empty line at the end of a head, and returns what comes behind. */
  #readHead(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      // What stands between a picture and the boundary is no line of the head.
      if (this.#head === "" && (byte === CR || byte === LF)) continue;
      this.#head += String.fromCharCode(byte);
      if (this.#head.length > MAX_HEAD_BYTES) throw new Error("the head of a part is too long");
      if (!this.#head.endsWith("\r\n\r\n")) continue;
      this.#begin(this.#head);
      this.#head = "";
      return at + 1;
    }
    return chunk.length;
  }

  #begin(head: string): void {
    const length = Number(/^content-length: *(\d{1,10}) *\r$/im.exec(head)?.[1]);
    if (!head.startsWith("--") || !(length > 0)) throw new Error("this is no motion JPEG");
    if (length > MAX_PART_BYTES) throw new Error(`a picture has ${length} bytes`);
    this.#part = new Uint8Array(length);
    this.#filled = 0;
  }
}
