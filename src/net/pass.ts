/**
 * What a connection needs where a relay is not open to all, or not known to all.
 *
 * @module
 */

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

/** What goes with the next connection; `fallback` is the authorization where the options have none. */
export async function passOf(
  { ca, authorization }: PassOptions,
  fallback?: string | undefined,
): Promise<Pass> {
  const given = typeof authorization === "function" ? await authorization() : authorization;
  return { ca, authorization: given ?? fallback };
}

/** The token in an authorization; nothing where it is of another kind. */
export function tokenIn(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
}
