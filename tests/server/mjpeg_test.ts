// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import type { Relay } from "../../src/server/serve.ts";
import { openStreams } from "../../src/server/relay.ts";
import { jpegs } from "../cli/folder.ts";
import { concat } from "../split/samples.ts";
import { Client, DEFAULTS, frameOf, startRelay, status, until } from "./fixture.ts";
import { PartReader } from "./mjpeg.ts";
import { eventually, soon } from "../waiting.ts";

/** What Chromium sends for an `<img>`. */
const IMG = { accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8" };

/** Somebody who publishes without a protocol, of whom the relay knows. */
async function openSender(
  relay: Relay & { url(path: string): string },
  name = "cam",
): Promise<Client> {
  const sender = await Client.open(relay.url(`/${name}?role=publish`));
  await until(relay, () => true, name);
  return sender;
}

Deno.test("serve answers motion JPEG of a name that nobody has published to with 404", async () => {
  await using relay = await startRelay();
  await using _viewer = await Client.open(relay.url("/typo?role=watch"));
  await until(relay, () => true, "typo");
  for (const method of ["GET", "HEAD"]) {
    const refused = await fetch(`${relay.address}/typo.mjpeg`, { method });
    assertEquals(refused.status, 404);
    assertMatch(await refused.text(), method === "GET" ? /nobody has published to it/ : /^$/);
  }
});

Deno.test("serve sends the headers of motion JPEG at once where a publisher has gone", async () => {
  await using relay = await startRelay();
  await (await openSender(relay))[Symbol.asyncDispose]();
  await eventually(
    "the stream to go",
    async () => (await (await fetch(`${relay.address}/api/streams`)).json()).length === 0,
  );
  // It is the headers that resolve this: no frame ever comes.
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  assertEquals(viewer.response.status, 200);
});

Deno.test("serve sends motion JPEG: every frame once, in order, as it is, with its length and time", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  let beforeS = Date.now() / 1000 - 1;
  for (const frame of jpegs(20, 2000)) {
    sender.send(frame);
    // The part is whole before the next frame is sent.
    const part = (await viewer.next())!;
    assertEquals(part.data, frame);
    assertEquals(part.headers.get("content-type"), "image/jpeg");
    assertEquals(part.headers.get("content-length"), String(frame.length));
    const timestamp = part.headers.get("x-timestamp")!;
    assertMatch(timestamp, /^\d+\.\d{6}$/);
    assert(Number(timestamp) >= beforeS, timestamp);
    beforeS = Number(timestamp);
  }
});

Deno.test("serve sends motion JPEG that no cache or proxy keeps back", async () => {
  await using relay = await startRelay();
  await using _sender = await openSender(relay);
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  const { headers, status } = viewer.response;
  assertEquals(status, 200);
  assertEquals(headers.get("cache-control"), "no-store, no-cache, must-revalidate");
  assertEquals(headers.get("pragma"), "no-cache");
  assertEquals(headers.get("x-accel-buffering"), "no");
  assertEquals(headers.get("connection"), "close");
});

