// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { assertFailed } from "./assert_failed.ts";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";

/** No system hands out port 1 unasked, and nobody asks for it. */
const NOBODY = "127.0.0.1:1";

const COMMANDS: readonly (readonly string[])[] = [["publish"], ["watch"], ["fps"], ["list"]];

Deno.test("stream serve and demo exit with 3 where the port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (const command of ["serve", "demo"]) {
    const outcome = await run([command, "--port", `${port}`]);
    assertFailed(outcome, 3, RegExp(`127\\.0\\.0\\.1:${port}: the port is in use; .*--port`));
  }
});

Deno.test("stream serve exits with 3 for an address that is not of this machine", async () => {
  assertFailed(
    await run(["serve", "--open", "--host", "203.0.113.1", "--port", "0"]),
    3,
    /203\.0\.113\.1/,
  );
});

for (const [command] of COMMANDS) {
  Deno.test(`stream ${command} exits with 3 where nobody listens`, async () => {
    await using folder = await makeFolder();
    const outcome = await run([command!, `ws://${NOBODY}/live`], { cwd: folder.path });
    assertFailed(outcome, 3, /nothing (listens|answers) there; .*stream serve/);
    assertEquals(await folder.names(), []);
  });

  Deno.test(`stream ${command} exits with 2 for a name that is not allowed or reserved`, async () => {
    for (const name of ["a%20b", "a%2Fb", "api", "metrics", "x".repeat(65), "%ff"]) {
      const outcome = await runHere([command!, `ws://${NOBODY}/${name}`]);
      assertFailed(outcome, 2, /the name "[^"]+" is (reserved|not 1 to 64 letters, digits)/);
    }
  });

  for (const status of [401, 403]) {
    Deno.test(`stream ${command} exits with 4 where the server answers ${status}`, async () => {
      await using server = httpServer(() => new Response("no", { status }));
      const { port } = server.addr;
      const outcome = await runHere([command!, `ws://127.0.0.1:${port}/live`]);
      assertFailed(outcome, 4, RegExp(`${status}`));
    });
  }
}

Deno.test("stream publish and watch exit with 3 where the server is no relay", async () => {
  await using plain = httpServer(() => new Response("no", { status: 404 }));
  await using page = httpServer(() => new Response("<html>"));
  await using other = httpServer((request) => Deno.upgradeWebSocket(request).response);
  for (const command of ["publish", "watch"]) {
    for (
      const [{ addr }, why] of [[plain, /HTTP 404/], [page, /HTTP 200/], [
        other,
        /stream\.v1/,
      ]] as const
    ) {
      const url = `ws://127.0.0.1:${addr.port}/live`;
      const outcome = await runHere([command, url, ...(command === "watch" ? ["-o", "-"] : [])]);
      assertFailed(outcome, 3, why);
    }
  }
});

Deno.test("stream watch exits with 3 where the relay is full", async () => {
  await using relay = await startRelay(["--max-viewers", "1"]);
  await using viewer = start(["watch", relay.url(), "-o", "-"]);
  await relay.watchedBy(viewer);
  assertFailed(
    await run(["watch", relay.url(), "-o", "-"]),
    3,
    /limit of viewers \(--max-viewers 1\)/,
  );
});

Deno.test("stream fps and list exit with 1 where the server is no relay", async () => {
  await using plain = httpServer(() => new Response("no", { status: 404 }));
  await using page = httpServer(() => new Response("<html>"));
  for (const command of ["fps", "list"]) {
    for (const [{ addr }, status] of [[plain, 404], [page, 200]] as const) {
      const outcome = await runHere([command, `ws://127.0.0.1:${addr.port}/live`]);
      assertFailed(outcome, 1, RegExp(`not a relay \\(HTTP ${status}\\)`));
    }
  }
});

function httpServer(
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
}

Deno.test("stream fps and list exit with 1 for a stream that is not there", async () => {
  await using relay = await startRelay();
  for (const command of ["fps", "list"]) {
    const outcome = await run([command, relay.url("nowhere")]);
    assertFailed(outcome, 1, /there is no stream "nowhere"/);
  }
});

Deno.test("stream fps sets the rate of a stream that is not there yet, and reads it", async () => {
  await using relay = await startRelay(["--fps", "30"]);
  const rate = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(["fps", relay.url("door"), ...args]);
    assertEquals(code, 0, stderr);
    return new TextDecoder().decode(stdout);
  };
  assertEquals([await rate("10"), await rate()], ["10\n", "10\n"]);
  await using watch = start(["watch", relay.url("door"), "-o", "-"]);
  await relay.watchedBy(watch, "door");
  assertEquals(await rate(), "10\n");
});

