/**
 * Why nothing can listen somewhere.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";

/** Says in a sentence why nothing can listen there. */
export function listenError(host: string, port: number, cause: unknown): StreamError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const seen = cause instanceof Deno.errors.AddrInUse || code === "EADDRINUSE"
    ? "the port is in use; choose another with --port, or 0 for a free one"
    : cause instanceof Deno.errors.PermissionDenied || code === "EACCES"
    ? "permission denied; choose a port above 1023"
    : messageOf(cause);
  return new StreamError("unreachable", `Cannot listen on ${host}:${port}: ${seen}`, { cause });
}
