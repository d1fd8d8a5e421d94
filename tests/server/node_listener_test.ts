// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers";
import { ProtocolError } from "../../src/errors.ts";
import { Budget } from "../../src/core/budget.ts";
import { silentLog } from "../../src/host/log.ts";
import { LIVE_HEADERS } from "../../src/http/live_answer.ts";
import { sharedVisits } from "../../src/listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import type { Handler, Socket } from "../../src/listen/listener.ts";
import { listenOnNode } from "../../src/listen/node_listener.ts";
import { type Refusal, Refusals } from "../../src/listen/refusals.ts";
import { UnfinishedMessages } from "../../src/listen/unfinished.ts";
import { maskedWithZeros, repeated } from "../attacks/stranger.ts";
import { clientFrame } from "../e2e/raw_peer.ts";
import { concat } from "../split/samples.ts";
import { eventually, soon } from "../waiting.ts";
import { startRelay } from "./fixture.ts";

const UPGRADE = "GET /live?role=publish HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" +
  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const GET = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

const LONG = "x".repeat(50_000);

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

/** Waits until somebody is counted who was refused for `reason`. */
async function refused(address: string, reason: Refusal): Promise<void> {
  await eventually(`somebody refused for ${reason}`, async () => {
    const metrics = await (await fetch(`${address}/metrics`)).text();
    return metrics.includes(`\nstream_refused_total{reason="${reason}"} 1\n`);
  });
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
  await refused(relay.address, "large");
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
  await refused(relay.address, "unanswered");
});

/** A listener of its own for `handler`. */
async function listening(
  handler: Handler,
  { stallTimeoutMs = 60_000, maxFrameBytes = 1000, log = silentLog } = {},
): Promise<AsyncDisposable & { readonly address: string }> {
  const listener = await listenOnNode(handler, {
    host: "127.0.0.1",
    port: 0,
    isShared: false,
    unfinished: new UnfinishedMessages(new Budget(1_000_000), new Refusals(silentLog)),
    maxFrameBytes,
    stallTimeoutMs,
    limits: DEFAULT_LISTEN_LIMITS,
    visits: sharedVisits(1),
    own: 0,
    refusals: new Refusals(silentLog),
    log,
  });
  return {
    address: `http://127.0.0.1:${listener.port}`,
    [Symbol.asyncDispose]: () => listener.shutDown(),
  };
}

Deno.test("On node, an answer to somebody who has gone by then is given up, and does not stay", async () => {
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  await using listener = await listening(async ({ request }) => {
    if (request.url.endsWith("/other")) return new Response("ok");
    asked.resolve();
    await goOn.promise;
    const body = new ReadableStream({ cancel: () => cancelled.resolve() });
    return new Response(body, { headers: LIVE_HEADERS });
  });
  const peer = await connect(listener.address, GET);
  await soon("the request", asked.promise);
  peer.close();
  // What the server hears later has been answered: so it has heard of the end.
  for (let count = 0; count < 10; count++) await (await fetch(`${listener.address}/other`)).text();
  goOn.resolve();
  await soon("the end of the answer", cancelled.promise);
});

for (
  const [what, requests, bodies] of [
    ["a request", GET, ["GET "]],
    ["two requests", GET + GET, ["GET ", "GET "]],
    ["a body", GET.replace("GET", "PUT").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nab"), [
      "PUT ab",
    ]],
    ["a long body", `PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\n${LONG}`, [
      `PUT ${LONG}`,
    ]],
    ["a request of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ["GET "]],
    ["nothing", "", []],
  ] as const
) {
  Deno.test(`On node, who sends ${what} and ends that side has all answers, and then the end`, async () => {
    const heard = Promise.withResolvers<void>();
    await using listener = await listening(async ({ request }) => {
      await heard.promise;
      const text = await request.text();
      const answer = `<${request.method} ${text}>`;
      // As pictures have them.
      const headers = { ...LIVE_HEADERS, "content-length": String(answer.length) };
      return new Response(answer, { headers });
    });
    using peer = await connect(listener.address, requests);
    await peer.closeWrite();
    // What the server hears later has been answered: so it has heard of the end.
    for (let count = 0; count < 10; count++) {
      using other = await connect(listener.address, "x\r\n\r\n");
      await soon("the refusal", readAll(other));
    }
    heard.resolve();
    const answers = new TextDecoder().decode(await soon("the answers", readAll(peer)));
    assertEquals([...answers.matchAll(/<(.*?)>/g)].map(([, body]) => body), [...bodies]);
  });
}

