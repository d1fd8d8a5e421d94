/**
 * What was read of messages that have not come whole.
 *
 * @module
 */

/** Below this many bytes the collector is quicker. */
const MIN_RELEASE_BYTES = 32_768;

/**
 * The parts in which a message was read, each of which has its memory for itself. `ws` puts a message
 * together in a buffer of its own, or gives it up; its parts would then lie about until the next garbage
 * collection, and those of a few senders fill hundreds of megabytes by then.
 */
export class ReadParts {
  #parts: ArrayBuffer[] = [];

  /** One more was read, which nobody keeps but `ws`. */
  add({ buffer, byteLength }: Uint8Array): void {
    const isWhole = byteLength >= MIN_RELEASE_BYTES && byteLength === buffer.byteLength;
    if (isWhole) this.#parts.push(buffer as ArrayBuffer);
  }

  /** Nobody reads them any more: frees them. */
  free(): void {
    for (const part of this.#parts) part.transfer(0);
    this.#parts = [];
  }

  /** Leaves those that have come to the garbage collector: some may belong to no message. */
  leave(): void {
    this.#parts = [];
  }
}
