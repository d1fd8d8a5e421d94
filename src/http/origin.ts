/**
 * Pages of other sites: a browser lets any page open a WebSocket to any server, so that it is the
 * server who must look at whose page asks (RFC 6455 section 10.2).
 *
 * @module
 */
import { text } from "./responses.ts";

/** Stands for all origins. */
export const ANY_ORIGIN = "*";

/** Longest part of an origin that is repeated in an answer, in characters. */
const MAX_SHOWN = 100;
/** How long a browser may remember that a page may send PATCH, in seconds. */
const PREFLIGHT_MAX_AGE_S = 600;

/** Where a request comes from. */
export interface RequestOrigin {
  /** Origin of the page on another site that sends it; `undefined` for this site and no browser. */
  readonly foreign: string | undefined;
  /** Whether it may do more than look at public things. */
  readonly isTrusted: boolean;
}

/** Says where a request comes from; pages of the origins in `allowed` are trusted. */
export function originOf(request: Request, url: URL, allowed: readonly string[]): RequestOrigin {
  const origin = request.headers.get("origin");
  if (origin === null || isOwn(origin, url)) return { foreign: undefined, isTrusted: true };
  const isTrusted = allowed.includes(ANY_ORIGIN) || allowed.includes(origin);
  return { foreign: origin, isTrusted };
}

/** Refuses what only a trusted page may do. */
export function refuseForeign({ foreign = "" }: RequestOrigin): Response {
  const shown = foreign.slice(0, MAX_SHOWN);
  const origin = URL.canParse(foreign) ? shown : ANY_ORIGIN;
  return text(
    403,
    "Cannot accept this request from a page of another site: its origin is " +
      `${JSON.stringify(shown)}; ` +
      `to allow it, start the relay with --allow-origin '${origin}'\n`,
  );
}

/** Lets scripts of trusted pages on other sites read an answer (the Fetch standard's CORS). */
export function allowReading(response: Response, { foreign, isTrusted }: RequestOrigin): Response {
  if (foreign === undefined || !isTrusted) return response;
  response.headers.set("access-control-allow-origin", foreign);
  response.headers.append("vary", "origin");
  return response;
}

/** Answers a browser that asks whether a page may send what pages usually may not. */
export function preflight(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers": "authorization, content-type",
      "access-control-max-age": String(PREFLIGHT_MAX_AGE_S),
    },
  });
}

/** Whether `origin` is the address that the request itself was sent to, by whatever scheme. */
function isOwn(origin: string, { host }: URL): boolean {
  if (!/^https?:\/\/[^/?#]+$/i.test(origin) || !URL.canParse(origin)) return false;
  const own = new URL(origin);
  // A proxy may speak TLS for the relay: the port left out is then another one.
  return own.host === new URL(`${own.protocol}//${host}`).host;
}
