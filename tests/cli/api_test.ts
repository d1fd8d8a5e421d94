// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decode } from "fast-png";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { Client } from "../server/fixture.ts";
import { concat } from "../split/samples.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";
import { eventually, soon } from "../waiting.ts";

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  assertEquals([code, stderr], [0, ""], args.join(" "));
  return new TextDecoder().decode(stdout);
}

Deno.test("stream fps reads the rate of a stream and changes it", async () => {
  await using relay = await startRelay(["--fps", "25"]);
  await using watch = start(["watch", relay.url("door"), "-o", "-"]);
  await relay.watchedBy(watch, "door");
  const url = relay.url("door");
  assertEquals(await printed("fps", url), "25\n");
  for (const [rate, shown] of [["60", 60], ["30000/1001", 30000 / 1001], ["source", "source"]]) {
    assertEquals(await printed("fps", url, `${rate}`), `${shown}\n`);
    assertEquals(await printed("fps", url), `${shown}\n`);
    assertEquals((await relay.until("door", () => true)).fps, shown);
  }
  await relay.process.said(/permitted admin "door" of 127\.0\.0\.1: 29\.97\d* to source fps/);
});

Deno.test("stream fps loses nothing while frames flow", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "10"]);
  const { path: cwd } = folder;
  await using watch = start(["watch", relay.url(), ...EVERY_FRAME], { cwd });
  await relay.watchedBy(watch);
  const frames = jpegs(200);
  await using publish = start(["publish", relay.url()], { stdin: concat(...frames) });
  // What is left takes many seconds at these rates.
  for (const [frames, fps] of [[2, "20"], [6, "source"]] as const) {
    const { sent } = await relay.until("live", (status) => status.sent.frames >= frames);
    assert(sent.frames < 200, "the change comes while frames are flowing");
    assertEquals(await printed("fps", relay.url(), fps), `${fps}\n`);
  }
  for (const { code, stderr } of [await publish.outcome, await watch.outcome]) {
    assertEquals(code, 0, stderr);
  }
  assertEquals(await folder.files("frames"), frames);
});

Deno.test("stream list --json is what the API says, and the table shows the same", async () => {
  await using relay = await startRelay();
  assertEquals(await printed("list", relay.url(), "--json"), "[]\n");
  await using publish = start(["publish", relay.url("door"), "--no-live"], { stdin: "piped" });
  await publish.write(concat(...jpegs(2)));
  await relay.until("door", (status) => status.tick.fired === 2);
  await using watch = start(["watch", relay.url("door"), "-o", "-"]);
  await relay.watchedBy(watch, "door");

  // The measured rate falls while one looks.
  const still = (streams: { rate: unknown }[]) => streams.map(({ rate: _, ...rest }) => rest);
  const listed = JSON.parse(await printed("list", relay.url("door"), "--json"));
  const answer = await fetch(`${relay.http}/api/streams`);
  assertEquals(still(listed), still(await answer.json()));
  const [door] = listed;
  assertEquals(
    { ...door, epoch: 0, tick: 0, rate: 0, dropped: 0, frameRate: 0, pixelFormat: 0, arrival: 0 },
    {
      name: "door",
      format: "mjpeg",
      codec: "jpeg",
      width: 16,
      height: 8,
      fps: 30,
      publishing: true,
      live: false,
      viewers: 1,
      queue: { frames: 0, bytes: 0 },
      received: { frames: 2, bytes: concat(...jpegs(2)).length },
      sent: { frames: 1, bytes: jpegs(1)[0]!.length },
      // A frame from before the viewer came says nothing of the way it took.
      latency: null,
      ...{ epoch: 0, tick: 0, rate: 0, dropped: 0, frameRate: 0, pixelFormat: 0, arrival: 0 },
    },
  );
  const { medianMs, maxMs } = door.arrival;
  assert(medianMs >= 0 && maxMs >= medianMs, JSON.stringify(door.arrival));
  for (const [reason, frames] of Object.entries(door.dropped)) assertEquals(frames, 0, reason);

  const [titles, row, end] = (await printed("list", relay.url())).split("\n");
  assertEquals(
    titles!.split(/ {2,}/),
    "NAME FORMAT SIZE FPS PUBLISHING VIEWERS QUEUE RECEIVED SENT LATENCY DROPPED".split(" "),
  );
  // No viewer confirms a frame that it was sent live: only the way to the relay is known.
  const source = `source ${medianMs.toFixed(1)}`;
  assertMatch(row!, RegExp(`^door +mjpeg +16x8 +\\d+\\.\\d/30 +yes +1 +0 +2 +1 +${source} +0$`));
  assertEquals(end, "");
});