Deno.test("stream list shows the stream that its address names, or all", async () => {
  await using relay = await startRelay();
  await using one = start(["watch", relay.url("one"), "-o", "-"]);
  await using two = start(["watch", relay.url("two"), "-o", "-"]);
  await relay.watchedBy(one, "one");
  await relay.watchedBy(two, "two");
  const names = async (url: string) => {
    const { stdout } = await run(["list", "--json", url]);
    return JSON.parse(new TextDecoder().decode(stdout)).map(({ name }: { name: string }) => name);
  };
  assertEquals(await names(relay.url("two")), ["two"]);
  for (const url of [relay.host, `${relay.http}/`]) assertEquals(await names(url), ["one", "two"]);
});

/** A proxy that has a relay under a path, as an nginx with `location /video/`. */
function proxy(relay: string): Deno.HttpServer<Deno.NetAddr> {
  return httpServer(async (request) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/video/")) return new Response("not here", { status: 404 });
    const target = `${relay}${pathname.slice("/video".length)}${search}`;
    if (request.headers.get("upgrade") !== "websocket") {
      const { method } = request;
      const body = request.body === null ? null : await request.bytes();
      return await fetch(target, { method, body });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "stream.v1" });
    const inner = new WebSocket(target.replace("http", "ws"), "stream.v1");
    socket.binaryType = inner.binaryType = "arraybuffer";
    const opened = new Promise<void>((resolve) => inner.onopen = () => resolve());
    socket.onmessage = async ({ data }) => {
      await opened;
      inner.send(data);
    };
    inner.onmessage = ({ data }) => socket.send(data);
    inner.onclose = ({ code, reason }) => {
      if (socket.readyState === WebSocket.OPEN) socket.close(code === 1005 ? 1000 : code, reason);
    };
    socket.onclose = () => inner.close();
    return response;
  });
}

Deno.test("stream publish, watch, fps and list reach a relay under a path", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay();
  await using front = proxy(relay.http);
  const base = `127.0.0.1:${front.addr.port}/video`;
  const input = jpegs(2);
  await using watch = start(["watch", `ws://${base}/cam`, "-o", "%d.jpg", ...EVERY_FRAME], {
    cwd: folder.path,
  });
  await relay.watchedBy(watch, "cam");
  const listed = await run(["list", `http://${base}/`]);
  assertMatch(new TextDecoder().decode(listed.stdout), /^NAME .*\ncam /);
  assertEquals((await run(["fps", `${base}/cam`, "100"])).code, 0);
  const published = await run(["publish", `${base}/cam`], { stdin: concat(...input) });
  assertEquals(published.code, 0, published.stderr);
  assertEquals((await watch.outcome).code, 0);
  assertEquals(await folder.files(), input);
});

Deno.test("stream publish is refused where the stream has a publisher, who does not notice", async () => {
  await using relay = await startRelay();
  await using first = start(["publish", relay.url()], { stdin: "piped" });
  await first.write(concat(...jpegs(1)));
  await relay.until("live", (status) => status.received.frames === 1);
  const second = await run(["publish", relay.url()], { stdin: concat(...jpegs(1)) });
  assertFailed(second, 1, /already has a publisher; .*--takeover/);
  await first.endInput();
  assertEquals((await first.outcome).code, 0);
});

Deno.test("stream publish --takeover ends the publisher that is there, not its viewers", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay();
  await using watch = start(["watch", relay.url(), "-o", "%d.jpg"], { cwd: folder.path });
  await relay.watchedBy(watch);
  const frames = jpegs(2);
  await using first = start(["publish", relay.url()], { stdin: "piped" });
  await first.write(frames[0]!);
  await relay.until("live", (status) => status.sent.frames === 1);
  const second = await run(["publish", relay.url(), "--takeover"], { stdin: frames[1]! });
  assertEquals(second.code, 0, second.stderr);
  assertFailed(await first.outcome, 1, /another publisher took over the stream "live"/);
  assertEquals((await watch.outcome).code, 0);
  assertEquals(await folder.files(), frames);
});

Deno.test("stream publish reads standard input by the names that others have for it", async () => {
  await using relay = await startRelay();
  for (const name of ["-", "/dev/stdin"]) {
    const args = ["publish", relay.url(), "--input", name];
    const { code, stderr } = await run(args, { stdin: concat(...jpegs(2)) });
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^published 2 frames, /);
  }
});

Deno.test("stream publish names what it may not open, and what it cannot use, without flags of Deno", async () => {
  await using folder = await makeFolder();
  await Deno.writeFile(`${folder.path}/empty`, new Uint8Array());
  await using relay = await startRelay();
  for (
    const [input, seen] of [
      ["/proc/self/mem", /is not allowed to open it; let the shell open it: stream publish </],
      [folder.path, /it is a folder; give a file, or pipe its pictures in: cat \S+ \| stream pub/],
      [`${folder.path}/empty`, /the file is empty/],
      [`${folder.path}/empty/x`, /part of the path is a file/],
    ] as const
  ) {
    const outcome = await run(["publish", relay.url(), "--input", input]);
    assertFailed(outcome, 5, seen);
    assertEquals(/--allow|published/.test(outcome.stderr), false);
  }
});
