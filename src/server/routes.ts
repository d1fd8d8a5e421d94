/**
 * The relay's addresses.
 *
 * @module
 */
import type { JoinFrom } from "../core/feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import { acceptPeer, type PeerRequest } from "./accept.ts";
import { isReading, notAllowed, text } from "./answer.ts";
import { api } from "./api.ts";
import type { BareRole } from "./bare_peer.ts";
import type { Hub } from "./hub.ts";
import { metricsText } from "./metrics.ts";
import { refuseForeign, senderOf, share } from "./origin.ts";
import { asset, notFoundPage, wantsPage } from "./pages.ts";
import { pictureAddress, pictures } from "./pictures.ts";

const ASSETS_FOLDER = "/assets/";
const BARE_ROLES: readonly BareRole[] = ["both", "watch", "publish"];
const JOIN_FROM: readonly JoinFrom[] = ["key", "live"];

/** Answers a request to the relay. */
export async function route(hub: Hub, request: Request): Promise<Response> {
  const url = URL.parse(request.url);
  if (url === null) return text(400, "Cannot understand the request: its Host is no address\n");
  const path = decodedPath(url.pathname);
  const sender = senderOf(request, url, hub.options.allowOrigins);
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    if (request.method !== "GET") return notAllowed("GET");
    if (!sender.isTrusted) return refuseForeign(sender);
    return acceptPeer(hub, request, peerRequest(path, url.searchParams));
  }
  // Any page may read: without leave, its scripts do not see the answers.
  if (!sender.isTrusted && !isReading(request)) return refuseForeign(sender);
  return share(await answer(hub, request, url, path), sender);
}

async function answer(hub: Hub, request: Request, url: URL, path: string): Promise<Response> {
  if (path === "/api/streams" || path.startsWith("/api/streams/")) {
    return await api(hub, request, path.slice("/api/streams/".length));
  }
  if (!isReading(request)) return notAllowed("GET, HEAD");
  const address = pictureAddress(path, url.searchParams);
  if (address !== undefined) return await pictures(hub, request, address);
  switch (path) {
    case "/":
      return wantsPage(request)
        ? await asset(request, "streams.html")
        : text(200, overview(hub, url), { vary: "accept" });
    case "/health":
      return text(200, "ok\n");
    case "/ready":
      return hub.isStopping ? text(503, "stopping\n") : text(200, "ready\n");
    case "/metrics":
      return new Response(metricsText(hub), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
  }
  if (path.startsWith(ASSETS_FOLDER)) return await asset(request, path.slice(ASSETS_FOLDER.length));
  const fault = nameFault(path.slice(1));
  if (fault !== undefined) {
    const sentence = `Cannot find ${url.pathname}: ${fault}`;
    return wantsPage(request)
      ? await notFoundPage(request, sentence)
      : text(404, `${sentence}\n`, { vary: "accept" });
  }
  if (wantsPage(request)) return await asset(request, "player.html");
  return text(426, `A stream is a WebSocket: stream watch ws://${url.host}${url.pathname}\n`, {
    upgrade: "websocket",
    connection: "upgrade",
    vary: "accept",
  });
}

function peerRequest(path: string, query: URLSearchParams): PeerRequest {
  const name = path === "/" ? DEFAULT_NAME : path.slice(1);
  const role = query.get("role") ?? "both";
  const nameIs = nameFault(name);
  if (nameIs !== undefined) return refusal(name, CLOSE.badName, nameIs);
  if (!BARE_ROLES.includes(role as BareRole)) {
    return refusal(name, CLOSE.protocolError, `role is not one of ${BARE_ROLES.join(", ")}`);
  }
  const joinFrom = query.get("join") ?? "key";
  if (!JOIN_FROM.includes(joinFrom as JoinFrom)) {
    return refusal(name, CLOSE.protocolError, `join is not one of ${JOIN_FROM.join(", ")}`);
  }
  return { name, role: role as BareRole, joinFrom: joinFrom as JoinFrom, fault: undefined };
}

function refusal(name: string, code: number, reason: string): PeerRequest {
  return { name, role: "both", joinFrom: "key", fault: new ProtocolError(code, reason) };
}

function overview(hub: Hub, url: URL): string {
  const rows = hub.streams.map((live) => {
    const { name, format, width, height, fps, publishing, viewers, dropped } = live.status();
    const size = width === null ? "" : ` ${width}x${height}`;
    const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return `  ws://${url.host}/${name}  ${format ?? "no frame yet"}${size}  ${fps} fps  ` +
      `${publishing ? "live" : "no publisher"}  viewers ${viewers}  drops ${drops}\n`;
  });
  const list = rows.length > 0 ? rows.join("") : [
    "  none yet; this makes one:\n",
    `    stream publish --test-pattern ws://${url.host}/live\n`,
  ].join("");
  return `stream: a live video frame relay\n\nstreams:\n${list}\n` +
    `as JSON: ${url.origin}/api/streams\n`;
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A malformed escape matches nothing, and is answered as an unknown address.
    return path;
  }
}
