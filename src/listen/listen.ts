/**
 * Which server listens.
 *
 * @module
 */
import { listenOnDeno } from "./deno_listener.ts";
import type { Handler, Listener, ListenerKind, ListenOptions } from "./listener.ts";

/**
 * What listens where nobody has chosen: `node` for several threads, and wherever strangers come from,
 * since it alone can break off who does not behave, and take up a certificate without losing anybody.
 */
export function defaultListener(host: string, workers: number, isSecure = false): ListenerKind {
  return isLoopback(host) && workers === 1 && !isSecure ? "deno" : "node";
}

/** Whether only programs of this machine come to a host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Listens for requests to `handler`.
 *
 * @throws {StreamError} (`unreachable`) when it cannot
 */
export async function listen(
  kind: ListenerKind,
  handler: Handler,
  options: ListenOptions,
): Promise<Listener> {
  if (kind === "deno") return listenOnDeno(handler, options);
  // Only who asks for it loads `ws`, which reads the environment.
  const { listenOnNode } = await import("./node_listener.ts");
  return await listenOnNode(handler, options);
}
