/** A relay within a program that listens for it. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { createRelay, type EmbeddedRelay, type RelayContext } from "../../src/server/relay.ts";
import { Client, DEFAULTS, frameOf, numberOf } from "./fixture.ts";

const CONTEXT: RelayContext = {
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
};

interface Program extends AsyncDisposable {
  readonly address: string;
  url(path: string): string;
}

/** A program that answers `/hello` itself, and has the relay answer everything else. */
function program(relay: EmbeddedRelay): Program {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, info) =>
      new URL(request.url).pathname === "/hello"
        ? new Response("hello\n")
        : relay.handle(request, info),
  );
  const address = `http://127.0.0.1:${server.addr.port}`;
  return {
    address,
    url: (path) => `${address.replace("http:", "ws:")}${path}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function textOf(address: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(address, { headers });
  return `${response.status} ${await response.text()}`;
}

Deno.test("createRelay relays frames beside the routes of somebody's own server", async () => {
  await using relay = createRelay(DEFAULTS, CONTEXT);
  await using own = program(relay);
  assertEquals(await textOf(`${own.address}/hello`), "200 hello\n");
  assertEquals(await textOf(`${own.address}/health`), "200 ok\n");
  await using viewer = await Client.hello(own.url("/cam"), { role: "watch" });
  await viewer.control("welcome");
  await using sender = await Client.open(own.url("/cam?role=publish"));
  sender.send(frameOf(7));
  // The header's 32 bytes come first.
  assertEquals(numberOf((await viewer.frame()).subarray(32)), 7);
  assertStringIncludes(await textOf(`${own.address}/api/streams/cam`), '200 {"name":"cam"');
  assertEquals(await textOf(`${own.address}/hello`), "200 hello\n");
});

Deno.test("createRelay keeps to the path that it is given", async () => {
  await using relay = createRelay(DEFAULTS, { ...CONTEXT, base: "/video" });
  await using own = program(relay);
  assertEquals(await textOf(`${own.address}/hello`), "200 hello\n");
  assertEquals(await textOf(`${own.address}/video/health`), "200 ok\n");
  for (const path of ["/health", "/videos/health", "/"]) {
    assertStringIncludes(await textOf(own.address + path), "404 ");
  }
  await using client = await Client.open(own.url("/video/cam"));
  client.send(frameOf(3));
  assertEquals(numberOf(await client.frame()), 3);
  const place = `//${new URL(own.address).host}/video`;
  assertStringIncludes(await textOf(`${own.address}/video/`), `  ws:${place}/cam  raw`);
  assertStringIncludes(await textOf(`${own.address}/video/cam`), `426 A stream`);
  assertStringIncludes(await textOf(`${own.address}/video/cam`), `stream watch ws:${place}/cam\n`);
  // What a page names beside it is under the path as well.
  const html = { accept: "text/html" };
  const page = await fetch(`${own.address}/video?x=1`, { headers: html });
  assertEquals([page.status, page.url], [200, `${own.address}/video/?x=1`]);
  assertStringIncludes(await page.text(), 'href="assets/');
  const missing = await textOf(`${own.address}/video/a/b`, html);
  assertStringIncludes(missing, 'href="../assets/');
});

Deno.test("createRelay stops by its signal: peers are told, the server goes on", async () => {
  const stop = new AbortController();
  const relay = createRelay(DEFAULTS, { ...CONTEXT, signal: stop.signal });
  await using own = program(relay);
  await using client = await Client.open(own.url("/cam"));
  client.send(frameOf(1));
  await client.frame();
  stop.abort();
  assertEquals((await client.closed).code, 1001);
  await relay.closed;
  assertEquals(await textOf(`${own.address}/hello`), "200 hello\n");
  assertEquals(await textOf(`${own.address}/ready`), "503 stopping\n");
  await using late = await Client.open(own.url("/cam"));
  assertEquals((await late.closed).code, 1001);
});

Deno.test("createRelay leaves nothing behind when it is disposed of", async () => {
  // The sanitizers of the tests would tell of timers.
  const relay = createRelay(DEFAULTS, CONTEXT);
  await relay[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  const answer = await relay.handle(new Request("http://127.0.0.1/health"));
  assert(answer.ok);
  await answer.body?.cancel();
});
