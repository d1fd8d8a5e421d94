/** What the program makes of servers that are no relays, or bad ones. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { start } from "../program.ts";
import { openHere } from "../server/fixture.ts";
import { toViewer } from "../wire/messages.ts";
import { greeting, takeFrames } from "./greeting.ts";
import { runHere } from "./run_here.ts";

const STATUS = {
  name: "cam",
  format: "mjpeg",
  width: null,
  height: null,
  codec: null,
  fps: 30,
  publishing: true,
  viewers: 1,
  rate: { framesPerSecond: 1 },
  queue: { frames: 0, bytes: 0 },
  received: { frames: 1, bytes: 1 },
  sent: { frames: 1, bytes: 1 },
  dropped: { disconnected: 0 },
  latency: null,
};

/** A server that answers every question with `value`. */
function answering(value: unknown): { readonly url: string } & AsyncDisposable {
  return openHere(() => Response.json(value));
}

Deno.test("list, fps and kick say in a sentence that an answer is not a relay's", async () => {
  for (
    const value of [
      {},
      [{}],
      [null],
      null,
      "text",
      1,
      [{ ...STATUS, name: 1 }],
      [{ ...STATUS, fps: "fast" }],
      [{ ...STATUS, rate: null }],
      [{ ...STATUS, dropped: ["x"] }],
      [{ ...STATUS, latency: { medianMs: "1" } }],
      { ...STATUS, fps: undefined },
    ]
  ) {
    await using server = answering(value);
    for (
      const args of [["list"], ["list", "--json"], ["fps", `${server.url}/cam`, "10"], [
        "kick",
        `${server.url}/cam`,
      ]]
    ) {
      const line = args[0] === "list" ? [...args, server.url] : args;
      const { code, stderr, stdout } = await runHere(line);
      const what = `${line} ${JSON.stringify(value)}`;
      assertEquals([code, new TextDecoder().decode(stdout)], [1, ""], what);
      assertMatch(
        stderr,
        /^error: Cannot ask \S+: the server is not a relay \(HTTP 200\)\n$/,
        what,
      );
    }
  }
});

Deno.test("list writes what a relay says so that nothing of it steers the terminal", async () => {
  const name = "a\x1b]0;owned\x07\nb\u202ec\x9b";
  await using server = answering([{ ...STATUS, name, format: "x\x1b[2J" }]);
  for (const args of [["list"], ["list", "--json"]]) {
    const { code, stdout } = await runHere([...args, server.url]);
    const text = new TextDecoder().decode(stdout);
    assertEquals(code, 0);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), JSON.stringify(text));
    if (args.length === 1) assertStringIncludes(text, "a\\x1b]0;owned\\x07\\nb\\u202ec\\x9b");
    else assertEquals(JSON.parse(text)[0].name, name);
  }
});

Deno.test("watch, publish, fps and kick repeat what a relay says on one line, without controls", async () => {
  const reason = "gone\x1b[2J\nerror: format your disk\u202e";
  await using closing = openHere((request) => {
    if (!request.headers.has("upgrade")) return Response.json({ error: reason }, { status: 500 });
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "stream.v1" });
    socket.onopen = () => socket.close(4000, reason);
    return response;
  });
  const url = `${closing.url}/cam`;
  for (
    const args of [
      ["watch", url, "-o", "/dev/null/x.jpg"],
      ["publish", url, "--test-pattern"],
      ["fps", url],
      ["kick", url],
    ]
  ) {
    if (args[0] === "watch") args.splice(2, 2, "-o", "-");
    const { code, stderr } = await runHere(args);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "gone\\x1b[2J\\nerror: format your disk\\u202e");
    assertEquals(
      stderr.trimEnd().split("\n").filter((line) => line.startsWith("error: ")).length,
      1,
    );
  }
});

function statsOf(stream: unknown, viewer: unknown = null): string {
  return JSON.stringify({ type: "stats", stream, viewer });
}

