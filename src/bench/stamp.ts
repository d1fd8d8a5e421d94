/**
 * What stands at the beginning of every frame of a load: who sent it, its number, and when it was
 * sent.
 *
 * ```
 * offset  size  field
 *      0     4  "load"
 *      4     4  number, from 0
 *      8     8  time of sending in ms since the Unix epoch, a double
 * ```
 *
 * @module
 */

/** Length of a stamp in bytes, and of the smallest frame. */
export const STAMP_BYTES = 16;
/** "load"; no format that a relay recognizes begins so. */
const MAGIC = 0x6c6f6164;

/** Writes a stamp at the beginning of `frame`. */
export function writeStamp(
  frame: Uint8Array<ArrayBuffer>,
  { number, sentMs }: { readonly number: number; readonly sentMs: number },
): void {
  const view = new DataView(frame.buffer, frame.byteOffset, STAMP_BYTES);
  view.setUint32(0, MAGIC);
  view.setUint32(4, number);
  view.setFloat64(8, sentMs);
}

/** When the frame that begins with `head` was sent; `undefined` where it has no stamp. */
export function readSentMs(head: Uint8Array<ArrayBuffer>): number | undefined {
  if (head.length < STAMP_BYTES) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, STAMP_BYTES);
  return view.getUint32(0) === MAGIC ? view.getFloat64(8) : undefined;
}
