/** What the program makes of servers that are no relays, or bad ones. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openHere } from "../server/fixture.ts";
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

Deno.test("list and fps say in a sentence that an answer is not a relay's", async () => {
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
    for (const args of [["list"], ["list", "--json"], ["fps", `${server.url}/cam`, "10"]]) {
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

Deno.test("watch, publish and fps repeat what a relay says on one line, without controls", async () => {
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
