/**
 * Requests and sockets of Deno's own HTTP server.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { DenoBodies } from "./deno_body.ts";
import { DenoSocket } from "./deno_socket.ts";
import { Gate, refusedAtGate } from "./gate.ts";
import type { ListenLimits } from "./limits.ts";
import { harmless } from "./harmless.ts";
import { listenError } from "./listen_error.ts";
import {
  GOODBYE_MS,
  type Handler,
  IDLE_TIMEOUT_S,
  type Listener,
  type ListenOptions,
  type SocketEvents,
  type Upgrade,
} from "./listener.ts";
import type { Refusals } from "./refusals.ts";
import { refusedHandshake } from "./refused_handshake.ts";

const SETTLE_STEP_MS = 10;

/** How long a server that has failed is let be until another one listens, in milliseconds. */
const AGAIN_MS = 200;

/** What is known of a connection beside its request. */
export interface ConnectionInfo {
  /** Who is at the other end; absent where that is not known. */
  readonly remoteAddr?: Deno.Addr;
  /** Settles when the answer has left, or cannot. */
  readonly completed?: Promise<void>;
}

/** Who answers, and where it is counted who is refused. */
export interface Answering {
  readonly handler: Handler;
  readonly refusals: Refusals;
  readonly bodies: DenoBodies;
  /** Who may come in, and for how long. Absent: whoever listens sees to that. */
  readonly guard?: { readonly gate: Gate; readonly limits: ListenLimits };
}

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export function listenOnDeno(handler: Handler, options: ListenOptions): Listener {
  const { host, port, isShared, limits, refusals, visits, own, log } = options;
  let { certificate } = options;
  const gate = new Gate({ limits, refusals, visits, own });
  const bodies = new DenoBodies();
  const answering = { handler, refusals, bodies, guard: { gate, limits } };
  const open = (port: number) =>
    Deno.serve({
      hostname: host,
      port,
      ...(isShared ? { reusePort: true } : {}),
      ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
      onListen: () => {},
      onError: (error) => {
        // The relay broke this answer off itself.
        if (!(error instanceof ProtocolError)) {
          log.error(`Cannot answer a request: ${messageOf(error)}`);
        }
        return harmless(new Response("the relay failed to answer\n", { status: 500 }));
      },
    }, (request, info) => answer(answering, request, info));
  try {
    const server = open(port);
    const { hostname, port: ownPort } = server.addr;
    const { shutDown, openAnew } = keepOpen(server, () => open(ownPort), log);
    return {
      hostname,
      port: ownPort,
      shutDown: async () => {
        await shutDown();
        bodies.endAll();
      },
      renew: (other) => {
        certificate = other;
        openAnew();
      },
    };
  } catch (cause) {
    throw listenError(host, port, cause);
  }
}

/** What may be done with a server that is kept open. */
interface KeptOpen {
  /** Stops whichever listens then. */
  readonly shutDown: () => Promise<void>;
  /** Has another one listen; those who are connected are told to go (1001), and may come back. */
  readonly openAnew: () => void;
}

/**
 * Listens again where `server` has failed, as it does when no more files can be opened: those who are
 * connected stay so.
 */
function keepOpen(
  server: Deno.HttpServer,
  open: () => Deno.HttpServer,
  log: Log,
): KeptOpen {
  let current: Deno.HttpServer | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDown = false;
  const watch = (server: Deno.HttpServer) => {
    current = server;
    server.finished.catch((error) => {
      if (current !== server) return;
      current = undefined;
      if (isDown) return;
      log.warn(`cannot take connections in, trying again: ${messageOf(error)}`);
      again();
    });
  };
  const openNow = () => {
    try {
      watch(open());
    } catch {
      again();
    }
  };
  const again = () => {
    timer = setTimeout(openNow, AGAIN_MS);
  };
  watch(server);
  return {
    shutDown: async () => {
      isDown = true;
      clearTimeout(timer);
      if (current !== undefined) await shutDown(current);
    },
    openAnew: () => {
      const before = current;
      // One that has failed is replaced by one with the new certificate, soon.
      if (isDown || before === undefined) return;
      current = undefined;
      before.shutdown().catch(() => {});
      openNow();
    },
  };
}

