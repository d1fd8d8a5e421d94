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
import { LOOK_MS, StandingAnswers } from "./standing_answers.ts";

/** How long a connection that is refused may take to read why, in milliseconds. */
const GOODBYE_MS = 500;
/** Most connections that are told; whoever comes beyond that is closed at once. */
const MAX_TOLD = 8;

/** What is told whose request is not there in time. */
const SLOW = "408 Request Timeout";

/** Ends a connection that has been told why, whether it has read that or not. */
export function endSoon(connection: Connection): void {
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
  /** Leaves it to others how long a connection may take for what it is sent. */
  release(connection: Connection): void;
  /** Gives up a connection of which the request is not there in time, and says so. */
  giveUpSlow(connection: Connection): void;
  /** Gives up every connection. */
  destroyAll(): void;
}

/** What connections are held to. */
export interface GuardOptions {
  readonly gate: Gate;
  readonly refusals: Refusals;
  /** How long an answer may find no taker, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Whether they speak TLS. */
  readonly isSecure: boolean;
}

/** Holds the connections of `server` to what `gate` lets in. */
export function guard(
  server: Server,
  { gate, refusals, stallTimeoutMs, isSecure }: GuardOptions,
): NodeGate {
  const connections = new Set<Connection>();
  const answered = new StandingAnswers<Connection>(stallTimeoutMs);
  const told = new Set<Connection>();
  /** Whom a proxy's connection serves. */
  const visitOf = new WeakMap<Connection, string>();
  server.on("connection", (connection: Connection) => {
    connection.on("error", () => {});
    const address = connection.remoteAddress ?? "";
    const refused = gate.enter(address);
    // By TLS, it would cost a handshake to tell.
    if (refused !== undefined) {
      return isSecure ? void connection.destroy() : tell(connection, refused);
    }
    keep(connection);
    connection.on("close", () => gate.leave(address));
    if (!isSecure) answer(connection);
  });
  // What is said by TLS has another socket, above the one that was counted.
  server.on("secureConnection", (connection: Connection) => {
    connection.on("error", () => {});
    keep(connection);
    answer(connection);
  });

  function keep(connection: Connection): void {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  }

  function answer(connection: Connection): void {
    answered.add(connection);
    connection.on("close", () => answered.delete(connection));
  }

  // Without this, whoever is too slow is answered the same, but not counted.
  server.on("clientError", (error: Error & { readonly code?: string }, connection: Connection) => {
    const hasNoTls = isSecure && !connections.has(connection);
    const isSlow = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ||
      (hasNoTls && /handshake timeout/i.test(error.message));
    if (isSlow) countSlow();
    // Who has not shaken hands cannot be told.
    if (hasNoTls) return void connection.destroy();
    endWith(
      connection,
      isSlow
        ? SLOW
        : error.code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : "400 Bad Request",
    );
  });

  function countSlow(): void {
    refusals.add("slow", "gave up a request that was not there in time");
  }

  function endWith(connection: Connection, status: string): void {
    if (connection.writable) {
      connection.end(
        `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n${HARMLESS_LINES}connection: close\r\n\r\n`,
      );
    }
    endSoon(connection);
  }

  // Bodies that the relay paces are given up by it, which comes first; this is for all others.
  const giveUpStanding = () => {
    for (const connection of answered.look()) {
      refusals.add("stalled", `gave up an answer that nobody read for ${stallTimeoutMs} ms`);
      connection.destroy();
    }
  };
  let looking: ReturnType<typeof setInterval> | undefined;
  server.once("listening", () => looking = setInterval(giveUpStanding, LOOK_MS));

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
    giveUpSlow: (connection) => {
      countSlow();
      endWith(connection, SLOW);
    },
    release: (connection) => answered.delete(connection),
    destroyAll: () => {
      clearInterval(looking);
      for (const connection of [...connections, ...told]) connection.destroy();
    },
  };
}