Deno.test("On node, an answer without end is over for who has ended that side, at once", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using listener = await listening(() => {
    const body = new ReadableStream({ cancel: () => cancelled.resolve() });
    return Promise.resolve(new Response(body, { headers: LIVE_HEADERS }));
  });
  using peer = await connect(listener.address, GET);
  await soon("the head", peer.read(new Uint8Array(4096)));
  await peer.closeWrite();
  await soon("the end of the answer", cancelled.promise);
  await soon("the end", readAll(peer));
});

Deno.test("On node, an answer without end waits for its reader, and ends with him", async () => {
  const cancelled = Promise.withResolvers<void>();
  const chunk = new Uint8Array(65_536);
  let given = 0;
  const body = () =>
    new ReadableStream({
      pull: (controller) => {
        given += chunk.length;
        controller.enqueue(chunk);
      },
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
  await using listener = await listening(({ request }) =>
    Promise.resolve(new Response(request.method === "GET" ? body() : null))
  );
  const peer = await connect(listener.address, GET);
  let before = -1;
  await eventually("the answer to stand still", async () => {
    const isStill = given > 0 && given === before;
    before = given;
    // Time for more, if there were more.
    await (await fetch(listener.address, { method: "HEAD" })).text();
    return isStill;
  });
  // What the system keeps for a connection has a limit, and the listener adds hardly anything.
  assert(given < 64 << 20, `${given} bytes were taken`);
  peer.close();
  await soon("the end of the answer", cancelled.promise);
});

Deno.test("On node, an answer that the relay breaks off ends with the connection, and not as if it were whole", async () => {
  await using listener = await listening(() =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(10)),
          pull: (controller) => controller.error(new ProtocolError(4007, "it is not read")),
        }),
      ),
    )
  );
  using peer = await connect(listener.address, GET);
  const answer = new TextDecoder().decode(await soon("the end", readAll(peer)));
  assertStringIncludes(answer, "200 OK");
  // The last chunk of a whole answer (RFC 9112 section 7.1).
  assertEquals(answer.includes("\r\n0\r\n"), false);
});

Deno.test("On node, a request that cannot be asked is answered why", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1 });
  const fields = (count: number) => Array.from({ length: count }, (_, at) => `x${at}: x`);
  for (
    const [line, lines, said] of [
      ["GET /health", fields(126), "200 OK"],
      ["GET /health", fields(127), "431 Request Header Fields Too Large"],
      ["TRACE /health", [], "501 Not Implemented"],
      ["OPTIONS *", [], "400 Bad Request"],
      ["GET /health", ["Expect: 200-ok"], "417 Expectation Failed"],
      ["GET /health", ["Expect: 100-Continue"], "100 Continue"],
    ] as const
  ) {
    const header = ["Host: 127.0.0.1", "Connection: close", ...lines].join("\r\n");
    using peer = await connect(relay.address, `${line} HTTP/1.1\r\n${header}\r\n\r\n`);
    const answer = new TextDecoder().decode(await soon("the answer", readAll(peer)));
    assertStringIncludes(answer, `HTTP/1.1 ${said}\r\n`);
  }
});

Deno.test("On node, what is expected has its turn as other requests have", async () => {
  const asked: string[] = [];
  const held = Promise.withResolvers<void>();
  await using listener = await listening(async ({ request }) => {
    asked.push(request.method);
    await held.promise;
    return new Response(await request.text());
  });
  const expects = GET.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  using peer = await connect(listener.address, GET + expects.replace("GET", "PUT"));
  await eventually("the first request", () => asked.length === 1);
  held.resolve();
  const answers: string[] = [];
  const buffer = new Uint8Array(4096);
  while (!answers.join("").includes("100 Continue")) {
    const count = await soon("an answer", peer.read(buffer));
    answers.push(new TextDecoder().decode(buffer.subarray(0, count!)));
  }
  assertEquals(answers.join("").match(/HTTP\/1.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 100"]);
});

Deno.test("On node, nobody upgrades a connection on which answers are under way", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1 });
  using peer = await connect(relay.address, GET + UPGRADE);
  const answers = new TextDecoder().decode(await soon("the end", readAll(peer)));
  assert(!answers.includes("101"), answers);
  await refused(relay.address, "handshake");
});