/** Answers a request of Deno's server, and serves its socket where it is upgraded. */
export async function answer(
  answering: Answering,
  request: Request,
  info: ConnectionInfo = {},
): Promise<Response> {
  const { completed } = info;
  const asked = completed === undefined || request.headers.has("upgrade")
    ? request
    : answering.bodies.patient(request, completed);
  const response = await answerOrUpgrade(answering, asked, info);
  return response.status === 101 ? response : harmless(response);
}

async function answerOrUpgrade(
  { handler, refusals, guard }: Answering,
  request: Request,
  { remoteAddr, completed }: ConnectionInfo,
): Promise<Response> {
  const peer = remoteAddr !== undefined && "hostname" in remoteAddr ? remoteAddr.hostname : "";
  if (guard === undefined) {
    const outcome = await handler({ request, address: peer, takeTime: () => {} });
    return outcome instanceof Response ? outcome : upgrade(request, outcome, { refusals });
  }
  const { gate, limits } = guard;
  const address = gate.clientOf(peer, request.headers.get("x-forwarded-for"));
  const refused = gate.enter(address) ??
    (request.headers.has("upgrade") ? leaveIf(gate.handshake(address)) : undefined);
  if (refused !== undefined) return refusedAtGate(refused);
  const leave = () => gate.leave(address);
  const outcome = await timed(
    (takeTime) => handler({ request, address, takeTime }),
    request,
    { limits, refusals },
  ).catch((error) => {
    leave();
    throw error;
  });
  if (!(outcome instanceof Response)) {
    return upgrade(request, outcome, { refusals, onClosed: leave });
  }
  if (completed === undefined) leave();
  else completed.then(leave, leave);
  return outcome;

  function leaveIf<T>(refused: T | undefined): T | undefined {
    if (refused !== undefined) gate.leave(address);
    return refused;
  }
}

/** Gives up a request of which the body is not there in time, unless it may take time. */
async function timed(
  ask: (takeTime: () => void) => Promise<Response | Upgrade>,
  { body }: Request,
  { limits, refusals }: { readonly limits: ListenLimits; readonly refusals: Refusals },
): Promise<Response | Upgrade> {
  if (body === null) return await ask(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Response>((resolve) => {
    timer = setTimeout(() => {
      refusals.add("slow", "gave up a request that was not there in time");
      resolve(new Response(null, { status: 408, headers: { connection: "close" } }));
    }, limits.bodyTimeoutMs);
  });
  const outcome = ask(() => clearTimeout(timer));
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
    // Whatever it says later is for nobody.
    outcome.catch(() => {});
  }
}

function upgrade(
  request: Request,
  { protocol, open }: Upgrade,
  { refusals, onClosed = () => {} }: {
    readonly refusals: Refusals;
    readonly onClosed?: () => void;
  },
): Response {
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
      ...(protocol === undefined ? {} : { protocol }),
    });
  } catch {
    onClosed();
    return refusedHandshake(refusals);
  }
  const { socket, response } = upgraded;
  socket.binaryType = "arraybuffer";
  const own = new DenoSocket(socket);
  let events: SocketEvents | undefined;
  socket.onopen = () => {
    events = open(own);
  };
  socket.onmessage = ({ data }) => {
    own.heard();
    events?.receive(typeof data === "string" ? data : new Uint8Array(data));
  };
  // What went wrong is told by the close that follows.
  socket.onerror = () => {};
  socket.onclose = () => {
    own.gone();
    onClosed();
    events?.closed();
  };
  return response;
}

/**
 * Stops listening, and gives answers a moment to finish. Deno cannot force them to end after that
 * (aborting then raises an error that cannot be caught); what is stuck ends with the process.
 */
async function shutDown(server: Deno.HttpServer): Promise<void> {
  let isDown = false;
  server.shutdown().then(() => {
    isDown = true;
  }, () => {
    isDown = true;
  });
  await settled(() => isDown, GOODBYE_MS);
}

/** Waits for what others bring about, for so many milliseconds at most. */
export async function settled(hasCome: () => boolean, ms: number): Promise<void> {
  for (let waitedMs = 0; !hasCome() && waitedMs < ms; waitedMs += SETTLE_STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
  }
}
