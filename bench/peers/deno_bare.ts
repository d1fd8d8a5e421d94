/**
 * The limit of the platform, and what it gives to a plain loop: `deno run deno_bare.ts [--port PORT]
 * [--naive]`. No queue, no tick, no protocol.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { parseArgs } from "@std/cli/parse-args";

const BACKLOG = 10_000;
/** Bytes that are sent before the event loop turns: more of them leave the caches. */
const BATCH_BYTES = 256_000;

const { port, naive } = parseArgs(Deno.args, { string: ["port"], boolean: ["naive"] });
// Read when the first WebSocket of the process is made.
if (!naive) Deno.env.set("DENO_USE_WRITEV", "1");

const viewers = new Set<WebSocket>();
let isSending = false;
let next: ArrayBuffer | undefined;

function sendTo(viewer: WebSocket, frame: ArrayBuffer): void {
  if (viewer.readyState !== WebSocket.OPEN) return;
  // More than two frames unsent: this one is skipped.
  if (viewer.bufferedAmount <= 2 * frame.byteLength) viewer.send(frame);
}

function sendInOneLoop(frame: ArrayBuffer): void {
  for (const viewer of viewers) sendTo(viewer, frame);
}

/** The newest frame that comes meanwhile is sent next. */
async function sendInBatches(frame: ArrayBuffer): Promise<void> {
  next = frame;
  if (isSending) return;
  isSending = true;
  while (next !== undefined) {
    const current: ArrayBuffer = next;
    next = undefined;
    const perTurn = Math.max(1, Math.round(BATCH_BYTES / current.byteLength));
    let sent = 0;
    for (const viewer of viewers) {
      sendTo(viewer, current);
      if (++sent % perTurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  isSending = false;
}

const send = naive ? sendInOneLoop : sendInBatches;

function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  const role = searchParams.get("role");
  if (pathname !== "/live" || (role !== "publish" && role !== "watch")) {
    return new Response(null, { status: 404 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = "arraybuffer";
  if (role === "watch") {
    socket.onopen = () => viewers.add(socket);
    socket.onclose = () => viewers.delete(socket);
  } else {
    socket.onmessage = ({ data }) => void (data instanceof ArrayBuffer && send(data));
  }
  return response;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port ?? 0),
  tcpBacklog: BACKLOG,
  // deno-lint-ignore no-console
  onListen: ({ port }) => console.error(`listening on http://127.0.0.1:${port}`),
}, answer);
