/**
 * Gives memory back without waiting for the garbage collector.
 *
 * @module
 */

/** Below this many bytes the collector is quicker. */
const MIN_RELEASE_BYTES = 65_536;

/**
 * Frees the buffer behind `data`, which is empty afterwards; the caller is its last user. Frames of
 * megabytes would else pile up until the next collection, and the system would clear fresh pages for
 * each: most of what a process does that only passes frames on.
 */
export function release(data: Uint8Array<ArrayBuffer>): void {
  if (data.byteLength >= MIN_RELEASE_BYTES) data.buffer.transfer(0);
}