Deno.test("stream list shows apart what was under way to a viewer that left", async () => {
  await using relay = await startRelay();
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  await publish.write(concat(...jpegs(2)));
  await relay.until("live", (status) => status.tick.fired === 2);
  const hello = { role: "watch" };
  {
    await using silent = await Client.hello(relay.url(), hello);
    await silent.frame();
  }
  await relay.until("live", ({ viewers }) => viewers === 0);
  assertMatch(await printed("list", relay.url()), / 0 \(1 disconnected\)\n$/);
});

Deno.test("stream list and the API tell the latency of a stream and of each of its viewers", async () => {
  await using relay = await startRelay();
  await using watch = start(["watch", relay.url("door"), "-o", "-"]);
  await relay.watchedBy(watch, "door");
  await using bare = await Client.open(`${relay.url("door")}?role=watch`);
  await relay.until("door", ({ viewers }) => viewers === 2);
  await using publish = start(["publish", relay.url("door")], { stdin: "piped" });
  await publish.write(concat(...jpegs(5)));
  for (let count = 0; count < 5; count++) await bare.frame();
  const { latency } = await relay.until("door", (status) => status.latency !== null);
  assert(latency!.relayMedianMs >= 0 && latency!.relayMedianMs <= latency!.medianMs);
  assertEquals([latency!.medianMs, latency!.relayMedianMs], [latency!.maxMs, latency!.relayMaxMs]);

  const viewers = async () =>
    JSON.parse(await printed("list", relay.url(), "--json", "--viewers"))[0].viewerList;
  // The last frame is confirmed a moment after it was sent.
  const [one, other] = await eventually("5 frames to be confirmed", async () => {
    const list = await viewers();
    return list[0].underWay.frames === 0 && list[0].sent.frames >= 5 && list;
  });
  assertEquals(one.confirming, true);
  assert(one.relayMs + one.roundTripMs <= one.latencyMs + 1, JSON.stringify(one));
  assertEquals([other.confirming, other.latencyMs, other.roundTripMs], [false, null, null]);
  assertEquals(other.sent.frames, 5);

  const [first, second] = (await printed("list", relay.url(), "--viewers")).split("\n\n");
  const ms = String.raw`\d+\.\d`;
  assertMatch(first!, RegExp(` ${ms}/${ms} ms, relay ${ms}, source ${ms}  0$`));
  const [titles, ...rows] = second!.trim().split("\n");
  assertEquals(
    titles!.split(/ {2,}/),
    ["VIEWER OF", "ID", "LATENCY", "RELAY", "ROUND TRIP", "UNDER WAY", "SENT", "DROPPED"],
  );
  assertMatch(rows[0]!, /^door +\d+( +\d+\.\d ms){3} +0 +5 +0$/);
  assertMatch(rows[1]!, /^door +\d+ +- +\d+\.\d ms +- +[01] +5 +0$/);
});

Deno.test("stream list shows no latency where none is known, also of a relay that tells less", async () => {
  await using relay = await startRelay();
  await using bare = await Client.open(relay.url("door"));
  const column = async (url: string) =>
    (await printed("list", url)).split("\n")[1]!.split(/ {2,}/).at(-2);
  await relay.until("door", ({ viewers }) => viewers === 1);
  assertEquals(await column(relay.url()), "-");
  bare.send(jpegs(1)[0]!);
  await bare.frame();
  assertEquals(await column(relay.url()), "-");
  const { arrival: _, ...less } = await relay.until("door", () => true);
  await using earlier = Deno.serve({ port: 0, onListen: () => {} }, () => Response.json([less]));
  assertEquals(await column(`ws://127.0.0.1:${earlier.addr.port}/`), "-");
});

