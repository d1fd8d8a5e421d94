/** Which names a relay answers for, and what it makes of a handshake. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { machineNames } from "../../src/host/machine_name.ts";
import type { Access } from "../../src/access/access.ts";
import { createRelay, DEFAULT_OPTIONS } from "../../src/server/mod.ts";
import { soon } from "../waiting.ts";
import { Client, startRelay, until } from "./fixture.ts";

/** What `address` answers to a request as it is written here, until the end of its connection. */
async function ask(address: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = await soon(`an answer to ${lines[0]}`, connection.read(buffer));
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    // Neither a socket that is open ends nor what may have a next request.
    if (text.startsWith("HTTP/1.1 101 ") || isWhole(text)) return text;
  }
}

/** Whether an answer of a stated length is all there. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)\r$/im.exec(text)?.[1];
  return end >= 0 && length !== undefined && text.length - end - 4 >= Number(length);
}

const HARMLESS =
  /^(?=.*^content-security-policy: default-src 'none'; sandbox\r$)(?=.*^x-content-type-options: nosniff\r$)/ims;
const CLOSE = "Connection: close";
const UPGRADE = [
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** One request of each kind, with the lines that it has beside its Host. */
const KINDS: readonly (readonly [line: string, rest: readonly string[]])[] = [
  ["GET /live HTTP/1.1", UPGRADE],
  ["GET /health HTTP/1.1", [CLOSE]],
  ["GET /api/streams HTTP/1.1", [CLOSE]],
  ["GET /live.jpg HTTP/1.1", [CLOSE]],
  ["GET / HTTP/1.1", [CLOSE, "Accept: text/html"]],
  ["PATCH /api/streams/live HTTP/1.1", [CLOSE, "Content-Length: 0"]],
];

Deno.test("serve answers for addresses, localhost and the names it was given, and for no other", async () => {
  await using relay = await startRelay({ hostNames: ["Cams.example"] });
  const ours = ["127.0.0.1", "10.0.0.1:8080", "[::1]:80", "localhost:9", "LOCALHOST", "localhost."];
  for (const host of [...ours, "cams.example", "Cams.Example:81", ...machineNames()]) {
    for (const [line, rest] of KINDS) {
      const answer = await ask(relay.address, [line, `Host: ${host}`, ...rest]);
      assert(
        !/^HTTP\/1.1 4(?:00|21) /.test(answer) || line.startsWith("PATCH"),
        `${host} ${answer}`,
      );
    }
  }
  const others = ["evil.example", "cams.example.evil", "1.2.3", "localhost.evil"];
  for (const host of others) {
    for (const [line, rest] of KINDS) {
      const own = [`Host: ${host}`, `Origin: http://${host}`];
      const answer = await ask(relay.address, [line, ...own, ...rest]);
      assertMatch(answer, /^HTTP\/1.1 421 /, `${line} ${host}`);
      assertStringIncludes(answer, `Cannot answer for the host "${host}": `);
      assertStringIncludes(answer, "--host-name");
      assertMatch(answer, HARMLESS);
    }
  }
  const counted = await (await fetch(`${relay.address}/metrics`)).text();
  const refused = others.length * KINDS.length;
  assertMatch(counted, RegExp(`^stream_refused_total\\{reason="host"\\} ${refused}$`, "m"));
});

Deno.test("serve --host-name '*' answers for any name", async () => {
  await using relay = await startRelay({ hostNames: ["*"] });
  const answer = await ask(relay.address, ["GET /health HTTP/1.1", "Host: any.example", CLOSE]);
  assertMatch(answer, /^HTTP\/1.1 200 /);
});

Deno.test("serve takes no path and no second address out of a Host or a request line", async () => {
  await using relay = await startRelay();
  for (
    const [line, hosts, status] of [
      ["GET /health HTTP/1.1", ["127.0.0.1/secret.jpg?"], 400],
      ["PATCH /health HTTP/1.1", ["127.0.0.1/api/streams/live?"], 400],
      ["GET /health HTTP/1.1", ["user@127.0.0.1"], 400],
      ["GET /health HTTP/1.1", ["127.0.0.1#"], 400],
      ["GET /health HTTP/1.1", ["127.0.0.1", "127.0.0.1"], 400],
      // Deno's server does not tell HTTP/1.1 from HTTP/1.0, which has no Host.
      ["GET /health HTTP/1.1", [], relay.listener === "node" ? 400 : 200],
      ["GET /health HTTP/1.0", [], 200],
      ["GET http://evil.example/health HTTP/1.1", ["127.0.0.1"], 421],
    ] as const
  ) {
    const answer = await ask(relay.address, [line, ...hosts.map((host) => `Host: ${host}`), CLOSE]);
    assertMatch(answer, RegExp(`^HTTP/1.[01] ${status} `), `${line} ${hosts}`);
  }
});