Deno.test("publish and watch say in a sentence that numbers are not a relay's", async () => {
  for (
    const [role, stats] of [
      ["publish", statsOf(null)],
      ["publish", statsOf([])],
      ["publish", statsOf({ queue: {} })],
      ["publish", statsOf({ dropped: { overflow: "x" } })],
      ["publish", statsOf({ fps: "fast" })],
      ["publish", statsOf({ live: 1 })],
      ["watch", statsOf({}, "x")],
      ["watch", statsOf({}, { latencyMs: "x" })],
      ["watch", statsOf({ publishing: "yes" })],
    ] as const
  ) {
    await using relay = greeting(role, (socket) => socket.send(stats));
    const rest = role === "publish" ? ["--test-pattern"] : ["-o", "-"];
    const { code, stderr } = await runHere([role, `${relay.url}/cam`, ...rest]);
    assertEquals(code, 1, stats);
    assertMatch(
      stderr,
      /^error: Cannot understand the relay: a stats message has a field that is not what it should be$/m,
    );
  }
});

Deno.test("publish makes pictures at a rate that can be, whatever a relay says", async () => {
  for (const fps of [-1, 0, 1e6]) {
    await using relay = greeting("publish", (socket) => {
      socket.send(statsOf({ fps }));
      socket.send(JSON.stringify({ type: "credit", frames: 1, bytes: 1e9, received: 0 }));
      takeFrames(socket, () => socket.close(4000, "that is enough"));
    });
    const { code, stderr } = await runHere(["publish", `${relay.url}/cam`, "--test-pattern"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "that is enough");
  }
});

Deno.test("publish and watch leave a relay that sends a message too large", async () => {
  for (const [role, ...rest] of [["publish", "--test-pattern"], ["watch", "-o", "-"]] as const) {
    await using relay = greeting(
      role,
      (socket) => socket.send(new Uint8Array(64 * 1024 * 1024 + 1)),
    );
    const { code, stderr } = await runHere([role, `${relay.url}/cam`, ...rest]);
    assertEquals(code, 1, stderr);
    assertMatch(
      stderr,
      /^error: Cannot stay connected to \S+: the relay sends a message that is too large$/m,
    );
  }
});

Deno.test("publish and watch go nowhere else", async () => {
  let others = 0;
  await using other = openHere(() => {
    others++;
    return new Response();
  });
  await using relay = openHere(() =>
    new Response(null, {
      status: 307,
      headers: { location: `${other.url.replace("ws:", "http:")}/cam` },
    })
  );
  for (const [role, ...rest] of [["publish", "--test-pattern"], ["watch", "-o", "-"]] as const) {
    const { code, stderr } = await runHere([role, `${relay.url}/cam`, ...rest]);
    assertEquals([code, others], [3, 0]);
    assertStringIncludes(stderr, "the server is not a relay (HTTP 307)");
  }
});

Deno.test("watch takes little of a flood that nobody reads on, and stops when it is told to", async () => {
  const FRAMES = 200;
  const BYTES = 1_000_000;
  let flooding: WebSocket | undefined;
  await using relay = greeting("watch", (socket) => {
    flooding = socket;
    const config = { ...bareConfig("mjpeg"), epoch: 1, session: "s", offset: 0 };
    socket.send(encodeControl({ type: "config", ...config }));
    for (let n = 1; n <= FRAMES; n++) socket.send(toViewer(n, {}, new Uint8Array(BYTES)));
  });
  await using watch = start(["watch", `${relay.url}/cam`, "-o", "-"], {
    stdout: "piped",
    hangsMs: 60_000,
  });
  // Time enough for all of it.
  await watch.said(/\d+ frames /);
  const waiting = flooding!.bufferedAmount;
  assert(waiting > FRAMES / 2 * BYTES, `${waiting} bytes wait at the relay`);
  watch.kill("SIGTERM");
  // Its test kills a process that does not stop.
  const { code, stderr } = await watch.outcome;
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "nobody reads standard output");
  await watch.stdout.cancel();
});