Deno.test("stream demo ends after its duration, and its viewers with it", async () => {
  await using demo = start(["demo", "--port", "0", "--duration", "1s"]);
  const http = (await demo.said(/listening on (http:\/\/127\.0\.0\.1:\d+) /))[1]!;
  const watched = await run(["watch", `${http}/live`, "-o", "-"]);
  assertEquals(watched.code, 0, watched.stderr);
  const { code, stdout, stderr } = await demo.outcome;
  assertEquals([code, stdout.length], [0, 0], stderr);
  for (const next of ["stream watch ws://", "stream publish ws://", "curl http://"]) {
    assert(stderr.includes(next), next);
  }
  assertMatch(stderr, /relayed \d+ frames/);
});

Deno.test("stream demo shows a watcher pictures, and its address the streams", async () => {
  await using folder = await makeFolder();
  await using demo = start(["demo", "--port", "0", "--fps", "50"]);
  const http = (await demo.said(/listening on (http:\/\/\S+) /))[1]!;
  const { code, stderr } = await run(["watch", `${http}/live`, "--count", "3"], {
    cwd: folder.path,
  });
  assertEquals(code, 0, stderr);
  assertEquals(await folder.names("frames"), ["000001.png", "000002.png", "000003.png"]);
  for (const file of await folder.files("frames")) {
    const { width, height } = decode(file);
    assertEquals([width, height], [640, 360]);
  }
  assertMatch(await (await fetch(http)).text(), /\/live +png 640x360 +50 fps/);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`stream serve, publish, watch and demo end with 0 by ${signal}`, async () => {
    await using folder = await makeFolder();
    const { path: cwd } = folder;
    await using relay = await startRelay();
    await using watch = start(["watch", relay.url(), "-o", "all.mjpeg"], { cwd });
    await relay.watchedBy(watch);
    await using publish = start(["publish", relay.url()], { stdin: "piped" });
    const [frame] = jpegs(1);
    // The second frame is cut off; a stop makes it no fault.
    await publish.write(concat(frame!, frame!.subarray(0, 50)));
    await relay.until("live", (status) => status.sent.frames === 1);
    await using idle = start(["publish", relay.url("idle"), "--test-pattern"]);
    await relay.until("idle", (status) => status.received.frames > 0);
    await using demo = start(["demo", "--port", "0"]);
    await demo.said(/listening on/);
    for (const process of [watch, publish, idle, demo, relay.process]) {
      process.kill(signal);
      const { code, stderr } = await process.outcome;
      assertEquals(code, 0, stderr);
      assert(!stderr.includes("error:"), stderr);
    }
    assertEquals(await folder.names(), ["all.mjpeg"]);
    assertEquals(await folder.files(), [frame!]);
  });
}

Deno.test("list, fps and kick go nowhere else, and tell what asks them to", async () => {
  let asked = 0;
  await using other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return Response.json([]);
  });
  const location = `http://127.0.0.1:${other.addr.port}/api/streams`;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 307, headers: { location } }),
  );
  const url = `ws://127.0.0.1:${server.addr.port}/cam`;
  for (const args of [["list", url], ["fps", url, "10"], ["kick", url]]) {
    const { code, stderr } = await runHere(args);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "sends requests elsewhere; give the address of the relay itself");
  }
  assertEquals(asked, 0);
});

Deno.test("list reads an answer without end no further than it must", async () => {
  const piece = new TextEncoder().encode(`[${" ".repeat(65_535)}`);
  let pieces = 0;
  const cancelled = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pieces++;
            controller.enqueue(piece);
          },
          cancel: () => cancelled.resolve(),
        }, { highWaterMark: 0 }),
      ),
  );
  const { code, stderr } = await runHere(["list", `ws://127.0.0.1:${server.addr.port}`]);
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "the server is not a relay");
  await soon("the end of the answer", cancelled.promise);
  assert(pieces < 1000, `${pieces} pieces of 64 KiB`);
});
