/**
 * The HTTP server in front of a relay, or of one of its threads.
 *
 * @module
 */
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Front } from "../relay/front.ts";
import { route } from "../http/routes.ts";

/** How long answers may take to come to their end when the relay stops, in milliseconds. */
const GOODBYE_MS = 1000;
const SETTLE_STEP_MS = 10;

/** Where a relay listens. */
export interface ListenOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Whether other threads listen there, too. */
  readonly isShared: boolean;
}

/**
 * Listens for connections to `front`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export function listen(
  front: Front,
  { host, port, isShared }: ListenOptions,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host,
      port,
      ...(isShared ? { reusePort: true } : {}),
      onListen: () => {},
      onError: (error) => {
        // The relay broke this answer off itself.
        if (!(error instanceof ProtocolError)) {
          front.log.error(`Cannot answer a request: ${messageOf(error)}`);
        }
        return new Response("the relay failed to answer\n", { status: 500 });
      },
    }, (request) => route(front, request));
  } catch (cause) {
    throw listenError(host, port, cause);
  }
}

/** Says in a sentence why nothing can listen there. */
export function listenError(host: string, port: number, cause: unknown): StreamError {
  const seen = cause instanceof Deno.errors.AddrInUse
    ? "the port is in use; choose another with --port, or 0 for a free one"
    : cause instanceof Deno.errors.PermissionDenied
    ? "the system does not permit it; choose a port above 1023"
    : messageOf(cause);
  return new StreamError("unreachable", `Cannot listen on ${host}:${port}: ${seen}`, { cause });
}

/**
 * Stops listening, and lets answers come to their end for a moment. Deno offers no force behind
 * that (to abort then is an error that nobody can catch): what is stuck ends with the process.
 */
export async function shutDown(server: Deno.HttpServer): Promise<void> {
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
