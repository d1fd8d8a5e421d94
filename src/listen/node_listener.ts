/**
 * Requests and sockets of `node:http` and `ws`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket as Connection } from "node:net";
// @ts-types="../../types/ws.d.ts"
import { WebSocketServer } from "ws";
import { messageOf } from "../errors.ts";
import { within } from "../host/within.ts";
import { ByteTurns } from "./byte_turns.ts";
import { Framing } from "./framing.ts";
import { Gate, refusedAtGate } from "./gate.ts";
import { harmless } from "./harmless.ts";
import { isHost } from "./host_header.ts";
import {
  GOODBYE_MS,
  type Handler,
  IDLE_TIMEOUT_S,
  type Listener,
  type ListenOptions,
  type Upgrade,
} from "./listener.ts";
import { Inflow } from "./inflow.ts";
import { bodyOf, paceBody, passOver, writeBody } from "./node_body.ts";
import { Door } from "./node_door.ts";
import { refusedHandshake } from "./refused_handshake.ts";
import { endSoon, guard } from "./node_gate.ts";
import { serveSocket } from "./node_socket.ts";
import { NodeTurns } from "./node_turns.ts";
import { Pulse } from "./pulse.ts";

/** How often those are looked for that take too long, in milliseconds. */
const CHECK_MS = 500;
/** Most bytes of a request's header. */
const MAX_HEADER_BYTES = 16_384;
/**
 * Bytes that a message may have beyond a frame: for its header, for control messages where frames are
 * small, and so that the relay itself tells who sends a little too much.
 */
const MESSAGE_ROOM_BYTES = 65_536;

/** Reads in which a message may come: at least, and of how many bytes where it is a large one. */
const MIN_PARTS = 16_384;
const MEAN_PART_BYTES = 512;

/** A request takes as long as reading so many bytes: measured, rounded up. */
const REQUEST_COST_BYTES = 131_072;

