/**
 * The Host header of a request.
 *
 * @module
 */

/** A name or an address, and a port (RFC 9110 section 7.2). */
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(?::\d{1,5})?$/;

/** Whether this is a host as the header has one, and nothing else. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}
