/**
 * Requests and sockets of `node:http` and `ws`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import { Readable, type Writable } from "node:stream";
// @ts-types="../../types/ws.d.ts"
import { WebSocketServer } from "ws";
import { messageOf, ProtocolError } from "../errors.ts";
import { within } from "../host/within.ts";
import { harmless } from "./harmless.ts";
import { isHost } from "./host_header.ts";
import { listenError } from "./listen_error.ts";
import {
  GOODBYE_MS,
  type Handler,
  type Listener,
  type ListenOptions,
  type Upgrade,
} from "./listener.ts";
import { refusedHandshake } from "./refused_handshake.ts";
import { serveSocket } from "./node_socket.ts";

/** How long a request's header may take, in milliseconds. */
const HEADER_MS = 5000;
/** How long a request may take with its body, in milliseconds. */
const REQUEST_MS = 10_000;
/** How long a connection may wait for its next request, in milliseconds. */
const KEPT_MS = 60_000;
/** How often those are looked for that take too long, in milliseconds. */
const CHECK_MS = 500;
/** Most bytes of a request's header. */
const MAX_HEADER_BYTES = 16_384;
/** How long a close may stay unanswered until the connection is broken off, in milliseconds. */
const CLOSE_MS = 2000;
/**
 * Bytes that a message may have beyond a frame: for its header, for control messages where frames are
 * small, and so that the relay itself tells who sends a little too much.
 */
const MESSAGE_ROOM_BYTES = 65_536;

/** The answer to a request whose address cannot be told. */
const UNREADABLE = "Cannot understand the request: its Host header is not an address\n";

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export async function listenOnNode(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { host, port, isShared, maxFrameBytes, refusals, log } = options;
  const connections = new Set<Connection>();
  const protocols = new WeakMap<IncomingMessage, string>();
  const sockets = new WebSocketServer<IncomingMessage, Connection>({
    noServer: true,
    clientTracking: false,
    autoPong: false,
    perMessageDeflate: false,
    skipUTF8Validation: false,
    maxPayload: maxFrameBytes + MESSAGE_ROOM_BYTES,
    closeTimeout: CLOSE_MS,
    handleProtocols: (_, request) => protocols.get(request) ?? false,
  });
  const ask = async (incoming: IncomingMessage): Promise<Response | Upgrade> => {
    const request = requestOf(incoming);
    if (request === undefined) {
      refusals.add("host", "refused a request of which the Host is no address");
      return new Response(UNREADABLE, { status: 400 });
    }
    try {
      return await handler({ request, address: incoming.socket.remoteAddress ?? "" });
    } catch (error) {
      log.error(`Cannot answer a request: ${messageOf(error)}`);
      return new Response("the relay failed to answer\n", { status: 500 });
    }
  };
  sockets.on("wsClientError", (_, connection, incoming) => {
    refuse(refusedHandshake(refusals), incoming.method, connection);
  });
  const server = createServer({
    headersTimeout: HEADER_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEPT_MS,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  });
  server.on("connection", (connection: Connection) => {
    connections.add(connection);
    connection.on("error", () => {});
    connection.on("close", () => connections.delete(connection));
  });
  server.on("request", async (incoming, outgoing) => {
    const outcome = await ask(incoming);
    // A request without `Upgrade` cannot be accepted as one.
    await respond(
      outcome instanceof Response ? outcome : new Response("no upgrade\n", { status: 400 }),
      incoming.method,
      outgoing,
    );
  });
  server.on("upgrade", async (incoming, stream, head) => {
    const connection = stream as Connection;
    connection.on("error", () => {});
    // HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
    const outcome = incoming.httpVersion === "1.0"
      ? refusedHandshake(refusals)
      : await ask(incoming);
    if (outcome instanceof Response) {
      return await refuse(outcome, incoming.method, connection);
    }
    if (outcome.protocol !== undefined) protocols.set(incoming, outcome.protocol);
    sockets.handleUpgrade(
      incoming,
      connection,
      head,
      (socket) => serveSocket(socket, connection, outcome.open),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(listenError(host, port, cause)));
    const where = isShared ? { host, port, reusePort: true } : { host, port };
    server.listen(where, () => resolve());
  });
  server.on("error", (error) => log.error(`Cannot take a connection in: ${messageOf(error)}`));
  const own = server.address() as { address: string; port: number };
  return {
    hostname: own.address,
    port: own.port,
    shutDown: async () => {
      const down = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await within(GOODBYE_MS, down);
      for (const connection of connections) connection.destroy();
    },
  };
}

/** The request as the handler knows it; nothing where its address cannot be told. */
function requestOf(incoming: IncomingMessage): Request | undefined {
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
    const url = target.startsWith("/") ? new URL(`http://${host}${target}`) : new URL(target);
    if (url.protocol !== "http:") return undefined;
    if (!target.startsWith("/")) headers.set("host", url.host);
    const hasBody = method !== "GET" && method !== "HEAD";
    return new Request(url, {
      method,
      headers,
      ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" } : {}),
    });
  } catch {
    return undefined;
  }
}

async function respond(
  response: Response,
  method: string | undefined,
  outgoing: ServerResponse,
): Promise<void> {
  const { status, headers, body } = harmless(response);
  outgoing.on("error", () => {});
  outgoing.writeHead(status, [...headers].flat());
  if (body === null || method === "HEAD") {
    await body?.cancel();
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  if (await pump(body, outgoing)) outgoing.end();
}

/** Answers a request to upgrade that is not followed, and ends the connection behind it. */
async function refuse(
  response: Response,
  method: string | undefined,
  connection: Connection,
): Promise<void> {
  const { status, statusText, headers, body, ok } = harmless(response);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${statusText}\r\n${lines}connection: close\r\n\r\n`,
  );
  if (body === null || method === "HEAD") {
    await body?.cancel();
    connection.end(head);
  } else if (ok) {
    // Whoever would upgrade to something else gets an answer as without it, which may have no end.
    connection.write(head);
    if (await pump(body, connection)) connection.end();
  } else {
    // In one piece: some clients take what is read first for all of it.
    connection.end(Buffer.concat([head, await response.bytes()]));
  }
}

/** Writes a body as fast as it is taken; breaks the connection off, and says `false`, if it fails. */
async function pump(body: ReadableStream<Uint8Array>, to: Writable): Promise<boolean> {
  const reader = body.getReader();
  let wake = () => {};
  let isGone = false;
  to.on("drain", () => wake());
  to.on("close", () => {
    isGone = true;
    wake();
    reader.cancel().catch(() => {});
  });
  // Whoever has gone by now is not told of again.
  if (to.destroyed) {
    await reader.cancel();
    return false;
  }
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isGone) return false;
      if (done) return true;
      if (!to.write(value)) await new Promise<void>((resolve) => wake = resolve);
    }
  } catch (error) {
    // The relay broke this answer off itself, or could not read what it is made of.
    to.destroy(error instanceof ProtocolError ? undefined : error as Error);
    return false;
  }
}