Deno.test("On node, HEAD is answered without a body, and the connection goes on", async () => {
  let cancelled = 0;
  await using listener = await listening(({ request }) =>
    Promise.resolve(
      request.method === "HEAD"
        ? new Response(new ReadableStream({ cancel: () => void cancelled++ }), {
          headers: { "content-length": "5" },
        })
        : new Response("other"),
    )
  );
  using peer = await connect(
    listener.address,
    `${GET.replace("GET", "HEAD")}${GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")}`,
  );
  const answers = new TextDecoder().decode(await soon("the end", readAll(peer)));
  const [head, next] = answers.split("\r\n\r\n");
  assertStringIncludes(head!.toLowerCase(), "content-length: 5");
  assertEquals(next!.startsWith("HTTP/1.1 200"), true);
  assertStringIncludes(answers, "other");
  assertEquals(cancelled, 1);
});

Deno.test("On node, a body that nobody reads does not spoil the next request", async () => {
  await using listener = await listening(async ({ request }) =>
    request.method === "PATCH"
      ? new Response("no", { status: 403 })
      : new Response(await request.text())
  );
  const { address } = listener;
  const big = "x".repeat(1 << 20);
  for (let count = 0; count < 3; count++) {
    const refused = await fetch(address, { method: "PATCH", body: big });
    assertEquals([refused.status, await refused.text()], [403, "no"]);
    const echoed = await fetch(address, { method: "PUT", body: big });
    assertEquals(await echoed.text(), big);
  }
});

/** Sockets of a listener of its own, each with what has come from it. */
async function serving(options: Parameters<typeof listening>[1] = {}): Promise<
  AsyncDisposable & { readonly address: string; readonly sockets: Served[] }
> {
  const sockets: Served[] = [];
  const listener = await listening(() =>
    Promise.resolve({
      protocol: undefined,
      open: (socket) => {
        const served: Served = { socket, events: [] };
        sockets.push(served);
        return {
          receive: (message) => void served.events.push(message),
          pinged: () => void served.events.push("pinged"),
          closed: () => void served.events.push("closed"),
        };
      },
    }), options);
  return { ...listener, sockets };
}

interface Served {
  readonly socket: Socket;
  readonly events: (string | Uint8Array)[];
}

Deno.test("On node, a peer that says goodbye is gone before it hears the answer", async () => {
  await using listener = await serving();
  using peer = await connect(listener.address, UPGRADE);
  await eventually("the socket", () => listener.sockets[0]);
  const ended = readAll(peer);
  await peer.write(clientFrame(0x88, Uint8Array.of(0x03, 0xe8)));
  assertEquals(closeCode(await soon("the end", ended)), 1000);
  // The peer has not ended its side of the connection.
  assertEquals(listener.sockets[0]!.events, ["closed"]);
});

Deno.test("On node, a peer that says goodbye and reads nothing is there until it is broken off", async () => {
  await using listener = await serving();
  using peer = await connect(listener.address, UPGRADE);
  const { socket, events } = await eventually("the socket", () => listener.sockets[0]);
  const message = new Uint8Array(32 << 20);
  socket.send(message);
  await peer.write(clientFrame(0x88, Uint8Array.of(0x03, 0xe8)));
  await peer.write(clientFrame(0x82, "too late"));
  const startMs = performance.now();
  await eventually("the end", () => events.length > 0);
  assertEquals(events, ["closed"]);
  assert(performance.now() - startMs > 1000, "what is unsent is held until then");
});

Deno.test("On node, messages of all shapes arrive as they were sent, though what was read of them is freed", async () => {
  await using listener = await serving({ maxFrameBytes: 1_000_000 });
  using peer = await connect(listener.address, UPGRADE);
  const { events } = await eventually("the socket", () => listener.sockets[0]);
  let seed = 1;
  const bytes = (length: number) =>
    Uint8Array.from({ length }, () => (seed = seed * 48_271 % 0x7fffffff) & 255);
  const write = async (...frames: Uint8Array[]) => {
    const all = concat(...frames);
    for (let at = 0; at < all.length;) at += await peer.write(all.subarray(at));
  };
  const [whole, begun, first, second, third] = [3e5, 6e4, 1e5, 100, 2e5].map(bytes);
  const pings = [bytes(50), bytes(125)];
  for (let round = 0; round < 5; round++) {
    const before = events.length;
    // One whose only part with bytes came with a single read, which is over when the message ends.
    await write(maskedWithZeros(0x02, begun!), maskedWithZeros(0x89, pings[0]!));
    await eventually("the ping", () => events.length === before + 1);
    await write(
      maskedWithZeros(0x80, ""),
      maskedWithZeros(0x82, whole!),
      maskedWithZeros(0x81, "text"),
      ...[[0x02, first!], [0x00, second!], [0x80, third!]].map(([type, part]) =>
        maskedWithZeros(type as number, part as Uint8Array)
      ),
      maskedWithZeros(0x82, second!),
      maskedWithZeros(0x89, pings[1]!),
    );
    await eventually("the messages", () => events.length === before + 7);
    assertSame(events.slice(before), [
      ...["pinged", begun!, whole!, "text", concat(first!, second!, third!)],
      ...[second!, "pinged"],
    ]);
  }
  await peer.write(maskedWithZeros(0x88, Uint8Array.of(0x03, 0xe8)));
  const answers = await soon("the end", readAll(peer));
  const pongs = concat(...pings.map((ping) => Uint8Array.of(0x8a, ping.length, ...ping)));
  const start = answers.indexOf(0x8a);
  assertSame([answers.slice(start, start + pongs.length)], [pongs]);
});