Deno.test("serve sends browsers the next part's head right behind each picture", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`, IMG);
  for (const frame of jpegs(3, 2000)) {
    sender.send(frame);
    const { data, headers } = (await viewer.next())!;
    assertEquals(data, frame);
    assertEquals([...headers], [["content-type", "image/jpeg"]]);
    assertMatch(viewer.rest, /^--[\w-]+\r\nContent-Type: image\/jpeg\r\n\r\n$/);
  }
});

for (const path of ["/?action=stream", "/live?action=stream", "/live.mjpeg"]) {
  Deno.test(`serve sends motion JPEG of the stream live at ${path}`, async () => {
    await using relay = await startRelay();
    await using sender = await openSender(relay, "live");
    await using viewer = await PartReader.open(relay.address + path);
    const [frame] = jpegs(1);
    sender.send(frame!);
    assertEquals(await viewer.picture(), frame);
  });
}

Deno.test("serve shows a viewer of motion JPEG the last frame of a still stream at once", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  const frames = jpegs(3);
  for (const frame of frames) sender.send(frame);
  await until(relay, ({ received }) => received.frames === 3, "cam");
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  assertEquals(await viewer.picture(), frames[2]);
});

Deno.test("serve keeps viewers of motion JPEG from one publisher to the next", async () => {
  await using relay = await startRelay();
  await (await openSender(relay))[Symbol.asyncDispose]();
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  for (const frame of jpegs(2)) {
    await using sender = await openSender(relay);
    sender.send(frame);
    assertEquals(await viewer.picture(), frame);
  }
});

Deno.test("serve counts viewers of motion JPEG, what they get, and that they go", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  {
    await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
    await until(relay, ({ viewers }) => viewers === 1, "cam");
    const [frame] = jpegs(1);
    sender.send(frame!);
    await viewer.picture();
    assertEquals((await status(relay, "cam")).sent, { frames: 1, bytes: frame!.length });
    const listed = await fetch(`${relay.address}/api/streams/cam/viewers`);
    assertEquals((await listed.json()).length, 1);
  }
  await until(relay, ({ viewers }) => viewers === 0, "cam");
});

Deno.test("serve refuses one viewer of motion JPEG more than --max-viewers, with a sentence", async () => {
  await using relay = await startRelay({ maxViewers: 1 });
  await (await openSender(relay))[Symbol.asyncDispose]();
  // A listener may hear of the end later than the sender does.
  await eventually("the sender to be gone", async () => {
    const listed = await fetch(`${relay.address}/api/streams`);
    return (await listed.json()).length === 0;
  });
  const url = `${relay.address}/cam.mjpeg`;
  {
    await using _viewer = await PartReader.open(url);
    const refused = await fetch(url);
    assertEquals(refused.status, 503);
    assertStringIncludes(await refused.text(), "limit of viewers (--max-viewers 1)");
  }
  await eventually("the relay to have room for a viewer", async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status === 200;
  });
});

Deno.test("serve ends motion JPEG when the relay stops", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  await using _other = await openSender(relay, "other");
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  await using waiting = await PartReader.open(`${relay.address}/other.mjpeg`);
  const [frame] = jpegs(1);
  sender.send(frame!);
  await viewer.picture();
  await relay[Symbol.asyncDispose]();
  assertEquals([await viewer.next(), await waiting.next()], [undefined, undefined]);
});

Deno.test("serve ends motion JPEG of a stream whose frames are no pictures any more, and says why", async () => {
  await using relay = await startRelay();
  await using sender = await openSender(relay);
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  const [frame] = jpegs(1);
  sender.send(frame!);
  assertEquals(await viewer.picture(), frame);
  sender.send(frameOf(1));
  assertEquals(await viewer.next(), undefined);
  const refused = await fetch(`${relay.address}/cam.mjpeg`);
  assertEquals(refused.status, 406);
  assertStringIncludes(await refused.text(), "publish with --size and --pixel-format");
});

Deno.test("serve answers HEAD for motion JPEG without a viewer", async () => {
  await using relay = await startRelay();
  await using _sender = await openSender(relay);
  const response = await fetch(`${relay.address}/cam.mjpeg`, { method: "HEAD" });
  assertEquals([response.status, await response.text()], [200, ""]);
  assertStringIncludes(response.headers.get("content-type")!, "multipart/x-mixed-replace");
  assertEquals((await status(relay, "cam")).viewers, 0);
});

Deno.test("serve sends each picture of motion JPEG in one chunk, or in none where a client knows none", async () => {
  await using relay = await startRelay({ listener: "node" });
  await using sender = await openSender(relay);
  const [frame] = jpegs(1, 300_000);
  const { hostname, port } = new URL(relay.address);
  const decoder = new TextDecoder("latin1");
  for (const version of ["1.1", "1.0"]) {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const request = `GET /cam.mjpeg HTTP/${version}\r\nHost: ${hostname}:${port}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    await until(relay, ({ viewers }) => viewers === 1, "cam");
    sender.send(frame!);
    let text = "";
    const buffer = new Uint8Array(1 << 20);
    const boundary = () => /boundary=(\w+)/.exec(text)?.[1] ?? "none yet";
    const end = () => `--${boundary()}\r\n`;
    // What begins the first part, and what begins the next one.
    while (text.split(end()).length < 3) {
      const count = await soon("a part", connection.read(buffer));
      text += decoder.decode(buffer.subarray(0, count!));
    }
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    const part = body.slice(body.indexOf("Content-Type"), body.lastIndexOf(end()) + end().length);
    assertEquals(part.length, part.indexOf("\r\n\r\n") + 4 + frame!.length + 2 + end().length);
    const before = version === "1.0"
      ? end()
      : `${end().length.toString(16)}\r\n${end()}\r\n${part.length.toString(16)}\r\n`;
    assertEquals(body.slice(0, body.indexOf("Content-Type")), before);
  }
});

