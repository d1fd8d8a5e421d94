/**
 * A request of `node:http` as the relay knows it.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { isHost } from "./host_header.ts";
import { bodyOf } from "./node_body.ts";

/** The request as the handler knows it; nothing where its address cannot be told. */
export function requestOf(
  incoming: IncomingMessage,
  scheme: "http:" | "https:",
  readOn: (bytes: number) => void,
): Request | undefined {
  const { method = "GET", url: target = "", rawHeaders } = incoming;
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
