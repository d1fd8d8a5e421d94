/** A thread that sends to viewers of its own, without the thread. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { linkTo } from "../../src/link/link.ts";
import { acceptPeer } from "../../src/relay/accept.ts";
import { sharedRefusals } from "../../src/listen/refusals.ts";
import { sharedCounts } from "../../src/relay/memory.ts";
import { sharedVisits } from "../../src/listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { Shard } from "../../src/shards/shard.ts";
import type { FromShard } from "../../src/shards/shard_message.ts";
import { DEFAULTS } from "./fixture.ts";

function shard(): { readonly shard: Shard; readonly told: FromShard[] } {
  const told: FromShard[] = [];
  const clock = { nowMs: () => 0, wallUs: () => 0 };
  const start = {
    options: DEFAULTS,
    host: "127.0.0.1",
    port: 0,
    listener: "deno" as const,
    limits: DEFAULT_LISTEN_LIMITS,
    counts: sharedCounts(2),
    visits: sharedVisits(2),
    refused: sharedRefusals(2),
    threads: 2,
    isolatesThreads: false,
    own: 1,
    isOpen: true,
    needsToken: false,
    originMs: 0,
  };
  return { shard: new Shard(start, clock, (message) => told.push(message)), told };
}

Deno.test("Shard answers pages, assets, health and refusals itself, and asks for nothing", async () => {
  const { shard: { handler }, told } = shard();
  const status = async (path: string, init: RequestInit = {}) => {
    const request = new Request(`http://127.0.0.1${path}`, init);
    return (await handler({ request, address: "", takeTime: () => {} }) as Response).status;
  };
  const html = { headers: { accept: "text/html" } };
  assertEquals(await status("/", html), 200);
  assertEquals(await status("/cam", html), 200);
  assertEquals(await status("/cam"), 426);
  assertEquals(await status("/assets/player.html"), 200);
  assertEquals(await status("/health"), 200);
  assertEquals(await status("/ready"), 200);
  assertEquals(await status("/a/b"), 404);
  assertEquals(await status("/metrics", { method: "POST" }), 405);
  assertEquals(told, []);
});

Deno.test("Shard asks the thread that has the streams, which need not find the address again", async () => {
  const { shard: streams, told } = shard();
  const request = new Request("http://127.0.0.1/api/streams/cam", { method: "HEAD" });
  const answer = streams.handler({ request, address: "10.0.0.1", takeTime: () => {} });
  while (told.length === 0) await Promise.resolve();
  const [asked] = told;
  if (asked?.type !== "ask") throw new Error(`told ${asked?.type}`);
  const { route, name, method, asker } = asked.question;
  assertEquals(ROUTES[route]!.path, "/api/streams/:name");
  assertEquals([name, method, asker.address], ["cam", "HEAD", "10.0.0.1"]);
  streams.receive({
    type: "answer",
    id: asked.id,
    response: { status: 418, headers: [["x-a", "b"]], body: null },
  });
  const { status, headers } = await answer as Response;
  assertEquals([status, headers.get("x-a")], [418, "b"]);
});

Deno.test("Shard passes a publisher's hello on as it has read it, and what follows as it comes", () => {
  const { shard: streams, told } = shard();
  const socket = {
    unsentBytes: 0,
    send: () => {},
    pause: () => false,
    resume: () => {},
    close: () => {},
    breakOff: () => false,
  };
  const peer = acceptPeer(streams, socket, {
    name: "cam",
    joinFrom: "key",
    asker: { address: "", token: undefined },
    role: "stream.v1",
    actions: [],
    untilMs: undefined,
    fault: undefined,
  });
  peer.receive('{"type":"hello","version":1,"role":"publish","session":"one"}');
  const frame = new Uint8Array(100);
  peer.receive(frame);
  peer.closed();
  const [publish, message, gone] = told;
  if (publish?.type !== "publish" || publish.hello === "bare") throw new Error("no hello");
  assertEquals([publish.name, publish.hello.session, publish.hello.onFull], ["cam", "one", "wait"]);
  assertEquals([message, gone], [
    { type: "message", peer: publish.peer, data: frame },
    { type: "gone", peer: publish.peer },
  ]);
});

Deno.test("linkTo chooses a link by the scheme of an address, and names the schemes there are", () => {
  const [one, two] = ["thread", "other"].map((scheme) => ({ scheme, tell: () => {} }));
  assertEquals(linkTo("other://relay.example", [one!, two!]), two);
  assertEquals(linkTo("thread:0", [one!, two!]), one);
  const error = assertThrows(() => linkTo("ftp://x", [one!, two!]), StreamError);
  assertEquals(error.code, "usage");
  assertEquals(error.message, "Cannot link to ftp://x: the schemes are thread:, other:");
});
