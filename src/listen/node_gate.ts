/**
 * The connections of `node:http`: counted, and given up where they are too many or too slow.
 *
 * @module
 */
import type { IncomingMessage, Server } from "node:http";
import type { Socket as Connection } from "node:net";
import { type Gate, type GateRefusal, refusedAtGate } from "./gate.ts";
import { HARMLESS_LINES } from "./harmless.ts";
import type { Refusals } from "./refusals.ts";

/** How long a connection that is refused may take to read why, in milliseconds. */
const GOODBYE_MS = 500;
/** Most connections that are told; whoever comes beyond that is closed at once. */
const MAX_TOLD = 32;

/** Ends a connection that has been told why, whether it has read that or not. */
function endSoon(connection: Connection): void {
  if (connection.destroyed) return;
  const timer = setTimeout(() => connection.destroy(), GOODBYE_MS);
  connection.on("close", () => clearTimeout(timer));
}

/** What a server's connections are held to. */
export interface NodeGate {
  /** Who sends a request, unless there are too many of them already. */
  clientOf(incoming: IncomingMessage): { readonly client: string } | { readonly refused: Response };
  /** Whether nothing is taken from a connection any more. */
  isClosed(connection: Connection): boolean;
  /** Gives up every connection. */
  destroyAll(): void;
}

/** Holds the connections of `server` to what `gate` lets in. */
export function guard(server: Server, gate: Gate, refusals: Refusals): NodeGate {
  const connections = new Set<Connection>();
  const told = new Set<Connection>();
  /** Whom a proxy's connection serves. */
  const visitOf = new WeakMap<Connection, string>();
  server.on("connection", (connection: Connection) => {
    connection.on("error", () => {});
    const address = connection.remoteAddress ?? "";
    const refused = gate.enter(address);
    if (refused !== undefined) return tell(connection, refused);
    connections.add(connection);
    connection.on("close", () => {
      connections.delete(connection);
      gate.leave(address);
    });
  });
  // Without this, whoever is too slow is answered the same, but not counted.
  server.on("clientError", (error: Error & { readonly code?: string }, connection: Connection) => {
    const isSlow = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    if (isSlow) refusals.add("slow", "gave up a request that was not there in time");
    const status = isSlow
      ? "408 Request Timeout"
      : error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : "400 Bad Request";
    if (connection.writable) {
      connection.end(
        `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n${HARMLESS_LINES}connection: close\r\n\r\n`,
      );
    }
    endSoon(connection);
  });

  function tell(connection: Connection, refused: GateRefusal): void {
    if (told.size >= MAX_TOLD) return void connection.destroy();
    told.add(connection);
    const { status, statusText, sentence, retryAfterS } = refused;
    connection.end(
      `HTTP/1.1 ${status} ${statusText}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
        `content-length: ${sentence.length}\r\nretry-after: ${retryAfterS}\r\n` +
        `${HARMLESS_LINES}connection: close\r\n\r\n${sentence}`,
    );
    endSoon(connection);
    connection.on("close", () => told.delete(connection));
  }

  return {
    clientOf(incoming) {
      const connection = incoming.socket as unknown as Connection;
      const address = connection.remoteAddress ?? "";
      const forwarded = incoming.headers["x-forwarded-for"];
      const client = gate.clientOf(address, forwarded === undefined ? null : String(forwarded));
      // A proxy's connection serves one request after the other, of one client after the other.
      if (client !== address && visitOf.get(connection) !== client) {
        const before = visitOf.get(connection);
        const refused = gate.visit(client);
        if (refused !== undefined) return { refused: refusedAtGate(refused) };
        if (before === undefined) {
          connection.on("close", () => gate.endVisit(visitOf.get(connection)!));
        } else gate.endVisit(before);
        visitOf.set(connection, client);
      }
      return { client };
    },
    isClosed: (connection) => told.has(connection),
    destroyAll: () => {
      for (const connection of [...connections, ...told]) connection.destroy();
    },
  };
}
