/**
 * Bytes as text: for headers of text formats and for messages to people.
 *
 * @module
 */

/** The text of `bytes`, one character a byte (ISO 8859-1), so that no byte is ever malformed. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** At most `limit` of the bytes in hexadecimal, parted by spaces: `ff d8 ff`. */
export function hex(bytes: Uint8Array, limit = 8): string {
  return Array.from(bytes.subarray(0, limit), (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
}

/** True where `bytes` has all of `pattern` at `offset`. */
export function hasBytesAt(bytes: Uint8Array, offset: number, pattern: Uint8Array): boolean {
  if (bytes.length < offset + pattern.length) return false;
  for (let index = 0; index < pattern.length; index++) {
    if (bytes[offset + index] !== pattern[index]) return false;
  }
  return true;
}

/** The bytes of `text`, whose characters are all below U+0100. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