Deno.test("serve answers a request to upgrade to something else as if it did not ask", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/live?role=publish"));
  sender.send(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0, 0xff, 0xd9));
  await until(relay, ({ received }) => received.frames === 1);
  const { hostname, port } = new URL(relay.address);
  const own = ["Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: h2c"];
  const health = await ask(relay.address, ["GET /health HTTP/1.1", ...own]);
  assertMatch(health, /^HTTP\/1.1 200 /);
  // An answer without an end arrives as it is made.
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = ["GET /live.mjpeg HTTP/1.1", ...own, "", ""];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("X-Timestamp: ")) {
    const count = await soon("a part", connection.read(buffer));
    text += decoder.decode(buffer.subarray(0, count ?? 0), { stream: true });
  }
});

Deno.test("a relay within a program answers for any name, unless it is told otherwise", async () => {
  for (
    const [hostNames, status] of [[undefined, 200], [[], 421], [["relay.example"], 200]] as const
  ) {
    await using relay = createRelay(hostNames === undefined ? {} : { hostNames });
    const answer = await relay.handle(new Request("http://relay.example/health"));
    assertEquals(answer.status, status, `${hostNames}`);
    await answer.body?.cancel();
  }
  assertEquals(DEFAULT_OPTIONS.hostNames, []);
});

Deno.test("a relay where nothing is allowed without a token answers for any name", async () => {
  for (const [needsToken, status] of [[true, 401], [false, 421]] as const) {
    const access: Access = { needsToken, authorize: () => "unknown" };
    await using relay = createRelay({ access, hostNames: [] });
    const answer = await relay.handle(new Request("http://relay.example/live.jpg"));
    assertEquals(answer.status, status);
    await answer.body?.cancel();
  }
});

Deno.test("serve answers a handshake that is none with what is wrong, and counts it", async () => {
  await using relay = await startRelay();
  const [connection, upgrade, version, key] = UPGRADE as [string, string, string, string];
  const bad: readonly (readonly [lines: readonly string[], status: number, sentence: string])[] = [
    [[connection, upgrade, version], 400, "Sec-WebSocket-Key"],
    [[connection, upgrade, version, "Sec-WebSocket-Key: c2hvcnQ="], 400, "Sec-WebSocket-Key"],
    [[connection, upgrade, key], 426, "Sec-WebSocket-Version: 13"],
    [[connection, upgrade, key, "Sec-WebSocket-Version: 8"], 426, "Sec-WebSocket-Version: 13"],
    [[connection, upgrade, version, `${key}=`], 400, "Sec-WebSocket-Key"],
    [[upgrade, version, key, "Connection: keep-alive"], 400, "Connection"],
    [[connection, upgrade, version, key, "Sec-WebSocket-Protocol: stream.v1,,"], 400, "RFC 6455"],
  ];
  for (const [lines, status, sentence] of bad) {
    const answer = await ask(relay.address, [
      "GET /live HTTP/1.1",
      "Host: 127.0.0.1",
      ...lines,
      CLOSE,
    ]);
    assertMatch(answer, RegExp(`^HTTP/1.1 ${status} `), `${lines}`);
    assertStringIncludes(answer, sentence);
    assertMatch(answer, HARMLESS);
  }
  // Deno's server upgrades HTTP/1.0 as well, and does not tell.
  const isOlder = relay.listener === "node";
  const old = isOlder &&
    await ask(relay.address, ["GET /live HTTP/1.0", "Host: 127.0.0.1", ...UPGRADE]);
  if (old !== false) {
    assertMatch(old, /^HTTP\/1.[01] 400 /);
    assertMatch(old, HARMLESS);
  }
  const counted = await (await fetch(`${relay.address}/metrics`)).text();
  assertMatch(
    counted,
    RegExp(`^stream_refused_total\\{reason="handshake"\\} ${bad.length + (isOlder ? 1 : 0)}$`, "m"),
  );
});
