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

/** Longest part of a server's own sentence that is repeated, in characters. */
const MAX_SAID = 300;

function quoted(said: string): string {
  return printable(said.slice(0, MAX_SAID)).replace(/^Cannot [^:]*: /, "").replace(/\.$/, "");
}

/** Why access is refused, by HTTP 401 or 403, as a clause; `said` is what the server says of it. */
export function refusal(status: string, said = ""): string {
  return said.trim() === ""
    ? `the server refuses access (HTTP ${status}); check the credentials`
    : `the server refuses access (HTTP ${status}): ${quoted(said)}`;
}

/** What a person is to be told of a connection that could not be made. */
export function connectFault(message: string): string {
  if (message.includes("ECONNREFUSED")) return "nothing listens there";
  if (/ENOTFOUND|EAI_AGAIN|EAI_NONAME/.test(message)) return "the host name cannot be resolved";
  return printable(message);
}

/** The error of a connection to `url` of which `seen` is what the WebSocket said. */
export function connectError(url: string, seen: string, cause?: unknown): StreamError {
  const [, status, said] = /Unexpected server response: (\d+)(?:: (.*))?/.exec(seen) ?? [];
  if (status === "401" || status === "403") {
    return new StreamError("refused", `Cannot connect to ${url}: ${refusal(status, said)}`, {
      cause,
    });
  }
  if (status === "429" && said !== undefined) {
    const message = `Cannot connect to ${url}: the server says ${quoted(said)} (HTTP 429)`;
    return new StreamError("unreachable", message, { cause });
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
