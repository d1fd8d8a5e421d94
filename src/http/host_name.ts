/**
 * Whether a request is meant for this relay. A page of any site can have its own name resolve to the
 * relay's address, and then counts as the relay's own (DNS rebinding): only names tell that apart.
 *
 * @module
 */
import { isHost } from "../listen/host_header.ts";
import { text } from "./responses.ts";

/** Stands for any name. */
export const ANY_NAME = "*";

/** Longest part of a name that is repeated in an answer, in characters. */
const MAX_SHOWN = 100;

/** The answer to a request whose address cannot be told. */
export const UNREADABLE = "Cannot understand the request: its Host header is not an address\n";

/**
 * Refuses a request that cannot be read (400, RFC 9112 section 3.2) or is meant for somebody else (421,
 * RFC 9110 section 15.5.20). Addresses and `localhost` are always this relay's, and so are the names in
 * `names`.
 */
export function refuseHost(
  request: Request,
  url: URL | null,
  names: readonly string[],
): Response | undefined {
  const host = request.headers.get("host");
  if (url === null || (host !== null && !isHost(host))) return text(400, UNREADABLE);
  // A request line may name a whole address, which then counts (RFC 9112 section 3.2.2).
  for (const asked of [host === null ? "" : nameOf(host), nameOf(url.host)]) {
    if (asked === "" || isOurs(asked, names)) continue;
    const shown = asked.slice(0, MAX_SHOWN);
    return text(
      421,
      `Cannot answer for the host ${JSON.stringify(shown)}: the relay does not know this name; ` +
        `ask for its address, or start it with --host-name ${shown}\n`,
    );
  }
}

/** A Host without its port, in small letters. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
}

function isOurs(name: string, names: readonly string[]): boolean {
  return name === "localhost" || name.startsWith("[") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) ||
    names.some((known) => known === ANY_NAME || known.toLowerCase() === name);
}
