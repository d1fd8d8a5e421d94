/**
 * Requests and sockets of `node:http` and `ws`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import { messageOf } from "../errors.ts";
import { within } from "../host/within.ts";
import { ByteTurns } from "./byte_turns.ts";
import { Framing } from "./framing.ts";
import { Gate, refusedAtGate } from "./gate.ts";
import { Inflow } from "./inflow.ts";
import {
  GOODBYE_MS,
  type Handler,
  IDLE_TIMEOUT_S,
  type Listener,
  type ListenOptions,
  type Upgrade,
} from "./listener.ts";
import { refuse, respond } from "./node_answer.ts";
import { endBehindAnswer, paceBody, passOver, timeBody } from "./node_body.ts";
import { Door } from "./node_door.ts";
import { guard } from "./node_gate.ts";
import { headerBytes, isAwaited, requestOf } from "./node_request.ts";
import { makeServer } from "./node_server.ts";
import { serveSocket } from "./node_socket.ts";
import { NodeTurns } from "./node_turns.ts";
import { NodeUpgrades } from "./node_upgrades.ts";
import { Pulse } from "./pulse.ts";
import { refusedHandshake } from "./refused_handshake.ts";

/** What takes as long as reading so many bytes: measured, rounded up. */
const COST_BYTES = {
  /** To answer a request. */
  request: 131_072,
  /** To find one in what was read. */
  found: 65_536,
  /** Each byte of a header, when it is read and again when it is asked. */
  header: 32,
} as const;

