// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Relay } from "../../src/server/serve.ts";
import { startRelay, until } from "./fixture.ts";
import { soon } from "../waiting.ts";

type RawRelay = Relay & { url(path: string): string };

/** The answer to a request that is sent as it is written here. */
async function ask(relay: RawRelay, lines: readonly string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(relay.address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`));
  let answer = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  while (!isWhole(answer)) {
    const count = await soon(`the answer to ${lines[0]}`, connection.read(buffer));
    if (count === null) throw new Error(`the connection ended after ${answer}`);
    answer += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return answer;
}

/** Whether an answer of ASCII is all there. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return false;
  const length = /^content-length: (\d+)/im.exec(answer.slice(0, headEnd))?.[1] ?? 0;
  return answer.length >= headEnd + Number(length);
}

/** Asks for a WebSocket at `host` as a browser does for a page of `origin`. */
async function upgrade(relay: RawRelay, host: string, origin: string | undefined): Promise<string> {
  return await ask(relay, [
    "GET /live HTTP/1.1",
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
  ]);
}

async function patch(relay: RawRelay, host: string, origin: string | undefined): Promise<string> {
  const body = '{"fps": 60}';
  return await ask(relay, [
    "PATCH /api/streams/live HTTP/1.1",
    `Host: ${host}`,
    "Connection: close",
    `Content-Length: ${body.length}`,
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
  ], body);
}

/** Requests, as the address that they go to and the page that they come from. */
const OWN: readonly (readonly [host: string, origin: string | undefined])[] = [
  ["relay.example:8080", undefined],
  ["relay.example:8080", "http://relay.example:8080"],
  ["RELAY.example:8080", "http://relay.example:8080"],
  ["127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["[::1]:8080", "http://[::1]:8080"],
  ["relay.example", "http://relay.example"],
  // A proxy speaks TLS for the relay.
  ["relay.example", "https://relay.example"],
  ["relay.example:443", "https://relay.example"],
];
const FOREIGN: readonly (readonly [host: string, origin: string])[] = [
  ["relay.example:8080", "http://evil.example"],
  ["relay.example:8080", "http://relay.example"],
  ["relay.example:8080", "http://relay.example:8081"],
  ["relay.example:8080", "http://relay.example:8080.evil.example"],
  ["relay.example:8080", "http://evil.example/relay.example:8080"],
  ["relay.example:8080", "http://relay.example:8080@evil.example"],
  ["localhost:8080", "http://127.0.0.1:8080"],
  ["relay.example:8080", "ftp://relay.example:8080"],
  ["relay.example:8080", "relay.example:8080"],
  ["relay.example:8080", "null"],
  ["null", "null"],
  ["relay.example:8080", ""],
];

Deno.test("serve opens a WebSocket for its own pages and for what is no browser", async () => {
  await using relay = await startRelay({ hostNames: ["*"] });
  for (const [host, origin] of OWN) {
    assertStringIncludes(await upgrade(relay, host, origin), "HTTP/1.1 101 ", `${host} ${origin}`);
  }
});

Deno.test("serve refuses a WebSocket for a page of another site, and says what to do", async () => {
  await using relay = await startRelay({ hostNames: ["*"] });
  for (const [host, origin] of FOREIGN) {
    const answer = await upgrade(relay, host, origin);
    assertStringIncludes(answer, "HTTP/1.1 403 ", `${host} ${origin}`);
    assertStringIncludes(answer, `its origin is ${JSON.stringify(origin)}; to allow it`);
    assertStringIncludes(answer, "--allow-origin '");
  }
  assertEquals(await (await fetch(`${relay.address}/api/streams`)).json(), []);
});

Deno.test("serve changes a frame rate for its own pages and for what is no browser only", async () => {
  await using relay = await startRelay({ hostNames: ["*"], fps: 30 });
  const viewer = new WebSocket(relay.url("/live?role=watch"));
  const closed = Promise.withResolvers<void>();
  viewer.onclose = () => closed.resolve();
  await soon("a connection", new Promise((resolve) => viewer.onopen = resolve));
  for (const [host, origin] of FOREIGN) {
    assertStringIncludes(await patch(relay, host, origin), "HTTP/1.1 403 ", `${host} ${origin}`);
  }
  assertEquals((await until(relay, ({ viewers }) => viewers === 1)).fps, 30);
  for (const [host, origin] of OWN) {
    assertStringIncludes(await patch(relay, host, origin), "HTTP/1.1 200 ", `${host} ${origin}`);
  }
  assertEquals((await until(relay, () => true)).fps, 60);
  viewer.close();
  await soon("the end of the connection", closed.promise);
});

Deno.test("serve lets pages of the origins in allowOrigins take part, and no others", async () => {
  const allowOrigins = ["https://a.example", "http://b.example:3000"];
  await using relay = await startRelay({ hostNames: ["*"], allowOrigins });
  for (const origin of allowOrigins) {
    assertStringIncludes(await upgrade(relay, "relay.example", origin), "HTTP/1.1 101 ");
  }
  for (const origin of ["http://a.example", "https://b.example:3000", "http://b.example", "null"]) {
    assertStringIncludes(await upgrade(relay, "relay.example", origin), "HTTP/1.1 403 ", origin);
  }
});

Deno.test("serve lets every page take part with *", async () => {
  await using relay = await startRelay({ hostNames: ["*"], allowOrigins: ["*"] });
  for (const [host, origin] of FOREIGN) {
    assertStringIncludes(await upgrade(relay, host, origin), "HTTP/1.1 101 ", `${host} ${origin}`);
  }
});

Deno.test("serve shares its answers with scripts of the origins in allowOrigins only", async () => {
  await using relay = await startRelay({ hostNames: ["*"], allowOrigins: ["https://a.example"] });
  const shared = async (method: string, path: string, origin: string) => {
    const response = await fetch(relay.address + path, { method, headers: { origin } });
    await response.body?.cancel();
    return [response.status, response.headers.get("access-control-allow-origin")];
  };
  const streams = "/api/streams";
  assertEquals(await shared("GET", streams, "https://a.example"), [200, "https://a.example"]);
  assertEquals(await shared("GET", streams, "https://b.example"), [200, null]);
  assertEquals(await shared("GET", streams, relay.address), [200, null]);
  assertEquals(await shared("OPTIONS", streams, "https://a.example"), [204, "https://a.example"]);
  assertEquals(await shared("OPTIONS", streams, "https://b.example"), [403, null]);
});

Deno.test("serve refuses a request whose Host is no address, without calling that its own failure", async () => {
  await using relay = await startRelay();
  for (const host of ["a b", "%%%", "[::1", "relay.example:99999"]) {
    const answer = await upgrade(relay, host, "http://evil.example");
    assertStringIncludes(answer, "HTTP/1.1 400 ", host);
    assertStringIncludes(answer, "its Host header is not an address");
  }
});