/** The answer to a request whose address cannot be told. */
const UNREADABLE = "Cannot understand the request: its Host header is not an address\n";

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export async function listenOnNode(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { host, port, isShared, maxFrameBytes, stallTimeoutMs, limits, visits, own } = options;
  const { certificate, refusals, log } = options;
  const gate = new Gate({ limits, refusals, visits, own });
  const protocols = new WeakMap<IncomingMessage, string>();
  const turns = new NodeTurns();
  const inflows = new WeakMap<Connection, Inflow>();
  const writing = new ByteTurns();
  const shared = {
    framing: new Framing(),
    pulse: new Pulse(IDLE_TIMEOUT_S * 1000),
    unfinished: options.unfinished,
    reading: new ByteTurns(),
    refusals,
    closeTimeoutMs: limits.closeTimeoutMs,
  };
  const sockets = new WebSocketServer<IncomingMessage, Connection>({
    noServer: true,
    clientTracking: false,
    autoPong: false,
    perMessageDeflate: false,
    skipUTF8Validation: false,
    maxPayload: maxFrameBytes + MESSAGE_ROOM_BYTES,
    maxBufferedChunks: Math.max(MIN_PARTS, Math.ceil(maxFrameBytes / MEAN_PART_BYTES)),
    closeTimeout: limits.closeTimeoutMs,
    handleProtocols: (_, request) => protocols.get(request) ?? false,
  });
  sockets.on("wsClientError", (_, connection, incoming) => {
    refuse(refusedHandshake(refusals), incoming.method, connection, writing);
  });
  const ask = async (
    incoming: IncomingMessage,
    readOn: (bytes: number) => void = () => {},
  ): Promise<Response | Upgrade> => {
    const asked = guarded.clientOf(incoming);
    if ("refused" in asked) return asked.refused;
    const isUpgrade = incoming.headers.upgrade !== undefined;
    const refused = isUpgrade ? gate.handshake(asked.client) : undefined;
    if (refused !== undefined) return refusedAtGate(refused);
    const request = requestOf(incoming, certificate === undefined ? "http:" : "https:", readOn);
    if (request === undefined) {
      refusals.add("host", "refused a request of which the Host is no address");
      return new Response(UNREADABLE, { status: 400 });
    }
    try {
      return await handler({ request, address: asked.client });
    } catch (error) {
      log.error(`Cannot answer a request: ${messageOf(error)}`);
      return new Response("the relay failed to answer\n", { status: 500 });
    }
  };
  const serverOptions = {
    headersTimeout: limits.headerTimeoutMs,
    requestTimeout: Math.max(limits.headerTimeoutMs, limits.bodyTimeoutMs),
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  };
  const secureServer = certificate === undefined ? undefined : createSecureServer({
    ...serverOptions,
    ...certificate,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.headerTimeoutMs,
  });
  const server = secureServer ?? createServer(serverOptions);
  const door = new Door(server, { host, port, isShared, refusals, log });
  const guarded = guard(server, {
    gate,
    refusals,
    stallTimeoutMs,
    isSecure: secureServer !== undefined,
  });
  const talking = secureServer === undefined ? "connection" : "secureConnection";
  server.prependListener(talking, (connection: Connection) => {
    inflows.set(connection, new Inflow(connection));
    // Each request that waits for its turn listens as well; there is a limit for those.
    connection.setMaxListeners(0);
  });
  server.on("request", async (incoming, outgoing) => {
    const connection = incoming.socket as unknown as Connection;
    const inflow = inflows.get(connection)!;
    inflow.count();
    const readOn = paceBody(incoming, inflow, () => {
      refusals.add("messages", "gave up a connection that sends a body in crumbs");
      connection.destroy();
    });
    if (connection.destroyed || guarded.isClosed(connection)) return;
    const turn = turns.take(connection, inflow, outgoing);
    if (turn === undefined) {
      refusals.add("messages", "gave up a connection that asks and does not wait for answers");
      return void connection.destroy();
    }
    await turn;
    await shared.reading.take(REQUEST_COST_BYTES);
    if (outgoing.destroyed) return;
    const outcome = await ask(incoming, readOn);
    const isWhole = incoming.complete;
    if (!isWhole) {
      // Nobody wants the rest of it, which may have no end.
      inflow.pause("over");
      outgoing.shouldKeepAlive = false;
    }
    // A request without `Upgrade` cannot be accepted as one.
    await respond(
      outcome instanceof Response ? outcome : new Response("no upgrade\n", { status: 400 }),
      incoming.method,
      outgoing,
      writing,
    );
    if (isWhole) passOver(incoming);
  });
  server.on("upgrade", async (incoming, stream, head) => {
    const connection = stream as Connection;
    if (guarded.isClosed(connection)) return;
    // HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
    const outcome = incoming.httpVersion === "1.0"
      ? refusedHandshake(refusals)
      : await ask(incoming);
    if (outcome instanceof Response) {
      return await refuse(outcome, incoming.method, connection, writing);
    }
    guarded.release(connection);
    if (outcome.protocol !== undefined) protocols.set(incoming, outcome.protocol);
    sockets.handleUpgrade(
      incoming,
      connection,
      head,
      (socket) => {
        const wire = { socket, connection, inflow: inflows.get(connection)! };
        serveSocket(wire, shared, outcome.open);
      },
    );
  });
  const bound = await door.open();
  return {
    hostname: bound.address,
    port: bound.port,
    renew: ({ cert, key }) => secureServer?.setSecureContext({ cert, key }),
    shutDown: async () => {
      door.shut();
      const down = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await within(GOODBYE_MS, down);
      guarded.destroyAll();
    },
  };
}

/** The request as the handler knows it; nothing where its address cannot be told. */
function requestOf(
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

async function respond(
  response: Response,
  method: string | undefined,
  outgoing: ServerResponse,
  writing: ByteTurns,
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
  if (await writeBody(body, outgoing, writing)) outgoing.end();
}

/** Answers a request to upgrade that is not followed, and ends the connection behind it. */
async function refuse(
  response: Response,
  method: string | undefined,
  connection: Connection,
  writing: ByteTurns,
): Promise<void> {
  const { status, statusText, headers, body, ok } = harmless(response);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${statusText}\r\n${lines}connection: close\r\n\r\n`,
  );
  // Its peer may hold it open.
  connection.on("finish", () => endSoon(connection));
  if (body === null || method === "HEAD") {
    await body?.cancel();
    connection.end(head);
  } else if (ok) {
    // Whoever would upgrade to something else gets an answer as without it, which may have no end.
    connection.write(head);
    if (await writeBody(body, connection, writing)) connection.end();
  } else {
    // In one piece: some clients take what is read first for all of it.
    connection.end(Buffer.concat([head, await response.bytes()]));
  }
}
