// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { silentLog } from "../../src/host/log.ts";
import { sharedVisits } from "../../src/listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import type { Handler } from "../../src/listen/listener.ts";
import { listenOnNode } from "../../src/listen/node_listener.ts";
import { Refusals } from "../../src/listen/refusals.ts";
import { clientFrame } from "../e2e/raw_peer.ts";
import { soon } from "../waiting.ts";
import { startRelay } from "./fixture.ts";

const UPGRADE = "GET /live?role=publish HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" +
  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async function connect(address: string, text: string): Promise<Deno.Conn> {
  const connection = await Deno.connect({ port: Number(new URL(address).port) });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

/** Everything until the connection ends. */
async function readAll(connection: Deno.Conn): Promise<Uint8Array> {
  const all: number[] = [];
  const buffer = new Uint8Array(4096);
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return Uint8Array.from(all);
    all.push(...buffer.subarray(0, count));
  }
}

/** The code of the close frame that `bytes` end with. */
function closeCode(bytes: Uint8Array): number {
  const at = bytes.lastIndexOf(0x88);
  assert(at >= 0, "there is a close frame");
  return bytes[at + 2]! << 8 | bytes[at + 3]!;
}

for (
  const [what, bytes, code] of [
    ["a frame without a mask", Uint8Array.of(0x82, 4, 1, 2, 3, 4), 1002],
    ["reserved bits", clientFrame(0xf2, "x"), 1002],
    ["text that is not UTF-8", clientFrame(0x81, Uint8Array.of(0xff, 0xfe)), 1007],
  ] as const
) {
  Deno.test(`On node, ${what} is closed with ${code}, and broken off though nobody answers`, async () => {
    await using relay = await startRelay({ listener: "node", workers: 1 });
    using peer = await connect(relay.address, UPGRADE);
    await peer.write(bytes);
    assertEquals(closeCode(await soon("the end", readAll(peer))), code);
  });
}

Deno.test("On node, a message in endless fragments is closed with 1009 as soon as it is too large", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1, maxFrameBytes: 1000 });
  using peer = await connect(relay.address, UPGRADE);
  const ended = readAll(peer);
  const part = new Uint8Array(60_000);
  await peer.write(clientFrame(0x02, part));
  await peer.write(clientFrame(0x00, part));
  assertEquals(closeCode(await soon("the end", ended)), 1009);
});

Deno.test("On node, half a header is answered with 408", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1 });
  using peer = await connect(relay.address, "GET / HTTP/1.1\r\nHost: a\r\nX-");
  const answer = new TextDecoder().decode(await soon("the answer", readAll(peer)));
  assertStringIncludes(answer, "408");
});

Deno.test("On node, a path never comes out of a Host, and a bad handshake is refused", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1 });
  const end = "Connection: close\r\n\r\n";
  for (
    const [request, status] of [
      [`GET /health HTTP/1.1\r\nHost: a/live.jpg?\r\n${end}`, 400],
      [`GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n${end}`, 400],
      [`GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n${end}`, 200],
      [`GET http://127.0.0.1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n${end}`, 200],
      [UPGRADE.replace("Sec-WebSocket-Key", "X"), 400],
    ] as const
  ) {
    using peer = await connect(relay.address, request);
    const answer = new TextDecoder().decode(await soon("the answer", readAll(peer)));
    assertStringIncludes(answer, `HTTP/1.1 ${status}`);
  }
});

Deno.test("On node, a peer that never answers its close is gone after two seconds", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1 });
  using peer = await connect(relay.address, UPGRADE.replace("role=publish", "role=none"));
  const startMs = performance.now();
  assertEquals(closeCode(await soon("the end", readAll(peer))) >= 1000, true);
  const tookMs = performance.now() - startMs;
  assert(tookMs > 1000 && tookMs < 10_000, `it took ${tookMs} ms`);
});

Deno.test("On node, an answer to somebody who has gone by then is given up, and does not stay", async () => {
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const handler: Handler = async ({ request }) => {
    if (request.url.endsWith("/other")) return new Response("ok");
    asked.resolve();
    await goOn.promise;
    return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }));
  };
  const listener = await listenOnNode(handler, {
    host: "127.0.0.1",
    port: 0,
    isShared: false,
    maxFrameBytes: 1000,
    limits: DEFAULT_LISTEN_LIMITS,
    visits: sharedVisits(1),
    own: 0,
    refusals: new Refusals(silentLog),
    log: silentLog,
  });
  const address = `http://127.0.0.1:${listener.port}`;
  const peer = await connect(address, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await soon("the request", asked.promise);
  peer.close();
  // What the server hears later has been answered: so it has heard of the end.
  for (let count = 0; count < 10; count++) await (await fetch(`${address}/other`)).text();
  goOn.resolve();
  await soon("the end of the answer", cancelled.promise);
  await listener.shutDown();
});
