/**
 * Options of by what a client is let in, and whom it trusts.
 *
 * @module
 */
import { text } from "./value.ts";

/** Most characters of a token; headers have room for twice as many. */
export const MAX_TOKEN_LENGTH = 8192;
/** Options of every command that connects to a relay. */
export const PASS_FLAGS = {
  token: {
    value: "VALUE|@FILE",
    help: "token that lets you in; @FILE: read from a file, again when it is refused",
    read: tokenValue,
    isSecret: true,
  },
  ca: {
    value: "FILE",
    help: "certificates to trust instead of the system's, PEM, for wss:// and https://",
    read: text,
  },
} as const;

/** A token (RFC 6750 section 2.1), or `@` and the name of a file that has it. */
function tokenValue(value: string): string {
  if (value.startsWith("@") ? value.length > 1 : isToken(value)) return value;
  throw new Error("a token, or @ and a file that has one");
}

/** Whether `value` can be a token (RFC 6750 section 2.1). */
export function isToken(value: string): boolean {
  return value.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(value);
}
