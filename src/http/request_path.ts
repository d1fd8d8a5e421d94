/**
 * The path that a request names.
 *
 * @module
 */

import type { Asked } from "./route.ts";

/** A URL's path with its escapes resolved. */
export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A malformed escape matches nothing, and is answered as an unknown address.
    return path;
  }
}

/** Longest path that a relay may be under, in characters. */
const MAX_BASE = 200;

/** Where clients reach the relay: `ws://HOST/BASE` and `http://HOST/BASE`, without a slash at the end. */
export interface PublicAddress {
  readonly socket: string;
  readonly http: string;
}

/**
 * The relay's address as the client knows it. A proxy reports what it has changed in
 * `X-Forwarded-Proto` and `X-Forwarded-Prefix`.
 */
export function publicAddress(
  { request: { headers }, url: { host, protocol }, base }: Pick<Asked, "request" | "url" | "base">,
): PublicAddress {
  const prefix = headers.get("x-forwarded-prefix") ?? "";
  const isPath = prefix.length <= MAX_BASE && /^(?:\/[A-Za-z0-9._~%-]+)+\/?$/.test(prefix);
  const place = `//${host}${isPath ? prefix.replace(/\/$/, "") : ""}${base}`;
  const scheme = headers.get("x-forwarded-proto")?.toLowerCase() ?? protocol.slice(0, -1);
  const secure = scheme === "https" ? "s" : "";
  return { socket: `ws${secure}:${place}`, http: `http${secure}:${place}` };
}
