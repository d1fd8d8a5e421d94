// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decode as decodePng } from "fast-png";
import { decode as decodeJpeg } from "jpeg-js";
import { totalDrops } from "../../src/core/drops.ts";
import type { StreamConfig } from "../../src/core/frame.ts";
import { encodePng } from "../../src/picture/png.ts";
import type { StreamStatus, ViewerStatus } from "../../src/wire/control_message.ts";
import { jpegs } from "../cli/folder.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { concat } from "../split/samples.ts";
import { Client, frameOf, startRelay, status, until } from "./fixture.ts";
import { PartReader } from "./mjpeg.ts";
import { fromPublisher } from "../wire/messages.ts";
import { eventually, soon } from "../waiting.ts";

type Relay = Awaited<ReturnType<typeof startRelay>>;
type Colour = readonly [red: number, green: number, blue: number];

const RED: Colour = [220, 40, 30];
const BLUE: Colour = [20, 50, 210];
const SIZE = { width: 32, height: 16 };
const RAW = { format: "raw", codec: "raw", ...SIZE, pixelFormat: "rgb24" };

function pixels(colour: Colour): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: SIZE.width * SIZE.height * 3 },
    (_, at) => colour[at % 3]!,
  );
}

function pngOf(colour: Colour): Uint8Array<ArrayBuffer> {
  return encodePng({ data: pixels(colour), ...SIZE, channels: 3 });
}

/** The colour in the middle of a JPEG of {@linkcode SIZE}. */
function colourOf(jpeg: Uint8Array): Colour {
  const { width, height, data } = decodeJpeg(jpeg, { useTArray: true });
  assertEquals([width, height], [SIZE.width, SIZE.height]);
  const [red, green, blue] = data.subarray((width * height / 2 + width / 2) * 4);
  return [red!, green!, blue!];
}

function assertShows(jpeg: Uint8Array, colour: Colour): void {
  const seen = colourOf(jpeg);
  assert(seen.every((value, at) => Math.abs(value - colour[at]!) <= 6), `${seen}`);
}

