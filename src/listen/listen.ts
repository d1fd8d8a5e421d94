/**
 * Which server listens.
 *
 * @module
 */
import { listenOnDeno } from "./deno_listener.ts";
import type { Handler, Listener, ListenerKind, ListenOptions } from "./listener.ts";

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
