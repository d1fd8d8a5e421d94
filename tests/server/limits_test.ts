/** What strangers may use of a listener, at real sockets. */
// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DEFAULT_LISTEN_LIMITS, type ListenLimits } from "../../src/listen/limits.ts";
import { jpegs } from "../cli/folder.ts";
import { eventually, soon } from "../waiting.ts";
import { Client, frameOf, startRelay, until } from "./fixture.ts";
import { PartReader } from "./mjpeg.ts";

const PAGE = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n";
const PROXY = { trustedProxies: ["127.0.0.0/8"] };

function limits(some: Partial<ListenLimits>): { readonly limits: ListenLimits } {
  return { limits: { ...DEFAULT_LISTEN_LIMITS, ...some } };
}

async function connect(address: string, text: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

/** All that comes until the end of the connection. */
async function readAll(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const count = await soon("the end", connection.read(buffer)).catch((error) => {
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    });
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

function upgrade(client: string): string {
  return `GET /live?role=watch HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: ${client}\r\n` +
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

/** What comes first; the connection stays. */
async function firstOf(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const count = await soon("an answer", connection.read(buffer));
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
}

async function status(connection: Deno.TcpConn): Promise<string> {
  return (await firstOf(connection)).split("\r\n")[0]!;
}

async function refused(address: string, reason: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(
    RegExp(`^stream_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(text)![1],
  );
}

Deno.test("serve takes in as many sockets of one address as may be, and others of another", async () => {
  await using relay = await startRelay(limits({ ...PROXY, maxPerAddress: 3 }));
  const open: Deno.TcpConn[] = [];
  try {
    for (let n = 0; n < 3; n++) open.push(await connect(relay.address, upgrade("203.0.113.1")));
    for (const each of open) assertStringIncludes(await status(each), "101");
    using more = await connect(relay.address, upgrade("203.0.113.1"));
    const answer = await firstOf(more);
    assertMatch(answer, /^HTTP\/1.1 429 [^]*retry-after: 10\r\n[^]*203\.0\.113\.1 has too many/i);
    using other = await connect(relay.address, upgrade("203.0.113.2"));
    assertStringIncludes(await status(other), "101");
    assertEquals(await refused(relay.address, "address"), 1);
    open.pop()!.close();
    await eventually("room for another", async () => {
      const again = await connect(relay.address, upgrade("203.0.113.1"));
      const line = await status(again);
      if (line.includes("101")) open.push(again);
      else again.close();
      return line.includes("101");
    });
  } finally {
    for (const each of open) each.close();
  }
});

Deno.test("serve takes in as many handshakes a second of one address as may be", async () => {
  await using relay = await startRelay(limits({ ...PROXY, maxHandshakes: 5, maxPerAddress: 1000 }));
  const lines = await Promise.all(Array.from({ length: 40 }, async () => {
    using connection = await connect(relay.address, upgrade("203.0.113.1"));
    return await status(connection);
  }));
  // They come within a second or two.
  const taken = lines.filter((line) => line.includes("101")).length;
  assert(taken >= 5 && taken < 40, `${taken} taken`);
  assertEquals(lines.filter((line) => line.includes("429")).length, 40 - taken);
  assertEquals(await refused(relay.address, "handshakes"), 40 - taken);
});

Deno.test("serve refuses connections above --max-connections, and nobody who is there notices", async () => {
  await using relay = await startRelay({
    ...limits({ maxConnections: 12 }),
    workers: 1,
    listener: "node",
  });
  await using watching = await Client.open(relay.url("/live?role=watch"));
  await using sender = await Client.open(relay.url("/live?role=publish"));
  await until(relay, ({ viewers }) => viewers === 1);
  const silent: Deno.TcpConn[] = [];
  try {
    for (let n = 0; n < 16; n++) silent.push(await connect(relay.address, ""));
    const told = await readAll(silent.at(-1)!);
    assertMatch(told, /^HTTP\/1.1 503 [^]*retry-after: 10\r\n/i);
    for (let n = 1; n <= 20; n++) {
      sender.send(frameOf(n));
      assertEquals(await watching.frame(), frameOf(n));
    }
  } finally {
    for (const each of silent) each.close();
  }
  await eventually("room for others", async () => {
    const response = await fetch(`${relay.address}/health`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  });
  assert(await refused(relay.address, "connections") >= 6);
});

Deno.test("serve gives up headers and connections that say nothing, by 408 and the end", async () => {
  const short = limits({ headerTimeoutMs: 300, bodyTimeoutMs: 300, idleTimeoutMs: 300 });
  await using relay = await startRelay({ ...short, listener: "node" });
  const host = "Host: 127.0.0.1\r\n";
  using half = await connect(relay.address, `GET /health HTTP/1.1\r\n${host}X-A: `);
  using silent = await connect(relay.address, "");
  using idle = await connect(relay.address, `GET /health HTTP/1.1\r\n${host}\r\n`);
  assertMatch(await readAll(half), /^HTTP\/1.1 408 /);
  assertMatch(await readAll(silent), /^(?:HTTP\/1.1 408 |$)/);
  assertMatch(await readAll(idle), /^HTTP\/1.1 200 /);
  assert(await refused(relay.address, "slow") >= 1);
});

Deno.test("serve gives up a change of which the body never comes", async () => {
  await using relay = await startRelay(limits({ headerTimeoutMs: 300, bodyTimeoutMs: 300 }));
  const request =
    "PATCH /api/streams/live HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{";
  using slow = await connect(relay.address, request);
  assertMatch(await firstOf(slow), /^HTTP\/1.1 408 /);
  assertEquals(await refused(relay.address, "slow"), 1);
});

Deno.test("serve takes its time for sockets and answers without end", async () => {
  const short = limits({ headerTimeoutMs: 200, bodyTimeoutMs: 200, idleTimeoutMs: 200 });
  await using relay = await startRelay({ ...short, stallTimeoutMs: 1000, fps: "source" });
  await using watching = await Client.open(relay.url("/live?role=watch"));
  await using sender = await Client.open(relay.url("/live?role=publish"));
  await until(relay, () => true);
  await using pictures = await PartReader.open(`${relay.address}/live.mjpeg`);
  await until(relay, ({ viewers }) => viewers === 2);
  // Longer than any of the limits, and than it takes to look for those who are above them.
  const [first, ...others] = jpegs(8, 2000);
  let last = first!;
  sender.send(first!);
  assertEquals(await watching.frame(), first!);
  for (const frame of others) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    sender.send(frame);
    assertEquals(await watching.frame(), frame);
    assertEquals(await pictures.picture(), last);
    last = frame;
  }
});

Deno.test("serve gives up whoever asks and reads no answer", async () => {
  await using relay = await startRelay({ listener: "node", workers: 1, stallTimeoutMs: 200 });
  using peer = await connect(relay.address, "");
  const asking = async () => {
    for (;;) await peer.write(new TextEncoder().encode(PAGE));
  };
  await assertRejects(() => soon("the end", asking()), Error);
  const counts = ["stalled", "messages"].map((reason) => refused(relay.address, reason));
  assertEquals((await Promise.all(counts)).reduce((sum, count) => sum + count), 1);
});

Deno.test("serve answers requests that come at once one after the other, however many", async () => {
  await using relay = await startRelay();
  const last = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  const counts = relay.listener === "node" ? [20, 500] : [20];
  for (const count of counts) {
    using asking = await connect(relay.address, PAGE.repeat(count) + last);
    const answers = await readAll(asking);
    assertEquals(answers.split("HTTP/1.1 200 OK\r\n").length, count + 2);
    assert(answers.lastIndexOf("</html>") < answers.lastIndexOf("HTTP/1.1 200 OK"));
  }
});

Deno.test("serve ends the connection of a handshake that it refuses, though its peer holds it open", async () => {
  await using relay = await startRelay({
    ...limits({ maxConnections: 3 }),
    listener: "node",
    workers: 1,
  });
  const bad = upgrade("203.0.113.1").replace("Sec-WebSocket-Key", "X-Key");
  const peers: Deno.TcpConn[] = [];
  try {
    for (let n = 0; n < 3; n++) {
      peers.push(await connect(relay.address, bad));
      assertStringIncludes(await status(peers.at(-1)!), "400");
    }
    await eventually("room for another", async () => {
      const response = await fetch(`${relay.address}/health`).catch(() => undefined);
      await response?.body?.cancel();
      return response?.status === 200;
    });
  } finally {
    for (const each of peers) each.close();
  }
});

Deno.test("serve counts peers that do not answer their close, and no others", async () => {
  await using relay = await startRelay({
    ...limits({ closeTimeoutMs: 200 }),
    listener: "node",
    workers: 1,
  });
  const none = upgrade("203.0.113.1").replace("role=watch", "role=none");
  using silent = await connect(relay.address, none);
  using gone = await connect(relay.address, none);
  await firstOf(gone);
  await gone.closeWrite();
  await readAll(silent);
  await readAll(gone);
  await using polite = await Client.open(relay.url("/live?role=none"));
  await polite.closed;
  await eventually("the count", async () => await refused(relay.address, "unanswered") >= 1);
  assertEquals(await refused(relay.address, "unanswered"), 1);
});
