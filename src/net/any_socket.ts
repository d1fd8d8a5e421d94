/**
 * The WebSocket of a client, wherever it runs.
 *
 * @module
 */
import { openPlatformSocket, type OpenSocket } from "./socket.ts";

/** What is there of a process in Deno, Node.js and Bun, and not in a browser. */
interface Surroundings {
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/**
 * What opens WebSockets here: `ws` where Node's modules are, the platform's own elsewhere. Node.js has
 * none of its own before version 22, and Deno's holds small frames up (see client_socket.ts).
 */
export async function findOpener(): Promise<OpenSocket> {
  const { process } = globalThis as Surroundings;
  if (typeof process?.versions?.node !== "string") return openPlatformSocket;
  // A browser never gets here, and so needs no `ws`.
  const { openClientSocket } = await import("./client_socket.ts");
  return openClientSocket;
}
