/**
 * Parts behind one another, in modules that pages load too: those can load nothing from a registry.
 *
 * @module
 */

/** The bytes of all parts, in new memory. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