/** An old client of motion JPEG, which knows no chunks and reads only when it is told to. */
async function lazyViewer(address: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET /cam.mjpeg HTTP/1.0\r\nHost: ${hostname}:${port}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

Deno.test("serve skips frames for a viewer of motion JPEG that does not read, and slows nobody", async () => {
  // One viewer may have 3/32 of the memory under way, and the rest of a frame.
  await using relay = await startRelay({ maxFrameBytes: 1 << 20, maxMemoryBytes: 32 << 20 });
  await using sender = await openSender(relay);
  using lazy = await lazyViewer(relay.address);
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  await until(relay, ({ viewers }) => viewers === 2, "cam");
  const bytes = 500_000;
  const frames = jpegs(60, bytes);
  for (const frame of frames) {
    sender.send(frame);
    assertEquals((await viewer.picture()).length, frame.length);
  }
  const { dropped, sent } = await status(relay, "cam");
  assert(dropped.slow_viewer > 0);
  const metrics = await (await fetch(`${relay.address}/metrics`)).text();
  const underWay = Number(/^stream_under_way_bytes (\d+)$/m.exec(metrics)![1]);
  assert(underWay <= (3 << 20) + 2 * frames[0]!.length, `${underWay} bytes under way`);
  assert(sent.frames < 120);
  // What it reads then ends with the newest frame.
  const newest = frames.at(-1)!.subarray(-1000);
  let seen = new Uint8Array();
  const buffer = new Uint8Array(1 << 20);
  while (!includes(seen, newest)) {
    const count = await soon("the newest frame", lazy.read(buffer));
    if (count === null) throw new Error("the connection ended");
    seen = concat(seen, buffer.subarray(0, count)).slice(-2000);
  }
});

function includes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let from = 0; from + part.length <= bytes.length; from++) {
    if (part.every((byte, at) => bytes[from + at] === byte)) return true;
  }
  return false;
}

Deno.test("serve breaks off motion JPEG when nothing has drained for --stall-timeout", async () => {
  await using relay = await startRelay({ stallTimeoutMs: 300 });
  await using sender = await openSender(relay);
  using lazy = await lazyViewer(relay.address);
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  const frames = jpegs(2, 8_000_000);
  for (let at = 0; at < 6; at++) sender.send(frames[at % 2]!);
  await until(relay, ({ viewers }) => viewers === 0, "cam");
  const metrics = await (await fetch(`${relay.address}/metrics`)).text();
  assertStringIncludes(metrics, "\nstream_under_way_bytes 0\n");
  const buffer = new Uint8Array(1 << 20);
  let end: number | null = 0;
  try {
    while (end !== null) end = await soon("the end of the connection", lazy.read(buffer));
  } catch {
    // A reset is as good an end.
  }
});

Deno.test("serve sends a still picture again before proxies cut the connection", async () => {
  const { hub, handler } = openStreams(DEFAULTS, { clock: systemClock, log: silentLog });
  const live = hub.open("cam");
  const channel = { sendControl: () => {}, close: () => {} };
  hub.publish("cam", "bare", channel);
  const request = new Request("http://127.0.0.1/cam.mjpeg");
  const response = await handler({ request, address: "", takeTime: () => {} }) as Response;
  await using viewer = new PartReader(response);
  const [frame] = jpegs(1);
  const client = { close: () => {} };
  live.joinBare(client);
  const config = bareConfig("mjpeg");
  live.pushBare(client, { data: frame!, kind: "key", config, ptsUs: null, captureUs: 5e6 });
  assertEquals(await viewer.picture(), frame);
  const next = viewer.next();
  for (let second = 1; second < 15; second++) live.report();
  let isThere = false;
  next.then(() => isThere = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isThere, false, "not within 14 seconds");
  live.report();
  assertEquals((await next)!.data, frame);
  assertEquals((await next)!.headers.get("x-timestamp"), "5.000000");
  // Nothing waits for who does not read.
  for (let second = 0; second < 150; second++) live.report();
  isThere = false;
  const other = viewer.next();
  other.then(() => isThere = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isThere, false, "none for who does not read");
  for (let second = 0; second < 15; second++) live.report();
  assertEquals((await other)!.data, frame);
});
