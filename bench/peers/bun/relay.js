/**
 * The relay as users of Bun write it: `bun relay.js [--port PORT]`. A loop over the viewers and not
 * `publish`, which cannot skip a viewer that is behind.
 *
 * @module
 */
import { parseArgs } from "node:util";

const MAX_FRAME_BYTES = 16 * 2 ** 20;

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { port: { type: "string", default: "0" } },
});
const viewers = new Set();

function send(frame) {
  for (const viewer of viewers) {
    // More than two frames unsent: this one is skipped.
    if (viewer.getBufferedAmount() <= 2 * frame.length) viewer.sendBinary(frame, false);
  }
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(values.port),
  fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    const role = searchParams.get("role");
    if (pathname !== "/live" || (role !== "publish" && role !== "watch")) {
      return new Response(null, { status: 404 });
    }
    if (server.upgrade(request, { data: { role } })) return;
    return new Response(null, { status: 426 });
  },
  websocket: {
    maxPayloadLength: MAX_FRAME_BYTES,
    backpressureLimit: 4 * MAX_FRAME_BYTES,
    perMessageDeflate: false,
    open(socket) {
      if (socket.data.role === "watch") viewers.add(socket);
    },
    message(socket, data) {
      if (socket.data.role === "publish" && typeof data !== "string") send(data);
    },
    close(socket) {
      viewers.delete(socket);
    },
  },
});
process.stderr.write(`listening on http://127.0.0.1:${server.port}\n`);
