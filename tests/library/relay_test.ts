/** A relay in a program of one's own, by the library's surface alone. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  createRelay,
  DEFAULT_LISTEN_LIMITS,
  DEFAULT_OPTIONS,
  type LogLine,
  serve,
  sharedSecrets,
  StreamError,
} from "../../mod.ts";
import { findStream, publish, watch } from "../../src/client/mod.ts";
import { readLine } from "../../src/cli/command.ts";
import { serveOptions } from "../../src/cli/serve.ts";
import { serveCommand } from "../../src/cli/serve_command.ts";

Deno.test("serve relays what is published to those who watch, and says what happens", async () => {
  const lines: LogLine[] = [];
  await using relay = await serve({ port: 0, fps: "source", onLog: (line) => lines.push(line) });
  const url = `${relay.address}/cam`;
  await using cam = watch(url);
  await using out = publish(url, { format: "png" });
  await out.send(Uint8Array.of(1, 2, 3));
  assertEquals((await cam.next()).value?.data, Uint8Array.of(1, 2, 3));
  const { fps, viewers, publishing } = await findStream(url);
  assertEquals([fps, viewers, publishing], ["source", 1, true]);
  await out.end();
  assertEquals((await cam.next()).done, true);
  const said = lines.map(({ level, message }) => `${level}: ${message}`);
  assertEquals(said[0], 'info: "cam" has a publisher');
  assert(lines.every(({ fields }) => fields.stream === "cam"), JSON.stringify(lines));
});

Deno.test("DEFAULT_OPTIONS are those of the command line", () => {
  const { flags } = readLine(serveCommand, [], () => undefined);
  const { host, port, workers, ...limits } = serveOptions(flags, flags.workers);
  assertEquals([host, port, workers], ["127.0.0.1", 8080, 1]);
  assertEquals(limits, { ...DEFAULT_OPTIONS, ...DEFAULT_LISTEN_LIMITS });
});

Deno.test("serve takes limits that it is given, and those that it is not", async () => {
  await using relay = await serve({ port: 0, maxFrameBytes: 10, fps: undefined! });
  await using out = publish(`${relay.address}/cam`, { format: "raw" });
  await out.send(new Uint8Array(10));
  await assertRejects(
    () => out.send(new Uint8Array(11)),
    StreamError,
    "the relay takes at most 10",
  );
  assertEquals(out.fps, DEFAULT_OPTIONS.fps);
});

Deno.test("createRelay answers beside what else a program answers", async () => {
  await using relay = createRelay({ base: "/video" });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, info) =>
      new URL(request.url).pathname.startsWith("/video/")
        ? relay.handle(request, info)
        : new Response("hello"),
  );
  const address = `http://127.0.0.1:${server.addr.port}`;
  await using out = publish(`${address}/video/cam`, { format: "raw" });
  await out.send(Uint8Array.of(7));
  await using cam = watch(`${address}/video/cam`);
  assertEquals((await cam.next()).value?.data, Uint8Array.of(7));
  assertEquals(await (await fetch(address)).text(), "hello");
  await out.end();
});

Deno.test("createRelay asks who may do what, and clients are told that they may not", async () => {
  const questions: string[] = [];
  await using relay = await serve({
    port: 0,
    access: {
      authorize({ action, stream }) {
        questions.push(`${action} ${stream}`);
        return action === "publish" ? "unknown" : "allowed";
      },
    },
  });
  const out = publish(`${relay.address}/cam`, { format: "raw" });
  const error = await assertRejects(() => out.send(Uint8Array.of(7)), StreamError);
  assertEquals(error.code, "refused");
  assert(questions.includes("publish cam"), questions.join());
});

Deno.test("serve stops by its signal, and tells those who watch", async () => {
  const stop = new AbortController();
  const relay = await serve({ port: 0, signal: stop.signal });
  const events: string[] = [];
  await using cam = watch(`${relay.address}/cam`, { onEvent: ({ type }) => events.push(type) });
  await using out = publish(`${relay.address}/cam`, { format: "raw", giveUpMs: 0 });
  await out.send(Uint8Array.of(7));
  await cam.next();
  const next = cam.next();
  stop.abort();
  await relay.closed;
  await assertRejects(() => out.end(), StreamError);
  assertEquals(events, ["lost"]);
  await cam.close();
  assertEquals((await next).done, true);
});

Deno.test("serve says that it cannot listen", async () => {
  await using relay = await serve({ port: 0 });
  const port = Number(new URL(relay.address).port);
  const error = await assertRejects(() => serve({ port }), StreamError);
  assertEquals(error.code, "unreachable");
});

Deno.test("serve is open beyond this machine only where somebody has said so", async () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"]) {
    const error = await assertRejects(() => serve({ host, port: 0 }), StreamError);
    assertEquals(error.code, "usage");
    assertEquals(
      error.message,
      `Cannot serve on ${host}: everybody who reaches it could publish, watch and govern; say who ` +
        "may by access, or permit it by open: true",
    );
  }
  const access = sharedSecrets({ publish: "pub" });
  for (
    const [options, asked, mayPublish] of [
      [{ open: true }, 200, true],
      [{ access }, 401, false],
      [{ access, open: true }, 200, false],
    ] as const
  ) {
    await using relay = await serve({ host: "0.0.0.0", port: 0, ...options });
    const address = relay.address.replace("0.0.0.0", "127.0.0.1");
    const answer = await fetch(`${address}/api/streams`);
    await answer.body?.cancel();
    assertEquals(answer.status, asked);
    await using out = publish(`${address}/cam`, { format: "raw" });
    if (mayPublish) await out.send(Uint8Array.of(7));
    else await assertRejects(() => out.send(Uint8Array.of(7)), StreamError);
  }
});
