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
  /** The server's HTTP address, without a slash at the end. */
  readonly server: string;
  readonly name: string;
}

const SOCKET_SCHEMES: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/**
 * Reads `ws://HOST:PORT/NAME`, also with `wss`, `http` or `https`; without a name it is `live`.
 *
 * @throws {StreamError} (`usage`) when it is not such an address or the name is not allowed
 */
export function parseStreamUrl(text: string): StreamUrl {
  const fail = (why: string) =>
    new StreamError(
      "usage",
      `Cannot use "${text}" as an address: ${why}; an address reads ${DEFAULT_URL}`,
    );
  const url = URL.parse(text);
  if (url === null) throw fail("it is not a URL");
  const scheme = SOCKET_SCHEMES[url.protocol];
  if (scheme === undefined || url.host === "") {
    throw fail(`"${url.protocol}//" is not ws:// or wss://`);
  }
  if (url.hash !== "") throw fail("it has a fragment (#)");
  const name = url.pathname === "/" ? DEFAULT_NAME : decodedName(url.pathname.slice(1));
  const fault = nameFault(name);
  if (fault !== undefined) throw fail(fault);
  const secure = scheme === "wss:";
  return {
    socket: `${scheme}//${url.host}/${name}${url.search}`,
    server: `${secure ? "https:" : "http:"}//${url.host}`,
    name,
  };
}

function decodedName(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A malformed escape is no name either, and is shown as it stands.
    return path;
  }
}
