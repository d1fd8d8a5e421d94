/**
 * One direction of a long way: what goes in comes out later, in order.
 *
 * @module
 */

/** Options of a {@linkcode DelayLine}. */
export interface DelayLineOptions {
  /** How long everything takes, in milliseconds. */
  readonly delayMs: number;
  /** Most bytes under way. */
  readonly maxBytes: number;
}

/** Bytes under way. Whoever pushes asks {@linkcode DelayLine.hasRoom} before. */
export class DelayLine {
  readonly #options: DelayLineOptions;
  readonly #chunks: { readonly bytes: Uint8Array; readonly dueMs: number }[] = [];
  #bytes = 0;

  constructor(options: DelayLineOptions) {
    this.#options = options;
  }

  /** Whether there is room for more; the last chunk may exceed the limit. */
  get hasRoom(): boolean {
    return this.#bytes < this.#options.maxBytes;
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sends `bytes`, which from then on belong to the line, on their way. */
  push(bytes: Uint8Array, nowMs: number): void {
    this.#chunks.push({ bytes, dueMs: nowMs + this.#options.delayMs });
    this.#bytes += bytes.length;
  }

  /** When the next bytes come out; `undefined` while the line is empty. */
  deadlineMs(): number | undefined {
    return this.#chunks[0]?.dueMs;
  }

  /** The next bytes that have come to the end, if there are any. */
  pop(nowMs: number): Uint8Array | undefined {
    const chunk = this.#chunks[0];
    if (chunk === undefined || chunk.dueMs > nowMs) return undefined;
    this.#chunks.shift();
    this.#bytes -= chunk.bytes.length;
    return chunk.bytes;
  }
}