/** What the body of a request is told. */
interface BodyCalls {
  /** So many bytes of it were read. */
  readonly readOn: (bytes: number) => void;
  /** It may take as long as it likes. */
  readonly takeTime: () => void;
}

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export async function listenOnNode(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { host, port, isShared, maxFrameBytes, stallTimeoutMs, limits, visits, own } = options;
  const { certificate, refusals, log } = options;
  const gate = new Gate({ limits, refusals, visits, own });
  const turns = new NodeTurns();
  const inflows = new WeakMap<Connection, Inflow>();
  /** The newest request of a connection. */
  const newest = new WeakMap<Connection, IncomingMessage>();
  /** Those that get an answer without end. */
  const live = new WeakSet<Connection>();
  // Apart from what sockets send, which would wait behind thousands of requests.
  const asking = new ByteTurns();
  const writing = new ByteTurns();
  const shared = {
    framing: new Framing(),
    pulse: new Pulse(IDLE_TIMEOUT_S * 1000),
    unfinished: options.unfinished,
    reading: new ByteTurns(),
    refusals,
    closeTimeoutMs: limits.closeTimeoutMs,
  };
  const { server, isSecure, talking, renew } = makeServer(limits, certificate);
  const upgrades = new NodeUpgrades({
    maxFrameBytes,
    closeTimeoutMs: limits.closeTimeoutMs,
    onBroken: (incoming, connection) => {
      refuse(refusedHandshake(refusals), incoming.method, connection, writing);
    },
  });
  const ask = async (
    incoming: IncomingMessage,
    { readOn, takeTime }: BodyCalls = { readOn: () => {}, takeTime: () => {} },
  ): Promise<Response | Upgrade> => {
    const asked = guarded.clientOf(incoming);
    if ("refused" in asked) return asked.refused;
    const isUpgrade = incoming.headers.upgrade !== undefined;
    const refused = isUpgrade ? gate.handshake(asked.client) : undefined;
    if (refused !== undefined) return refusedAtGate(refused);
    const request = requestOf(incoming, isSecure ? "https:" : "http:", refusals, readOn);
    if (request instanceof Response) return request;
    try {
      return await handler({ request, address: asked.client, takeTime });
    } catch (error) {
      // Who goes in the midst of what he sends is no fault of ours, and may do so as often as he likes.
      const hasGone = incoming.destroyed && !incoming.complete;
      if (!hasGone) log.error(`Cannot answer a request: ${messageOf(error)}`);
      return new Response("the relay failed to answer\n", { status: 500 });
    }
  };
  const door = new Door(server, { host, port, isShared, refusals, log });
  const guarded = guard(server, {
    gate,
    refusals,
    stallTimeoutMs,
    isSecure,
  });
  /** Whoever has ended in the midst of a request, or of an answer without end, has gone. */
  const giveUpGone = (connection: Connection) => {
    const isHalf = newest.get(connection)?.complete === false &&
      !inflows.get(connection)!.hasRest;
    if (isHalf || live.has(connection)) connection.destroy();
  };
  server.prependListener(talking, (connection: Connection) => {
    const inflow = new Inflow(connection);
    inflows.set(connection, inflow);
    inflow.tell({
      read: () => waitForTurn(connection),
      piece: (bytes, requests) => takeTurn(connection, bytes, requests),
      through: () => {
        if (connection.readableEnded) giveUpGone(connection);
      },
    });
    connection.on("end", () => giveUpGone(connection));
    // Each request that waits for its turn listens as well; there is a limit for those.
    connection.setMaxListeners(0);
  });
  /** Reads no more of a connection until `turn`. */
  const hold = async (connection: Connection, turn: Promise<void> | undefined) => {
    if (turn === undefined) return;
    const inflow = inflows.get(connection)!;
    inflow.pause("turn");
    await turn;
    // Between a request to upgrade and its answer nobody reads, and so nothing may flow.
    if (inflow.resume("turn") && connection.listenerCount("data") > 0) connection.resume();
  };
  /** So much was let through of a connection. */
  const takeTurn = (
    connection: Connection,
    bytes: number,
    requests: number,
    cost: number = COST_BYTES.header,
  ) => void hold(connection, asking.take(cost * bytes + COST_BYTES.found * requests));
  /** What comes from hundreds of connections at once is not looked at in a single turn. */
  const waitForTurn = (connection: Connection) => {
    if (asking.isOver) hold(connection, asking.take(COST_BYTES.found));
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const connection = incoming.socket as unknown as Connection;
    const inflow = inflows.get(connection)!;
    newest.set(connection, incoming);
    inflow.count();
    const readOn = paceBody(incoming, inflow, {
      read: () => waitForTurn(connection),
      came: (bytes, requests, isBody) =>
        takeTurn(connection, bytes, requests, isBody ? 1 : undefined),
      crumbs: () => {
        refusals.add("messages", "gave up a connection that sends a body in crumbs");
        connection.destroy();
      },
    });
    if (connection.destroyed || guarded.isClosed(connection)) return;
    const takeTime = timeBody(incoming, outgoing, {
      timeoutMs: limits.bodyTimeoutMs,
      onLate: () => guarded.giveUpSlow(connection),
    });
    const turn = turns.take(connection, inflow, outgoing);
    if (turn === undefined) {
      refusals.add("messages", "gave up a connection that asks and does not wait for answers");
      return void connection.destroy();
    }
    await turn;
    await asking.take(COST_BYTES.request + COST_BYTES.header * headerBytes(incoming));
    if (outgoing.destroyed) return;
    if (isAwaited(incoming)) outgoing.writeContinue();
    const outcome = await ask(incoming, { readOn, takeTime });
    const isWhole = incoming.complete;
    if (!isWhole) {
      // Nobody wants the rest of it, which may have no end.
      inflow.pause("over");
      outgoing.shouldKeepAlive = false;
      endBehindAnswer(incoming, inflow);
    }
    // A request without `Upgrade` cannot be accepted as one.
    const answer = outcome instanceof Response
      ? outcome
      : new Response("no upgrade\n", { status: 400 });
    if (isLive(answer) && incoming.method !== "HEAD") {
      live.add(connection);
      if (connection.readableEnded) connection.destroy();
    }
    await respond(answer, incoming.method, outgoing, writing);
    live.delete(connection);
    if (isWhole) passOver(incoming);
  };
  // By itself, `node:http` answers those that expect something as they come, as many as there are.
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, serve);
  server.on("upgrade", async (incoming, stream, head) => {
    const connection = stream as Connection;
    if (guarded.isClosed(connection)) return;
    if (turns.isTaken(connection)) {
      // The first answer would come in the midst of another (RFC 9112 section 9.3.2).
      refusals.add("handshake", "gave up a connection that upgrades before it has its answers");
      return void connection.destroy();
    }
    await asking.take(COST_BYTES.request + COST_BYTES.header * headerBytes(incoming));
    if (connection.destroyed) return;
    // HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
    const outcome = incoming.httpVersion === "1.0"
      ? refusedHandshake(refusals)
      : await ask(incoming);
    if (outcome instanceof Response) {
      return await refuse(outcome, incoming.method, connection, writing);
    }
    guarded.release(connection);
    upgrades.open(incoming, connection, head, outcome.protocol, (socket) => {
      serveSocket({ socket, connection, inflow: inflows.get(connection)! }, shared, outcome.open);
    });
  });
  const bound = await door.open();
  return {
    hostname: bound.address,
    port: bound.port,
    renew,
    shutDown: async () => {
      door.shut();
      const down = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await within(GOODBYE_MS, down);
      guarded.destroyAll();
    },
  };
}

/** Whether an answer goes on for as long as its reader is there: no proxy may wait for all of it. */
function isLive({ headers }: Response): boolean {
  return headers.get("x-accel-buffering") === "no" && !headers.has("content-length");
}
