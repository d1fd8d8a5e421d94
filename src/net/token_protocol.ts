/**
 * A token where pages can send one: they can set no header of a WebSocket.
 *
 * @module
 */

/**
 * The subprotocol that carries a token: `bearer.` and the token, in which characters that no subprotocol
 * may have (RFC 9110 section 5.6.2), and `%`, are written as `%XX`.
 */
export function tokenProtocol(token: string): string {
  const written = token.replace(
    /[^!#$&'*+\-.^_`|~0-9A-Za-z]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `bearer.${written}`;
}
