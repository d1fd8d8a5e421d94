/**
 * Runs a relay.
 *
 * @module
 */
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { Hub, type HubOptions } from "./hub.ts";
import { LocalFront } from "./local_front.ts";
import { route } from "./routes.ts";

/** How long frames in queues may still leave when the relay stops, in milliseconds. */
const DRAIN_MS = 1000;
/** How long peers may take to answer the goodbye, in milliseconds. */
const GOODBYE_MS = 1000;
const MAINTENANCE_MS = 1000;
const SETTLE_STEP_MS = 10;

/** Options of {@linkcode serve}. */
export interface ServeOptions extends HubOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  /** Its HTTP address, without a slash at the end. */
  readonly address: string;
  /** Settles once it has stopped. */
  readonly closed: Promise<void>;
}

/**
 * Starts a relay, which runs until `signal` is aborted: it then takes in no more, lets queues drain
 * for a moment, tells every peer (1001) and stops, whether they answer or not.
 *
 * @throws {StreamError} (`unreachable`) when it cannot listen
 */
export function serve(
  options: ServeOptions,
  { clock, log, signal }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Relay {
  const hub = new Hub(options, clock, log);
  const server = listen(hub, options);
  const maintenance = setInterval(() => hub.maintain(), MAINTENANCE_MS);
  const { hostname, port } = server.addr;
  const address = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const asked = Promise.withResolvers<void>();
  const ask = () => asked.resolve();
  signal.addEventListener("abort", ask);
  if (signal.aborted) ask();
  const closed = asked.promise.then(async () => {
    signal.removeEventListener("abort", ask);
    hub.refuse();
    await settled(() => hub.streams.every((live) => !live.hasQueue), DRAIN_MS);
    hub.stop();
    await settled(() => hub.streams.length === 0, GOODBYE_MS);
    clearInterval(maintenance);
    await shutDown(server);
  });
  return {
    address,
    closed,
    async [Symbol.asyncDispose](): Promise<void> {
      ask();
      await closed;
    },
  };
}

function listen(hub: Hub, { host, port }: ServeOptions): Deno.HttpServer<Deno.NetAddr> {
  const front = new LocalFront(hub);
  try {
    return Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
      onError: (error) => {
        // The relay broke this answer off itself.
        if (!(error instanceof ProtocolError)) {
          hub.log.error(`Cannot answer a request: ${messageOf(error)}`);
        }
        return new Response("the relay failed to answer\n", { status: 500 });
      },
    }, (request) => route(front, request));
  } catch (cause) {
    const seen = cause instanceof Deno.errors.AddrInUse
      ? "the port is in use; choose another with --port, or 0 for a free one"
      : cause instanceof Deno.errors.PermissionDenied
      ? "the system does not permit it; choose a port above 1023"
      : messageOf(cause);
    throw new StreamError("unreachable", `Cannot listen on ${host}:${port}: ${seen}`, { cause });
  }
}

/** Waits for what others bring about, for so many milliseconds at most. */
async function settled(hasCome: () => boolean, ms: number): Promise<void> {
  for (let waitedMs = 0; !hasCome() && waitedMs < ms; waitedMs += SETTLE_STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
  }
}

/**
 * Stops listening, and lets answers come to their end for a moment. Deno offers no force behind
 * that (to abort then is an error that nobody can catch): what is stuck ends with the process.
 */
async function shutDown(server: Deno.HttpServer): Promise<void> {
  let isDown = false;
  server.shutdown().then(() => {
    isDown = true;
  });
  await settled(() => isDown, GOODBYE_MS);
}
