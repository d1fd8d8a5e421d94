/**
 * A request of `node:http` as the relay knows it.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { isHost } from "./host_header.ts";
import { bodyOf } from "./node_body.ts";
import type { Refusals } from "./refusals.ts";

/** Most fields of a header: a thousand of them take as long as hundreds of requests. */
const MAX_FIELDS = 128;
/** Methods that no request can have that is passed on (https://fetch.spec.whatwg.org/#methods). */
const NO_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Bytes of a request's line and header, nearly. */
export function headerBytes({ url = "", rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((bytes, text) => bytes + text.length, url.length);
}

/** Whether the body comes only when it is asked for (RFC 9110 section 10.1.1). */
export function isAwaited(incoming: IncomingMessage): boolean {
  return expectationOf(incoming)?.toLowerCase() === "100-continue";
}

/** In HTTP/1.0, nothing is expected. */
function expectationOf({ headers, httpVersion }: IncomingMessage): string | undefined {
  return httpVersion === "1.0" ? undefined : headers.expect;
}

/** The request as the handler knows it, or the answer to one that it cannot be asked. */
export function requestOf(
  incoming: IncomingMessage,
  scheme: "http:" | "https:",
  refusals: Refusals,
  readOn: (bytes: number) => void,
): Request | Response {
  const { method = "GET", url: target = "", rawHeaders } = incoming;
  const fields = rawHeaders.length / 2;
  if (fields > MAX_FIELDS) {
    return refusal(431, `its header has ${fields} fields, of ${MAX_FIELDS} at most`);
  }
  if (NO_METHODS.has(method)) return refusal(501, `there is no ${method} here`);
  if (expectationOf(incoming) !== undefined && !isAwaited(incoming)) {
    return refusal(417, "what it expects is unknown");
  }
  const request = readRequest(incoming, target, method, scheme, readOn);
  if (request !== undefined) return request;
  refusals.add("host", "refused a request of which the Host is no address");
  return refusal(400, "its Host header is not an address");
}

function refusal(status: number, why: string): Response {
  return new Response(`Cannot understand the request: ${why}\n`, { status });
}

/** Nothing where its address cannot be told. */
function readRequest(
  incoming: IncomingMessage,
  target: string,
  method: string,
  scheme: "http:" | "https:",
  readOn: (bytes: number) => void,
): Request | undefined {
  const { rawHeaders } = incoming;
  const headers = new Headers();
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.toLowerCase() === "host") hosts++;
    headers.append(name, rawHeaders[at + 1]!);
  }
  if (hosts > 1) return undefined;
  const host = headers.get("host") ?? `127.0.0.1:${incoming.socket.localPort}`;
  if (!isHost(host)) return undefined;
  try {
    // A request line may name a whole URL (RFC 9112 section 3.2.2).
    const url = target.startsWith("/") ? new URL(`${scheme}//${host}${target}`) : new URL(target);
    if (url.protocol !== scheme) return undefined;
    if (!target.startsWith("/")) headers.set("host", url.host);
    const hasBody = method !== "GET" && method !== "HEAD";
    return new Request(url, {
      method,
      headers,
      ...(hasBody ? { body: bodyOf(incoming, readOn), duplex: "half" } : {}),
    });
  } catch {
    return undefined;
  }
}
