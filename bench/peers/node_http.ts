/**
 * Motion JPEG by `node:http` in Deno and nothing else: what the platform costs. `deno run node_http.ts
 * --bytes BYTES --fps FPS`. It makes the frames itself; a reader with more than two unsent ones skips.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

const BOUNDARY = "frame";

const { values } = parseArgs({ options: { bytes: { type: "string" }, fps: { type: "string" } } });
const bytes = Number(values.bytes ?? 296_000);
const fps = Number(values.fps ?? 30);

const readers = new Set<ServerResponse>();

function send(frame: Uint8Array): void {
  const head = Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${frame.length}\r\n\r\n`);
  const end = Buffer.from(`\r\n--${BOUNDARY}\r\n`);
  for (const reader of readers) {
    if (reader.writableLength > 2 * frame.length) continue;
    reader.cork();
    reader.write(head);
    reader.write(frame);
    reader.write(end);
    reader.uncork();
  }
}

const server = createServer((_, answer) => {
  answer.writeHead(200, {
    "content-type": `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
    connection: "close",
  });
  answer.write(`--${BOUNDARY}\r\n`);
  readers.add(answer);
  answer.on("close", () => readers.delete(answer));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  // deno-lint-ignore no-console
  console.error(`listening on http://127.0.0.1:${port} `);
});
setInterval(() => send(new Uint8Array(bytes).fill(1)), 1000 / fps);
