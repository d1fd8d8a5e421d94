/**
 * What a listener answers to a handshake of which it can make nothing.
 *
 * @module
 */
import type { Refusals } from "./refusals.ts";

/** Counts a handshake that is none, and answers it. */
export function refusedHandshake(refusals: Refusals): Response {
  refusals.add("handshake", "refused a handshake that is none");
  return new Response(
    "Cannot open a WebSocket: the request cannot be upgraded; send a handshake of RFC 6455 in HTTP/1.1\n",
    {
      status: 400,
    },
  );
}
