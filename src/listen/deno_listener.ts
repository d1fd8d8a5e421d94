/**
 * Requests and sockets of Deno's own HTTP server.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { DenoSocket } from "./deno_socket.ts";
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

/** What is known of a connection beside its request. */
export interface ConnectionInfo {
  /** Who is at the other end; absent where that is not known. */
  readonly remoteAddr?: Deno.Addr;
}

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export function listenOnDeno(
  handler: Handler,
  { host, port, isShared, refusals, log }: ListenOptions,
): Listener {
  try {
    const server = Deno.serve({
      hostname: host,
      port,
      ...(isShared ? { reusePort: true } : {}),
      onListen: () => {},
      onError: (error) => {
        // The relay broke this answer off itself.
        if (!(error instanceof ProtocolError)) {
          log.error(`Cannot answer a request: ${messageOf(error)}`);
        }
        return harmless(new Response("the relay failed to answer\n", { status: 500 }));
      },
    }, (request, info) => answer({ handler, refusals }, request, info));
    const { hostname, port: ownPort } = server.addr;
    return { hostname, port: ownPort, shutDown: () => shutDown(server) };
  } catch (cause) {
    throw listenError(host, port, cause);
  }
}

/** Who answers, and where it is counted who is refused. */
export interface Answering {
  readonly handler: Handler;
  readonly refusals: Refusals;
}

/** Answers a request of Deno's server, and serves its socket where it is upgraded. */
export async function answer(
  { handler, refusals }: Answering,
  request: Request,
  { remoteAddr }: ConnectionInfo = {},
): Promise<Response> {
  const address = remoteAddr !== undefined && "hostname" in remoteAddr ? remoteAddr.hostname : "";
  const outcome = await handler({ request, address });
  if (outcome instanceof Response) return harmless(outcome);
  return upgrade(request, outcome) ?? harmless(refusedHandshake(refusals));
}

/** Opens a socket; nothing where the request cannot be upgraded. */
function upgrade(request: Request, { protocol, open }: Upgrade): Response | undefined {
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
      ...(protocol === undefined ? {} : { protocol }),
    });
  } catch {
    return undefined;
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
  });
  await settled(() => isDown, GOODBYE_MS);
}

/** Waits for what others bring about, for so many milliseconds at most. */
export async function settled(hasCome: () => boolean, ms: number): Promise<void> {
  for (let waitedMs = 0; !hasCome() && waitedMs < ms; waitedMs += SETTLE_STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
  }
}