/** A publisher with the protocol that sends frames of one configuration. */
class Source implements AsyncDisposable {
  readonly #client: Client;
  #sequence = 0;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(relay: Relay, config: Partial<StreamConfig>, name = "cam"): Promise<Source> {
    const client = await Client.hello(relay.url(`/${name}`), {
      role: "publish",
      session: crypto.randomUUID(),
    });
    await client.control("welcome");
    client.send(JSON.stringify({ type: "config", epoch: 0, ...config }));
    return new Source(client);
  }

  send(data: Uint8Array, captureUs = Date.now() * 1000): void {
    this.#client.send(fromPublisher(++this.#sequence, data.slice(), { captureUs }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

async function received(relay: Relay, frames: number): Promise<void> {
  await until(relay, (numbers) => numbers.received.frames === frames, "cam");
}

for (const path of ["/cam.jpg", "/cam?action=snapshot"]) {
  Deno.test(`serve answers ${path} with the newest frame as it is`, async () => {
    await using relay = await startRelay();
    await using source = await Source.open(relay, { format: "mjpeg" });
    const frames = jpegs(2);
    source.send(frames[0]!);
    source.send(frames[1]!, 1_700_000_000_000_042);
    await received(relay, 2);
    const response = await fetch(relay.address + path);
    assertEquals(response.status, 200);
    assertEquals(new Uint8Array(await response.arrayBuffer()), frames[1]);
    const { headers } = response;
    assertEquals(headers.get("content-type"), "image/jpeg");
    assertEquals(headers.get("content-length"), String(frames[1]!.length));
    assertEquals(headers.get("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    assertEquals(headers.get("x-timestamp"), "1700000000.000042");
    assertMatch(headers.get("cache-control")!, /no-store/);
  });
}

Deno.test("serve answers /?action=snapshot with a frame of the stream live", async () => {
  await using relay = await startRelay();
  await using source = await Source.open(relay, { format: "mjpeg" }, "live");
  const [frame] = jpegs(1);
  source.send(frame!);
  await until(relay, (numbers) => numbers.received.frames === 1);
  const response = await fetch(`${relay.address}/?action=snapshot`);
  assertEquals(new Uint8Array(await response.arrayBuffer()), frame);
});

Deno.test("serve answers for PNG frames with PNG as it is, and with JPEG of the same colours", async () => {
  await using relay = await startRelay();
  await using source = await Source.open(relay, { format: "png", codec: "png", ...SIZE });
  source.send(pngOf(RED));
  await received(relay, 1);
  const png = await fetch(`${relay.address}/cam.png`);
  assertEquals(png.headers.get("content-type"), "image/png");
  assertEquals(new Uint8Array(await png.arrayBuffer()), pngOf(RED));
  const jpeg = await fetch(`${relay.address}/cam.jpg`);
  assertEquals(jpeg.headers.get("content-type"), "image/jpeg");
  assertShows(new Uint8Array(await jpeg.arrayBuffer()), RED);
});

Deno.test("serve makes PNG and JPEG of raw frames", async () => {
  await using relay = await startRelay();
  await using source = await Source.open(relay, RAW as Partial<StreamConfig>);
  source.send(pixels(BLUE));
  await received(relay, 1);
  const png = await (await fetch(`${relay.address}/cam.png`)).arrayBuffer();
  assertEquals(new Uint8Array(decodePng(png).data), pixels(BLUE));
  const jpeg = await (await fetch(`${relay.address}/cam.jpg`)).arrayBuffer();
  assertShows(new Uint8Array(jpeg), BLUE);
});

Deno.test("serve makes PNG of Y4M frames", async () => {
  await using relay = await startRelay();
  const config = { format: "y4m", width: 2, height: 2, pixelFormat: "yuv420p" } as const;
  const header = "YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420jpeg";
  await using source = await Source.open(relay, { ...config, header });
  source.send(
    concat(new TextEncoder().encode("FRAME\n"), Uint8Array.of(235, 235, 235, 235, 128, 128)),
  );
  await received(relay, 1);
  const png = await (await fetch(`${relay.address}/cam.png`)).arrayBuffer();
  assertEquals([...decodePng(png).data], Array(12).fill(255));
});

Deno.test("serve sends motion JPEG of PNG and raw frames, and ends with the newest", async () => {
  await using relay = await startRelay();
  await (await Source.open(relay, { format: "mjpeg" }))[Symbol.asyncDispose]();
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  {
    await using source = await Source.open(relay, RAW as Partial<StreamConfig>);
    source.send(pixels(RED));
    assertShows(await viewer.picture(), RED);
    for (let count = 0; count < 30; count++) source.send(pixels(RED));
    source.send(pixels(BLUE));
    while (colourOf(await viewer.picture())[0] > 100);
  }
  await using source = await Source.open(relay, { format: "png", codec: "png", ...SIZE });
  source.send(pngOf(RED));
  assertShows(await viewer.picture(), RED);
});

Deno.test("serve converts a frame once for all viewers, and counts what it does not convert", async () => {
  await using relay = await startRelay();
  await (await Source.open(relay, { format: "mjpeg" }))[Symbol.asyncDispose]();
  const url = `${relay.address}/cam.mjpeg`;
  await using one = await PartReader.open(url);
  await using other = await PartReader.open(url);
  await until(relay, ({ viewers }) => viewers === 2, "cam");
  await using source = await Source.open(relay, RAW as Partial<StreamConfig>);
  const count = 60;
  const startUs = Date.now() * 1000;
  for (let number = 0; number < count; number++) {
    source.send(pixels(number % 2 ? RED : BLUE), startUs + number);
  }
  await received(relay, count);
  // On a busy machine a viewer may have been behind as well.
  const { dropped } = await until(
    relay,
    ({ sent, dropped }) => sent.frames + totalDrops(dropped) === 2 * count,
    "cam",
  );
  assert(dropped.viewer_fps + dropped.slow_viewer > 0, "some were not converted");
  const response = await fetch(`${relay.address}/api/streams/cam/viewers`);
  const viewers: ViewerStatus[] = await response.json();
  const pictures: Map<string, Uint8Array>[] = [];
  for (const [index, reader] of [one, other].entries()) {
    const seen = new Map<string, Uint8Array>();
    for (let got = 0; got < viewers[index]!.sent.frames; got++) {
      const { data, headers } = (await reader.next())!;
      seen.set(headers.get("x-timestamp")!, data);
    }
    pictures.push(seen);
  }
  const [first, second] = pictures;
  const both = [...first!].filter(([timestamp]) => second!.has(timestamp));
  assert(both.length > 0, "both got a frame");
  for (const [timestamp, data] of both) assertEquals(second!.get(timestamp), data, timestamp);
});

Deno.test("serve passes over a PNG frame that is broken", async () => {
  await using relay = await startRelay();
  await using source = await Source.open(relay, { format: "png", codec: "png", ...SIZE });
  await using viewer = await PartReader.open(`${relay.address}/cam.mjpeg`);
  source.send(pngOf(RED).subarray(0, 60));
  await received(relay, 1);
  const response = await fetch(`${relay.address}/cam.jpg`);
  assertEquals(response.status, 500);
  assertMatch(await response.text(), /^Cannot make a picture of "cam": Cannot read a PNG image: /);
  source.send(pngOf(BLUE));
  assertShows(await viewer.picture(), BLUE);
});

for (
  const [path, config, sentence] of [
    ["/cam.mjpeg", { format: "h264" }, 'its format is h264; watch it with "stream watch"'],
    ["/cam.jpg", { format: "h264" }, "its format is h264"],
    ["/cam.png", { format: "vp9" }, "its format is vp9"],
    ["/cam.png", { format: "mjpeg" }, "its pictures are JPEG; use cam.jpg"],
    ["/cam.jpg", { format: "raw" }, "publish with --size and --pixel-format"],
    [
      "/cam.mjpeg",
      { format: "raw", width: 8000, height: 4000, pixelFormat: "gray" },
      "it has 8000x4000 pixels, at most 9437184 are converted",
    ],
  ] as const
) {
  Deno.test(`serve refuses ${path} of a stream ${JSON.stringify(config)} and says why`, async () => {
    await using relay = await startRelay();
    await using source = await Source.open(relay, config as Partial<StreamConfig>);
    source.send(frameOf(1, 100));
    await received(relay, 1);
    const response = await fetch(relay.address + path);
    assertEquals(response.status, 406);
    const text = await response.text();
    assertMatch(text, /^Cannot make a (JPEG|PNG) picture of "cam": /);
    assertStringIncludes(text, sentence);
  });
}

Deno.test("serve has no picture of a stream that is not there, or has no frame yet", async () => {
  await using relay = await startRelay();
  for (const path of ["/cam.jpg", "/cam.png", "/?action=snapshot"]) {
    const response = await fetch(relay.address + path);
    assertEquals(response.status, 404);
    assertMatch(await response.text(), /^Cannot make a picture of "\w+": there is no such stream/);
  }
  await using _viewer = await Client.open(relay.url("/cam?role=watch"));
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  const response = await fetch(`${relay.address}/cam.jpg`);
  assertEquals(response.status, 404);
  assertStringIncludes(await response.text(), "no frame has arrived yet");
});

for (const path of ["/api.jpg", "/a%2Fb.mjpeg", "/a%20b.png", "/..jpg", "/a%3Cb?action=snapshot"]) {
  Deno.test(`serve has no picture at ${path}, which names no stream`, async () => {
    await using relay = await startRelay();
    const response = await fetch(relay.address + path);
    assertEquals(response.status, 404);
    assertMatch(await response.text(), /^Cannot find a picture: the name /);
  });
}

Deno.test("serve takes the ending off an address, so that a stream x.jpg has its picture at x.jpg.jpg", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/x.jpg?role=publish"));
  const [frame] = jpegs(1);
  sender.send(frame!);
  await until(relay, ({ received }) => received.frames === 1, "x.jpg");
  const response = await fetch(`${relay.address}/x.jpg.jpg`);
  assertEquals(new Uint8Array(await response.arrayBuffer()), frame);
  const other = await fetch(`${relay.address}/x.jpg`);
  assertEquals(other.status, 404);
  assertStringIncludes(await other.text(), 'of "x"');
});

Deno.test("serve answers HEAD for a picture with its length", async () => {
  await using relay = await startRelay();
  await using source = await Source.open(relay, { format: "mjpeg" });
  const [frame] = jpegs(1);
  source.send(frame!);
  await received(relay, 1);
  const response = await fetch(`${relay.address}/cam.jpg`, { method: "HEAD" });
  assertEquals(response.headers.get("content-length"), String(frame!.length));
  assertEquals(await response.text(), "");
});

Deno.test("serve shares pictures with pages of other sites only where allowOrigins has them", async () => {
  await using relay = await startRelay({ allowOrigins: ["https://a.example"] });
  await using source = await Source.open(relay, { format: "mjpeg" });
  source.send(jpegs(1)[0]!);
  await received(relay, 1);
  for (const path of ["/cam.jpg", "/cam.mjpeg"]) {
    for (const origin of ["https://a.example", "https://b.example"]) {
      const { headers, body } = await fetch(relay.address + path, { headers: { origin } });
      await body?.cancel();
      const expected = origin === "https://a.example" ? origin : null;
      assertEquals(headers.get("access-control-allow-origin"), expected);
    }
  }
});

/** Asks for a picture, of which nothing is read. */
async function askLazily(relay: Relay): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(relay.address);
  const lazy = await Deno.connect({ hostname, port: Number(port) });
  await lazy.write(new TextEncoder().encode("GET /cam.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  return lazy;
}

async function underWay(relay: Relay): Promise<number> {
  const metrics = await (await fetch(`${relay.address}/metrics`)).text();
  return Number(/^stream_under_way_bytes (\d+)$/m.exec(metrics)![1]);
}

Deno.test("serve gives pictures up that nobody takes, and the memory for them back", async () => {
  await using relay = await startRelay({ maxMemoryBytes: 48 << 20, stallTimeoutMs: 300 });
  await using source = await Source.open(relay, { format: "mjpeg" });
  const frames = jpegs(2, 12_000_000);
  source.send(frames[0]!);
  await received(relay, 1);
  using lazy = await askLazily(relay);
  await eventually("bytes to be under way", async () => await underWay(relay) > 0);
  source.send(frames[1]!);
  await received(relay, 2);
  const refused = await fetch(`${relay.address}/cam.jpg`);
  assertEquals(refused.status, 503);
  assertStringIncludes(await refused.text(), "--max-memory");
  await eventually("nothing to be under way", async () => await underWay(relay) === 0);
  assertEquals((await status(relay, "cam")).viewers, 0);
  await soon("the end of what had been sent", drained(lazy));
  assertMatch(await (await fetch(`${relay.address}/metrics`)).text(), /reason="stalled"} 1\n/);
});

/** Reads to the end, however the connection ends. */
async function drained(connection: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(1 << 20);
  for (let bytes = 0;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return bytes;
    bytes += count;
  }
}

Deno.test("serve has a picture in memory once for all who get it, and for no longer", async () => {
  await using relay = await startRelay({
    maxMemoryBytes: 256 << 20,
    maxFrameBytes: 48 << 20,
    stallTimeoutMs: 60_000,
    // Each thread has its own.
    workers: 1,
  });
  await using source = await Source.open(relay, { format: "mjpeg" });
  // More than the system takes for whoever does not read.
  const frames = jpegs(2, 40_000_000);
  source.send(frames[0]!);
  await received(relay, 1);
  const lazy = await askLazily(relay);
  using slow = await askLazily(relay);
  await eventually("bytes to be under way", async () => await underWay(relay) > 0);
  const get = async () => await (await fetch(`${relay.address}/cam.jpg`)).bytes();
  for (const got of await Promise.all(Array.from({ length: 3 }, get))) {
    assert(got.every((byte, at) => byte === frames[0]![at]));
    assertEquals(got.length, frames[0]!.length);
    assertEquals(await underWay(relay), frames[0]!.length);
  }
  source.send(frames[1]!);
  await received(relay, 2);
  assert((await get()).length === frames[1]!.length);
  lazy.close();
  // The last one that has it gets all of it, though others have left, and another is the newest.
  let left = frames[0]!.length;
  const buffer = new Uint8Array(1 << 20);
  while (left > 0) left -= (await soon("more of the picture", slow.read(buffer)))!;
  await eventually("nothing to be under way", async () => await underWay(relay) === 0);
});

Deno.test("serve goes on with a picture for as long as it is taken, however slowly", async () => {
  const stallTimeoutMs = 300;
  await using relay = await startRelay({ maxFrameBytes: 48 << 20, stallTimeoutMs });
  await using source = await Source.open(relay, { format: "mjpeg" });
  const length = 40_000_000;
  source.send(jpegs(1, length)[0]!);
  await received(relay, 1);
  const { hostname, port } = new URL(relay.address);
  using slow = await Deno.connect({ hostname, port: Number(port) });
  await slow.write(new TextEncoder().encode("GET /cam.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  const buffer = new Uint8Array(1 << 20);
  const began = performance.now();
  for (let got = 0; got < length;) {
    const count = await soon("more of the picture", slow.read(buffer));
    if (count === null) throw new Error(`the connection ended after ${got} bytes`);
    got += count;
    const dueMs = began + 3 * stallTimeoutMs * got / length;
    await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
  }
});

Deno.test({
  ...needs(NO_FFMPEG, "ffmpeg and ffprobe play motion JPEG, frame by frame"),
  fn: async () => {
    await using relay = await startRelay();
    await using source = await Source.open(relay, { format: "mjpeg" });
    const video = await ffmpeg(
      ["-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "10", "-f", "mjpeg", "-"],
    );
    const frames = splitJpegs(video);
    assertEquals(frames.length, 10);
    const url = `${relay.address}/cam.mjpeg`;
    const playing = ffmpeg(["-i", url, "-frames:v", "10", "-c", "copy", "-f", "mjpeg", "-"]);
    await showUntil(playing, relay, source, frames);
    assertEquals(splitJpegs(await playing), frames);
    const probing = new Deno.Command("ffprobe", {
      args: ["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv", url],
    }).output();
    await showUntil(probing, relay, source, frames);
    const { stdout, code } = await probing;
    assertEquals([code, new TextDecoder().decode(stdout)], [0, "stream,mjpeg,64,48\n"]);
  },
});

/** Sends the one viewer frames one by one, again and again, until it is done. */
async function showUntil(
  done: Promise<unknown>,
  relay: Relay,
  source: Source,
  frames: readonly Uint8Array[],
): Promise<void> {
  let isDone = false;
  done.finally(() => isDone = true);
  await until(relay, ({ viewers }) => viewers === 1 || isDone, "cam");
  const before = (await status(relay, "cam")).received.frames;
  for (let count = 0; !isDone; count++) {
    source.send(frames[(before + count) % frames.length]!);
    const isSent = ({ sent, viewers }: StreamStatus) =>
      sent.frames > before + count || viewers === 0;
    await until(relay, isSent, "cam");
  }
}

/** The images in a row of JPEG images that have no thumbnails. */
function splitJpegs(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  let start = 0;
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at - 1] !== 0xff || bytes[at] !== 0xd9) continue;
    frames.push(bytes.slice(start, at + 1));
    start = at + 1;
  }
  return frames;
}
