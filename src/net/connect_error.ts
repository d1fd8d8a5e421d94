/**
 * Why a connection could not be made, for people.
 *
 * @module
 */
import { printable } from "../host/printable.ts";
import { StreamError } from "../errors.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";

/** What `ws` says of a server that does not answer with the subprotocol. */
export const NO_SUBPROTOCOL = "Server sent no subprotocol";

/** What HTTP 421 is of a relay. */
export const UNKNOWN_NAME =
  "the relay does not know this name (HTTP 421); use its address, or start it with --host-name";

/** What a person is to be told of a connection that could not be made. */
export function connectFault(message: string): string {
  if (message.includes("ECONNREFUSED")) return "nothing listens there";
  if (/ENOTFOUND|EAI_AGAIN|EAI_NONAME/.test(message)) return "the host name cannot be resolved";
  return printable(message);
}

/** The error of a connection to `url` of which `seen` is what the WebSocket said. */
export function connectError(url: string, seen: string, cause?: unknown): StreamError {
  const status = /Unexpected server response: (\d+)/.exec(seen)?.[1];
  if (status === "401" || status === "403") {
    return new StreamError(
      "refused",
      `Cannot connect to ${url}: the server refuses access (HTTP ${status}); check the credentials`,
      { cause },
    );
  }
  if (status === "421") {
    return new StreamError(
      "unreachable",
      `Cannot connect to ${url}: ${UNKNOWN_NAME}`,
      { cause },
    );
  }
  const what = status === undefined
    ? seen === NO_SUBPROTOCOL ? `the server does not speak ${SUBPROTOCOL}` : connectFault(seen)
    : `the server is not a relay (HTTP ${status})`;
  return new StreamError(
    "unreachable",
    `Cannot connect to ${url}: ${what}; check the address, or start a relay with "stream serve"`,
    { cause },
  );
}
