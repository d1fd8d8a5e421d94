/**
 * Peers below the WebSocket API, which do what no client should.
 *
 * @module
 */

/** How far a peer goes before it falls silent. */
export type Silence = "half a handshake" | "a handshake" | "a hello";

/** Connects to `live` at `host`, goes as far as told, and from then on neither reads nor answers. */
export async function silentPeer(host: string, after: Silence): Promise<Deno.Conn> {
  const [hostname, port] = host.split(":");
  const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const request = [
    "GET /live?role=watch HTTP/1.1",
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(after === "a hello" ? ["Sec-WebSocket-Protocol: stream.v1"] : []),
  ].join("\r\n");
  const half = after === "half a handshake";
  await connection.write(new TextEncoder().encode(half ? request : `${request}\r\n\r\n`));
  if (after === "a hello") {
    await connection.write(clientFrame(0x81, '{"type":"hello","version":1,"role":"watch"}'));
  }
  return connection;
}

/** Asks for `path` at `host`, and reads nothing but the first bytes of the answer. */
export async function silentReader(host: string, path: string): Promise<Deno.Conn> {
  const [hostname, port] = host.split(":");
  const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  await connection.read(new Uint8Array(512));
  return connection;
}

/** A frame of the WebSocket protocol as a client sends it, masked with zeros (RFC 6455 section 5.2). */
export function clientFrame(first: number, payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const length = bytes.length < 126
    ? [0x80 | bytes.length]
    : [0x80 | 126, bytes.length >> 8, bytes.length & 255];
  return Uint8Array.of(first, ...length, 0, 0, 0, 0, ...bytes);
}
