/**
 * The WebSocket of a client, wherever it runs.
 *
 * @module
 */
import { openPlatformSocket, type OpenSocket } from "./socket.ts";

/** What is there of a process in Deno and Node.js, and not in a browser. */
interface Surroundings {
  readonly process?: { readonly versions?: { readonly node?: string } };
  /** Where rights can be missing. */
  readonly Deno?: {
    readonly permissions: {
      querySync(right: { name: "env"; variable: string }): { readonly state: string };
    };
  };
}

/** What `ws` reads of the environment as it is loaded. */
const VARIABLES = ["WS_NO_BUFFER_UTIL", "WS_NO_UTF_8_VALIDATE"];

/**
 * What opens WebSockets here: `ws` where Node's modules are, the platform's own elsewhere, and where the
 * right to read what `ws` reads is missing. Node.js has none of its own before version 22, and Deno's
 * holds small frames up (see client_socket.ts).
 */
export async function findOpener(): Promise<OpenSocket> {
  const { process, Deno } = globalThis as Surroundings;
  const mayLoad = typeof process?.versions?.node === "string" &&
    VARIABLES.every((variable) =>
      (Deno?.permissions.querySync({ name: "env", variable }).state ?? "granted") === "granted"
    );
  if (!mayLoad) return openPlatformSocket;
  // A browser never gets here, and so needs no `ws`.
  const { openClientSocket } = await import("./client_socket.ts");
  return openClientSocket;
}
