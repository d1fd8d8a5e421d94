/**
 * The relay's addresses.
 *
 * @module
 */
// @ts-types="../../types/std_streams.d.ts"
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
// @ts-types="../../types/std_streams.d.ts"
import { toText } from "@std/streams/to-text";
import type { FrameRate } from "../core/stream.ts";
import { MAX_FPS, MIN_FPS } from "../core/tick.ts";
import type { JoinFrom } from "../core/viewer_feed.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import { acceptPeer, type PeerRequest } from "./accept.ts";
import type { BareRole } from "./bare_peer.ts";
import type { Hub } from "./hub.ts";
import { metricsText } from "./metrics.ts";

/** Largest body of a request in bytes. */
const MAX_BODY_BYTES = 4096;
const BARE_ROLES: readonly BareRole[] = ["both", "watch", "publish"];
const JOIN_FROM: readonly JoinFrom[] = ["key", "live"];
/** Most viewers that are listed one by one. */
const MAX_LISTED_VIEWERS = 1000;

/** Answers a request to the relay. */
export async function route(hub: Hub, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const path = decodedPath(url.pathname);
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    if (request.method !== "GET") return notAllowed("GET");
    return acceptPeer(hub, request, peerRequest(path, url.searchParams));
  }
  if (path === "/api/streams" || path.startsWith("/api/streams/")) {
    return await api(hub, request, path.slice("/api/streams/".length));
  }
  if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
  switch (path) {
    case "/":
      return text(200, overview(hub, url));
    case "/health":
      return text(200, "ok\n");
    case "/ready":
      return hub.isStopping ? text(503, "stopping\n") : text(200, "ready\n");
    case "/metrics":
      return new Response(metricsText(hub), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
  }
  const fault = nameFault(path.slice(1));
  if (fault !== undefined) return text(404, `Cannot find ${url.pathname}: ${fault}\n`);
  return text(426, `A stream is a WebSocket: stream watch ws://${url.host}${url.pathname}\n`, {
    upgrade: "websocket",
    connection: "upgrade",
  });
}

async function api(hub: Hub, request: Request, name: string): Promise<Response> {
  if (name === "") {
    if (request.method !== "GET") return notAllowed("GET");
    return json(200, hub.streams.map((live) => live.status()));
  }
  const viewersOf = /^(.+)\/viewers$/.exec(name)?.[1];
  if (viewersOf !== undefined) {
    if (request.method !== "GET") return notAllowed("GET");
    const live = hub.find(viewersOf);
    return live === undefined
      ? unknownStream(viewersOf)
      : json(200, live.viewerStatuses(MAX_LISTED_VIEWERS));
  }
  if (request.method !== "GET" && request.method !== "PATCH") return notAllowed("GET, PATCH");
  const live = hub.find(name);
  if (live === undefined) return unknownStream(name);
  if (request.method === "PATCH") {
    let fps: FrameRate;
    try {
      fps = readPatch(await body(request));
    } catch (error) {
      return json(400, { error: messageOf(error) });
    }
    const before = live.fps;
    live.setFps(fps);
    hub.log.info(`"${name}" goes from ${before} to ${fps} fps`, { stream: name, fps });
  }
  return json(200, live.status());
}

function unknownStream(name: string): Response {
  return json(404, {
    error: nameFault(name) ?? `there is no stream "${name}": nobody publishes or watches it`,
  });
}

async function body(request: Request): Promise<string> {
  if (request.body === null) return "";
  const limit = new LimitedBytesTransformStream(MAX_BODY_BYTES, { error: true });
  try {
    return await toText(request.body.pipeThrough(limit));
  } catch (cause) {
    throw new Error(`the body is not text of at most ${MAX_BODY_BYTES} bytes`, { cause });
  }
}

function readPatch(text: string): FrameRate {
  const example = `it should read {"fps": 60} or {"fps": "source"}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the body is not JSON; ${example}`);
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const unknown = isObject ? Object.keys(value as object).filter((key) => key !== "fps") : [];
  if (!isObject || unknown.length > 0 || !Object.hasOwn(value as object, "fps")) {
    const seen = unknown.length > 0 ? `the field "${unknown[0]}" cannot be changed` : "no fps";
    throw new Error(`the body has ${seen}; ${example}`);
  }
  const { fps } = value as { fps: unknown };
  if (fps === "source") return fps;
  if (typeof fps !== "number" || !(fps >= MIN_FPS && fps <= MAX_FPS)) {
    throw new Error(
      `fps is ${JSON.stringify(fps)}, not a number from ${MIN_FPS} to ${MAX_FPS}; ${example}`,
    );
  }
  return fps;
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

function json(status: number, value: unknown): Response {
  return Response.json(value, { status, headers: { "cache-control": "no-store" } });
}

function text(status: number, value: string, headers: Record<string, string> = {}): Response {
  return new Response(value, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...headers,
    },
  });
}

function notAllowed(allow: string): Response {
  return text(405, `Cannot do this here: only ${allow}\n`, { allow });
}
