/**
 * Addresses of streams.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";

/** The address that is used where none is given. */
export const DEFAULT_URL = "ws://127.0.0.1:8080/live";

/** An address taken apart. */
export interface StreamUrl {
  /** The stream's WebSocket address. */
  readonly socket: string;
  /** The server's HTTP address with the path that the relay is under, without a slash at the end. */
  readonly server: string;
  /** The stream's name. */
  readonly name: string;
  /** The header `Authorization` that `user:password@` or `?token=` stand for, which nothing shows. */
  readonly authorization: string | undefined;
}

const SOCKET_SCHEMES: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/** Longest user with a password, and longest token, in characters. */
const MAX_SECRET_LENGTH = 8192;

/** A host with its port, and a path perhaps: what people write who leave out the scheme. */
const WITHOUT_SCHEME = /^(?:\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*):\d+(?:[/?#]|$)/i;

/**
 * Whether `text` is meant as an address: a URL of whatever scheme, or a host with its port.
 *
 * @example
 * ```ts
 * import { looksLikeAddress } from "@stream/relay/client";
 *
 * console.log(looksLikeAddress("localhost:8080"), looksLikeAddress("film.mp4"));
 * ```
 */
export function looksLikeAddress(text: string): boolean {
  return text.includes("://") || WITHOUT_SCHEME.test(text);
}

/**
 * Reads `ws://HOST:PORT/NAME`, also with `wss`, `http`, `https` or no scheme; without a name it is
 * `live`. What stands before the last slash is the path that a relay behind a proxy is under.
 *
 * @example
 * ```ts
 * import { parseStreamUrl } from "@stream/relay/client";
 *
 * const { socket, server, name } = parseStreamUrl("https://example.org/video/cam");
 * console.log(socket, server, name);
 * ```
 *
 * @throws {StreamError} (`usage`) when it is not such an address or the name is not allowed
 */
export function parseStreamUrl(text: string): StreamUrl {
  const fail = (why: string) => {
    const shown = withoutSecrets(text);
    const hint = splitsPassword(text)
      ? "in a user and a password, / ? # and @ are written as %2F %3F %23 and %40"
      : `an address looks like ${DEFAULT_URL}`;
    return new StreamError("usage", `Cannot use "${shown}" as an address: ${why}; ${hint}`);
  };
  const full = WITHOUT_SCHEME.test(text) ? `ws://${text}` : text;
  if (!URL.canParse(full)) throw fail("it is not a URL");
  const url = new URL(full);
  const scheme = SOCKET_SCHEMES[url.protocol];
  if (scheme === undefined || url.host === "") {
    throw fail(`"${url.protocol}//" is not ws:// or wss://`);
  }
  if (url.hash !== "") throw fail("it has a fragment (#)");
  const end = url.pathname.lastIndexOf("/");
  const base = url.pathname.slice(0, end);
  if (splitsPassword(full)) throw fail("its user or password ends too early");
  if (/\/(?:\/|$)/.test(base)) throw fail("its path has an empty part");
  const name = decodedName(url.pathname.slice(end + 1)) || DEFAULT_NAME;
  const fault = nameFault(name);
  if (fault !== undefined) throw fail(fault);
  const secure = scheme === "wss:";
  const authorization = authorizationIn(url, fail);
  if (url.searchParams.has("token")) url.searchParams.delete("token");
  return {
    socket: `${scheme}//${url.host}${base}/${name}${url.search}`,
    server: `${secure ? "https:" : "http:"}//${url.host}${base}`,
    name,
    authorization,
  };
}

/** What an address has to be let in by: a user with a password (RFC 7617), or a token. */
function authorizationIn(
  { username, password, searchParams }: URL,
  fail: (why: string) => StreamError,
): string | undefined {
  if (username !== "" || password !== "") {
    const user = decodedParts(username);
    if (user.includes(":")) throw fail("no user can have a colon (RFC 7617 section 2)");
    const pair = `${user}:${decodedParts(password)}`;
    if (pair.length > MAX_SECRET_LENGTH) {
      throw fail(`its user and password have more than ${MAX_SECRET_LENGTH} characters`);
    }
    return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`;
  }
  const token = searchParams.get("token") ?? "";
  if (token === "") return undefined;
  if (token.length > MAX_SECRET_LENGTH) {
    throw fail(`its token has more than ${MAX_SECRET_LENGTH} characters`);
  }
  if (!/^[!-~]+$/.test(token)) throw fail("its token has characters that no request can carry");
  return `Bearer ${token}`;
}

/** Whether a user or a password has a character of which an address thinks that it is over. */
function splitsPassword(text: string): boolean {
  return /^[a-z]+:\/\/[^/?#@]*:[^/?#@]*[/?#][^=]*@/i.test(text);
}

/** An address that may be shown. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/.*@/s, "//…@").replace(/([?&]token=)[^&#]*/g, "$1…");
}

/** What the escapes in a user or a password stand for; other percent signs stand for themselves. */
function decodedParts(part: string): string {
  return part.replace(/(?:%[0-9a-f]{2})+/gi, decodedName);
}

function decodedName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A malformed escape is no name either, and is shown as it stands.
    return part;
  }
}