Deno.test("On node, others have their turn among thousands of messages that were read at once", async () => {
  await using listener = await serving();
  using peer = await connect(listener.address, UPGRADE);
  const { events } = await eventually("the socket", () => listener.sockets[0]);
  const count = 20_000;
  const burst = repeated(maskedWithZeros(0x81, "x"), count);
  const writing = peer.write(burst);
  let most = 0;
  for (let seen = 0; seen < count;) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    most = Math.max(most, events.length - seen);
    seen = events.length;
  }
  assertEquals(await writing, burst.length);
  assert(most < 1000, `${most} messages in one turn of the event loop`);
});

/** As `assertEquals`, which takes very long for what is large and not the same. */
function assertSame(
  actual: readonly (string | Uint8Array)[],
  expected: readonly (string | Uint8Array)[],
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((one, at) => {
    assert(`${one}` === `${expected[at]}`, `number ${at} is as it was sent`);
  });
}

Deno.test("On node, sockets get a message in one buffer, in order with text, and know what is unsent", async () => {
  await using listener = await serving();
  const peers = [
    await connect(listener.address, UPGRADE),
    await connect(listener.address, UPGRADE),
  ];
  await eventually("the sockets", () => listener.sockets.length === 2);
  const message = new Uint8Array(16 << 20).fill(7);
  const before = Deno.memoryUsage().external;
  for (const { socket } of listener.sockets) {
    for (let count = 0; count < 4; count++) socket.send(message);
    socket.send("and text");
    // The system takes a part of the first.
    assert(socket.unsentBytes > 48 << 20 && socket.unsentBytes < 65 << 20);
  }
  const held = Deno.memoryUsage().external - before;
  assert(held < 40 << 20, `${held} bytes are held for 8 times 16 MiB`);
  message.fill(9);
  for (const peer of peers) {
    let last = new Uint8Array();
    const end = new TextEncoder().encode("\x81\x08and text").length;
    await soon(
      "everything",
      (async () => {
        const buffer = new Uint8Array(1 << 20);
        for (let left = 4 * (message.length + 10) + end - 1; left > 0;) {
          const count = await peer.read(buffer);
          if (count === null) throw new Error("the connection ended");
          last = buffer.slice(0, count);
          assertEquals(last.includes(9), false);
          left -= count;
          // The answer to the handshake came first.
          if (last.slice(-8).join() === [...new TextEncoder().encode("and text")].join()) break;
        }
      })(),
    );
    assertEquals(new TextDecoder().decode(last.slice(-8)), "and text");
    peer.close();
  }
});

Deno.test("On node, the log tells of no request whose client has gone in the midst of it", async () => {
  const lines: string[] = [];
  const failed = Promise.withResolvers<void>();
  await using listener = await listening(async ({ request }) => {
    if (request.method === "GET") throw new Error("a fault");
    await request.text().catch((error) => {
      failed.resolve();
      throw error;
    });
    return new Response("ok");
  }, { log: { ...silentLog, error: (line) => void lines.push(line) } });
  const half = GET.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nx");
  const peer = await connect(listener.address, half.replace("GET", "PUT"));
  peer.close();
  await soon("the end of the body", failed.promise);
  assertEquals(await (await fetch(listener.address)).text(), "the relay failed to answer\n");
  assertEquals(lines, ["Cannot answer a request: a fault"]);
});

Deno.test("On node, an answer that nobody reads is given up", async () => {
  let isOver = false;
  await using server = await listening(() => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
      cancel: () => {
        isOver = true;
      },
    });
    return Promise.resolve(new Response(body));
  }, { stallTimeoutMs: 200 });
  const { port } = new URL(server.address);
  using _peer = await connect(
    `http://127.0.0.1:${port}`,
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  );
  await eventually("the end of the answer", () => isOver);
});
