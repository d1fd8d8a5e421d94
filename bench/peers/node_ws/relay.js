/**
 * The relay as users of Node.js and `ws` write it: `node relay.js [--port PORT] [--cert FILE --key FILE]`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const MAX_FRAME_BYTES = 16 * 2 ** 20;
const BACKLOG = 10_000;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    cert: { type: "string" },
    key: { type: "string" },
  },
});
const isSecure = values.cert !== undefined;
const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: MAX_FRAME_BYTES,
  perMessageDeflate: false,
});
const viewers = new Set();

function send(frame) {
  for (const viewer of viewers) {
    // More than two frames unsent: this one is skipped.
    if (viewer.bufferedAmount <= 2 * frame.length) viewer.send(frame, { binary: true });
  }
}

function accept(socket, role) {
  socket.on("error", () => socket.terminate());
  if (role === "publish") {
    socket.on("message", (data, isBinary) => isBinary && send(data));
  } else {
    viewers.add(socket);
    socket.on("close", () => viewers.delete(socket));
  }
}

const refuse = (_request, response) => response.writeHead(426).end();
const server = isSecure
  ? createSecureServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) }, refuse)
  : createServer(refuse);
server.on("upgrade", (request, connection, head) => {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  const role = searchParams.get("role");
  if (pathname !== "/live" || (role !== "publish" && role !== "watch")) {
    connection.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, connection, head, (socket) => accept(socket, role));
});
server.listen({ host: "127.0.0.1", port: Number(values.port), backlog: BACKLOG }, () => {
  const scheme = isSecure ? "https" : "http";
  process.stderr.write(`listening on ${scheme}://127.0.0.1:${server.address().port}\n`);
});
