/**
 * The WebSocket of the command line.
 *
 * @module
 */
// @ts-types="../../types/ws.d.ts"
import WebSocketClient, { type Client as PlainClient } from "ws";
import { certificateFault } from "./certificate_fault.ts";
import type { Pass } from "./pass.ts";

/** A client's WebSocket that knows how much has come. */
export interface Client extends PlainClient {
  /** Bytes received, also of messages that are not whole. */
  receivedBytes(): number;
  /** Says better than the platform why `error` has come; nothing where that is not known. */
  explain(error: unknown): Promise<string | undefined>;
}

/** The largest frame that a relay may have, with its header. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** How long a relay may take to answer the end of the connection, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;
/** Answers to pings that may wait to be sent; further pings are passed over (RFC 6455 section 5.5.3). */
const MAX_WAITING_PONGS = 16;

/** Most characters that are read of why a server refuses a handshake, and how long it may take, in ms. */
const MAX_REFUSAL = 1000;
const REFUSAL_MS = 2000;

/**
 * Begins to connect. Deno's own WebSocket writes a message's header by itself and leaves Nagle's
 * algorithm on (RFC 9293 section 3.7.4): a frame of less than a segment, which has 64 kB on one
 * machine, then waits for the delayed acknowledgement of its header, 40 ms on Linux.
 */
export function openClientSocket(
  url: string | URL,
  protocols: readonly string[] = [],
  { ca, authorization }: Pass = {},
): Client {
  const socket = new WebSocketClient(url, protocols, {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    autoPong: false,
    // A mask guards caches on the way from what a page may send (RFC 6455 section 10.3), which is of
    // no concern here: one of zeros costs nothing.
    generateMask: (mask) => void mask.fill(0),
    ...(ca === undefined ? {} : { ca }),
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });
  socket.binaryType = "arraybuffer";
  // What went wrong is told by the close that follows; without a listener it ends the program.
  socket.onerror = () => {};
  let pongs = 0;
  socket.on("ping", (data) => {
    if (pongs >= MAX_WAITING_PONGS) return;
    pongs++;
    socket.pong(data, true, () => pongs--);
  });
  let stream: { readonly bytesRead: number } | undefined;
  socket.on("upgrade", (response) => stream = response.socket);
  // Why it is refused stands in the answer, which `ws` does not read by itself.
  socket.on("unexpected-response", (request, response) => {
    let text = "";
    let isTold = false;
    const tell = () => {
      if (isTold) return;
      isTold = true;
      clearTimeout(timer);
      const said = text.slice(0, MAX_REFUSAL).split("\n")[0]!.trim();
      socket.emit(
        "error",
        new Error(`Unexpected server response: ${response.statusCode}${said && `: ${said}`}`),
      );
      socket.terminate();
      request.destroy();
    };
    const timer = setTimeout(tell, REFUSAL_MS);
    response.setEncoding("utf8");
    response.on("data", (part) => {
      text += part;
      if (text.length > MAX_REFUSAL) tell();
    });
    response.on("end", tell);
    response.on("error", tell);
  });
  return Object.assign(socket, {
    receivedBytes: () => stream?.bytesRead ?? 0,
    explain: (error: unknown) => certificateFault(url, error),
  });
}
