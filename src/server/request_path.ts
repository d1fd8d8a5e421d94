/**
 * The path that a request names.
 *
 * @module
 */

/** A URL's path with its escapes resolved. */
export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A malformed escape matches nothing, and is answered as an unknown address.
    return path;
  }
}
