/**
 * What a connection needs where a relay is not open to all, or not known to all.
 *
 * @module
 */
import { StreamError } from "../errors.ts";

/** Most characters of an authorization; servers take headers of 16 kB, and there are others. */
const MAX_AUTHORIZATION = 12_288;

/** What goes with one connection. */
export interface Pass {
  /** Certificates (PEM) that are trusted. @default {those of the platform} */
  readonly ca?: readonly string[] | undefined;
  /** The header `Authorization`, as `Bearer TOKEN`. @default {none} */
  readonly authorization?: string | undefined;
}

/** What goes with every connection of a client. */
export interface PassOptions {
  /**
   * Certificates (PEM) that are trusted instead of the platform's, in Deno and Node.js. @default {none}
   */
  readonly ca?: readonly string[] | undefined;
  /**
   * The header `Authorization`, as `Bearer TOKEN`; a function is asked before each connection, and again
   * where the relay refuses what it gave. Browsers send a token only. @default {none}
   */
  readonly authorization?:
    | string
    | (() => string | undefined | Promise<string | undefined>)
    | undefined;
}

/**
 * What goes with the next connection; `fallback` is the authorization where the options have none.
 *
 * @throws {StreamError} (`usage`) where no request can carry it
 */
export async function passOf(
  { ca, authorization }: PassOptions,
  fallback?: string | undefined,
): Promise<Pass> {
  const given = typeof authorization === "function" ? await authorization() : authorization;
  const chosen = given ?? fallback;
  const fault = chosen === undefined ? undefined : authorizationFault(chosen);
  // What is wrong is said without it.
  if (fault !== undefined) {
    throw new StreamError("usage", `Cannot send the authorization: it ${fault}`);
  }
  return { ca, authorization: chosen };
}

/** What is wrong with a header `Authorization`; nothing where a request can carry it. */
function authorizationFault(header: string): string | undefined {
  if (header.length > MAX_AUTHORIZATION) return `has more than ${MAX_AUTHORIZATION} characters`;
  if (!/^[!-~]+(?: +[!-~]+)*$/.test(header)) return "has characters that no request can carry";
}

/** The token in an authorization; nothing where it is of another kind. */
export function tokenIn(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
}
