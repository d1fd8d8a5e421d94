/**
 * The WebSocket of a client, whichever opens it.
 *
 * @module
 */

import { type Pass, tokenIn } from "./pass.ts";
import { tokenProtocol } from "./token_protocol.ts";

/** `readyState` of a WebSocket that is open. */
export const OPEN = 1;

/** A WebSocket of the platform, or one with the same interface. */
export interface ClientSocket extends WebSocket {
  /** Ends the connection at once, also one that does not stand yet, where that is possible. */
  terminate?(): void;
  /** Reads nothing more until `resume`, where that is possible. */
  pause?(): void;
  /** Reads on. */
  resume?(): void;
  /** Bytes received, also of messages that are not whole, where that is known. */
  receivedBytes?(): number;
  /** Says why `error` has come while it connected, where that is known better than by its message. */
  explain?(error: unknown): Promise<string | undefined>;
}

/** Begins to connect. Messages come as `ArrayBuffer`. */
export type OpenSocket = (
  url: string,
  protocols: readonly string[],
  pass?: Pass,
) => ClientSocket;

/** Opens the platform's own WebSocket: that of a browser, Deno, or Node.js from 22 on. */
export function openPlatformSocket(
  url: string,
  protocols: readonly string[],
  { authorization }: Pass = {},
): ClientSocket {
  // Pages can set no header of a WebSocket.
  const token = tokenIn(authorization);
  const credentials = token === undefined ? [] : [tokenProtocol(token)];
  const socket = new WebSocket(url, [...protocols, ...credentials]);
  socket.binaryType = "arraybuffer";
  return socket;
}
