/** Who may do what is asked once before each answer, each upgrade and each hello. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Access, AccessQuestion, Decision } from "../../src/access/access.ts";
import { MAX_FAILURES } from "../../src/access/failures.ts";
import { sharedSecrets } from "../../src/access/secrets.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { tokenProtocol } from "../../src/net/token_protocol.ts";
import { type Relay, serve } from "../../src/server/serve.ts";
import { SUBPROTOCOL } from "../../src/wire/frame_message.ts";
import { Client, DEFAULTS } from "./fixture.ts";

interface Scene extends AsyncDisposable {
  readonly relay: Relay;
  readonly asked: AccessQuestion[];
  url(path: string): string;
}

/** A relay whose policy is `decide`, and what it was asked. */
async function scene(
  decide: (question: AccessQuestion) => ReturnType<Access["authorize"]>,
  options: Partial<typeof DEFAULTS> = {},
) {
  const asked: AccessQuestion[] = [];
  const access: Access = {
    authorize: (question) => {
      asked.push(question);
      return decide(question);
    },
  };
  const relay = await serve({ ...DEFAULTS, ...options }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  const running: Scene = {
    relay,
    asked,
    url: (path) => `${relay.address.replace("http:", "ws:")}${path}`,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
  return running;
}

/** The status of an answer, and how it asks for credentials. */
async function answerTo(address: string, init: RequestInit = {}) {
  const response = await fetch(address, init);
  const text = await response.text();
  return { status: response.status, challenge: response.headers.get("www-authenticate"), text };
}

/** The status line of the answer to a WebSocket's request. */
async function upgrade(relay: Relay, path: string, headers: readonly string[] = []) {
  const { hostname, port } = new URL(relay.address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const buffer = new Uint8Array(1024);
  const count = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).split("\r\n")[0];
}

for (
  const [decision, status, challenge] of [
    ["unknown", 401, "Bearer"],
    ["forbidden", 403, null],
  ] as const
) {
  Deno.test(`serve refuses with ${status} whom the policy calls ${decision}, before an upgrade too`, async () => {
    await using running = await scene(() => decision);
    const { relay } = running;
    for (
      const [method, path, action] of [
        ["GET", "/", "watch"],
        ["GET", "/api/streams", "watch"],
        ["GET", "/api/streams/cam", "watch"],
        ["GET", "/api/streams/cam/viewers", "admin"],
        ["PATCH", "/api/streams/cam", "admin"],
        ["GET", "/metrics", "metrics"],
        ["GET", "/cam.mjpeg", "watch"],
        ["GET", "/cam.jpg", "watch"],
        ["GET", "/cam.png", "watch"],
        ["GET", "/?action=stream", "watch"],
        ["GET", "/cam?action=snapshot", "watch"],
      ] as const
    ) {
      const answer = await answerTo(relay.address + path, { method });
      assertEquals([answer.status, answer.challenge], [status, challenge], path);
      assertMatch(answer.text, new RegExp(`^Cannot do this: .*\\b${action}\\b`));
    }
    const protocol = "Sec-WebSocket-Protocol: stream.v1";
    for (const [path, ...headers] of [["/cam"], ["/cam?role=publish"], ["/cam", protocol]]) {
      assertStringIncludes((await upgrade(relay, path!, headers))!, ` ${status} `);
    }
  });
}

Deno.test("serve asks nothing for what everybody may see", async () => {
  await using running = await scene(() => "forbidden");
  const html = { headers: { accept: "text/html" } };
  for (const path of ["/", "/cam", "/assets/player.html"]) {
    assertEquals((await answerTo(running.relay.address + path, html)).status, 200, path);
  }
  for (const path of ["/health", "/ready"]) {
    assertEquals((await answerTo(running.relay.address + path)).status, 200, path);
  }
  assertEquals(running.asked, []);
});

Deno.test("serve asks with the action, the stream, the address and the token of a request", async () => {
  await using running = await scene(() => "forbidden");
  const { relay, asked } = running;
  const bearer = { authorization: "Bearer abc" };
  await answerTo(`${relay.address}/api/streams/cam`, { method: "PATCH", headers: bearer });
  await answerTo(`${relay.address}/metrics?token=def`);
  await upgrade(relay, "/", ["Sec-WebSocket-Protocol: stream.v1, bearer.ghi"]);
  await upgrade(relay, "/cam?role=watch");
  await upgrade(relay, "/cam?role=publish");
  const address = "127.0.0.1";
  const agents = asked.map(({ userAgent }) => userAgent?.startsWith("Deno/"));
  assertEquals(agents, [true, true, undefined, undefined, undefined]);
  assertEquals(asked.map(({ userAgent: _, ...others }) => others), [
    { action: "admin", stream: "cam", address, token: "abc" },
    { action: "metrics", stream: undefined, address, token: "def" },
    { action: "connect", stream: "live", address, token: "ghi" },
    { action: "watch", stream: "cam", address, token: undefined },
    { action: "publish", stream: "cam", address, token: undefined },
  ]);
});

Deno.test("serve asks for both of a client without a protocol that may do both", async () => {
  await using running = await scene(({ action }) => action === "watch" ? "allowed" : "unknown");
  const { relay, asked } = running;
  assertStringIncludes((await upgrade(relay, "/cam"))!, " 401 ");
  assertEquals(asked.map(({ action }) => action), ["watch", "publish"]);
  assertStringIncludes((await upgrade(relay, "/cam?role=watch"))!, " 101 ");
});

for (
  const decide of [
    (decision: Decision) => decision,
    (decision: Decision) => Promise.resolve(decision),
  ]
) {
  const when = decide("allowed") === "allowed" ? "at once" : "later";
  Deno.test(`serve asks again with the hello, and closes with 1008 where it is refused ${when}`, async () => {
    await using running = await scene(({ action }) =>
      decide(action === "publish" ? "forbidden" : "allowed")
    );
    const { url, asked } = running;
    await using publisher = await Client.hello(url("/cam"), { role: "publish", session: "one" });
    const { code, reason } = await publisher.closed;
    assertEquals([code, reason], [1008, "these credentials do not permit publish"]);
    await using viewer = await Client.hello(url("/cam"), { role: "watch" });
    assertEquals((await viewer.control("welcome")).role, "watch");
    assertEquals(
      asked.map(({ action, stream }) => [action, stream]),
      [["connect", "cam"], ["publish", "cam"], ["connect", "cam"], ["watch", "cam"]],
    );
  });
}

Deno.test("serve keeps what comes behind a hello until that is decided, and not without end", async () => {
  const hello = Promise.withResolvers<Decision>();
  const isAsked = Promise.withResolvers<void>();
  await using running = await scene(({ action }) => {
    if (action === "connect") return "allowed";
    isAsked.resolve();
    return hello.promise;
  });
  const { url } = running;
  await using viewer = await Client.hello(url("/cam"), { role: "watch" });
  viewer.send('{"type":"time","clientUs":7}');
  await using flood = await Client.hello(url("/cam"), { role: "watch" });
  for (let count = 0; count < 17; count++) flood.send('{"type":"time","clientUs":7}');
  assertEquals((await flood.closed).code, 1002);
  await using eager = await Client.hello(url("/cam"), { role: "watch" });
  eager.send(new Uint8Array(100));
  assertEquals((await eager.closed).code, 1002);
  await isAsked.promise;
  hello.resolve("allowed");
  // A thread that has no streams knows the time before it knows the stream.
  const first = JSON.parse(String(await viewer.next("a message")));
  const second = await viewer.control(first.type === "time" ? "welcome" : "time");
  const [welcome, time] = first.type === "time" ? [second, first] : [first, second];
  assertEquals([welcome.stream, time.clientUs], ["cam", 7]);
});

Deno.test("serve closes a peer about whose hello the policy fails with 1011", async () => {
  await using running = await scene(({ action }) =>
    action === "connect" ? "allowed" : Promise.reject(new Error("no answer"))
  );
  await using peer = await Client.hello(running.url("/cam"), { role: "watch" });
  assertEquals((await peer.closed).code, 1011);
});

Deno.test("serve does not wait for a decision about a hello for longer than for a hello", async () => {
  const never = new Promise<Decision>(() => {});
  await using running = await scene(
    ({ action }) => action === "connect" ? "allowed" : never,
    { helloTimeoutMs: 20 },
  );
  await using silent = await Client.open(running.url("/cam"), ["stream.v1"]);
  assertEquals(await silent.closed, { code: 4002, reason: "no hello arrived within 20 ms" });
  // It is asked at once, so that what passes is the time for the decision.
  await using peer = await Client.hello(running.url("/cam"), { role: "watch" });
  const { code, reason } = await peer.closed;
  assertEquals(code, 4002);
  assertMatch(reason, /^no (decision about the hello came|hello arrived) within 20 ms$/);
});

Deno.test("serve warns once that a proxy lets everybody in where nothing else is said", async () => {
  for (const access of [undefined, sharedSecrets({ watch: "see" })]) {
    const said: string[] = [];
    await using relay = await serve({ ...DEFAULTS, workers: 1 }, {
      clock: systemClock,
      log: { ...silentLog, warn: (text) => said.push(text) },
      signal: new AbortController().signal,
      ...(access === undefined ? {} : { access }),
    });
    await answerTo(`${relay.address}/health`);
    assertEquals(said, []);
    const headers = { "x-forwarded-for": "203.0.113.7" };
    for (let count = 0; count < 3; count++) await answerTo(`${relay.address}/health`, { headers });
    assertEquals(
      said.map((text) => /X-Forwarded-For/.test(text)),
      access === undefined ? [true] : [],
    );
  }
});

Deno.test("serve answers 429 with a time to wait where an address guesses, on every thread alike", async () => {
  await using relay = await serve(
    { ...DEFAULTS, limits: { ...DEFAULT_LISTEN_LIMITS, trustedProxies: ["127.0.0.1"] } },
    {
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
      access: sharedSecrets({ watch: "see" }),
    },
  );
  const ask = async (token: string, address: string) => {
    const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": address };
    const response = await fetch(`${relay.address}/api/streams`, { headers });
    await response.body?.cancel();
    return [response.status, Number(response.headers.get("retry-after"))] as const;
  };
  for (let count = 0; count < MAX_FAILURES; count++) {
    assertEquals((await ask("guess", "203.0.113.7"))[0], 401);
  }
  for (const token of ["guess", "see"]) {
    const [status, waitS] = await ask(token, "203.0.113.7");
    assertEquals([status, waitS > 0 && waitS <= 60], [429, true]);
  }
  assertEquals((await ask("see", "203.0.113.8"))[0], 200);
});

Deno.test("serve takes secrets of any characters from a page, which has to escape them", async () => {
  const secret = 'b64+/w==,"%41';
  await using running = await scene(({ token }) => token === secret ? "allowed" : "unknown");
  for (const protocols of [[SUBPROTOCOL], []]) {
    const offered = [...protocols, tokenProtocol(secret)];
    await using _client = await Client.open(running.url("/cam"), offered);
  }
});

Deno.test("serve tells its threads no secret: they ask", async () => {
  const told: string[] = [];
  const secrets = { publish: "s3cret-pub", watch: "s3cret-see", admin: "s3cret-adm" };
  await using relay = await serve({ ...DEFAULTS, workers: 2, listener: "node" }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access: sharedSecrets(secrets),
    openThread: () => {
      const url = new URL("../../src/shards/shard_worker.ts", import.meta.url);
      const worker = new Worker(url, { type: "module" });
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (
        message: unknown,
        transfer?: Transferable[] | StructuredSerializeOptions,
      ) => {
        told.push(Deno.inspect(message, { depth: 20, strAbbreviateSize: 1e6, iterableLimit: 1e6 }));
        post(message, transfer as Transferable[]);
      };
      return worker;
    },
  });
  const headers = { authorization: `Bearer ${secrets.watch}` };
  assertEquals((await answerTo(`${relay.address}/api/streams`, { headers })).status, 200);
  assertEquals((await answerTo(`${relay.address}/api/streams`)).status, 401);
  assertEquals(told.some((message) => message.includes("allowed")), true);
  assertEquals(told.filter((message) => message.includes("s3cret")), []);
});
