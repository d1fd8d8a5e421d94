/**
 * Viewers below the WebSocket API: to read nothing, or to see a frame's first byte.
 *
 * @module
 */
import { clock } from "./clients.ts";

/** Opens a connection that watches `live`, and says hello where it has the protocol. */
export async function openRaw(http: string, hasProtocol: boolean): Promise<Deno.Conn> {
  const { hostname, port } = new URL(http);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    "GET /live?role=watch HTTP/1.1",
    `Host: ${hostname}:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(hasProtocol ? ["Sec-WebSocket-Protocol: stream.v1"] : []),
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  if (hasProtocol) {
    const hello = new TextEncoder().encode('{"type":"hello","version":1,"role":"watch"}');
    // A client's frames are masked; a mask of zeros changes nothing (RFC 6455 section 5.3).
    await connection.write(Uint8Array.of(0x81, 0x80 | hello.length, 0, 0, 0, 0, ...hello));
  }
  return connection;
}

/**
 * Reads frames of `bytes` bytes without the protocol and returns when the first byte of each came.
 * Frames above 64 KiB only: their header has ten bytes (RFC 6455 section 5.2).
 */
export async function firstBytes(http: string, bytes: number, count: number): Promise<number[]> {
  const connection = await openRaw(http, false);
  const buffer = new Uint8Array(1 << 18);
  const arrivals: number[] = [];
  await skipResponse(connection, buffer);
  let left = 0;
  for (let inMessage = 0; arrivals.length < count;) {
    if (left === 0) left = await connection.read(buffer) ?? 0;
    if (left === 0) throw new Error("the relay ended the connection");
    if (inMessage === 0) {
      arrivals.push(clock.nowMs());
      inMessage = 10 + bytes;
    }
    const taken = Math.min(left, inMessage);
    inMessage -= taken;
    left -= taken;
  }
  connection.close();
  return arrivals;
}

/** Reads the answer to the handshake; nobody publishes yet, so no frame comes with it. */
async function skipResponse(connection: Deno.Conn, buffer: Uint8Array): Promise<void> {
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const read = await connection.read(buffer) ?? 0;
    if (read === 0) throw new Error("the relay refused the handshake");
    text += String.fromCharCode(...buffer.subarray(0, Math.min(read, 1024)));
  }
}
