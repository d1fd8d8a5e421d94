/** Streams as files over HTTP, seen by real ffmpeg. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { publish } from "../../src/client/publish.ts";
import type { Publisher } from "../../src/client/publish.ts";
import type { MediaFrame } from "../../src/media/media_reader.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { openStreams } from "../../src/server/relay.ts";
import type { Relay } from "../../src/server/serve.ts";
import { jpegs } from "../cli/folder.ts";
import { encoder, type VideoFormat } from "../e2e/videos.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
import { FramesWithin } from "../media/frames_within.ts";
import { concat } from "../split/samples.ts";
import { eventually, soon } from "../waiting.ts";
import { DEFAULTS, startRelay, status, until } from "./fixture.ts";

const [JPEG] = jpegs(1) as [Uint8Array];
const FRAMES = 24;
const GOP = 8;

/** A film, as this program reads it, and as ffmpeg sees it. */
interface Film {
  readonly frames: readonly MediaFrame[];
  readonly seen: Seen;
}

/** What ffmpeg made of a film. */
interface Seen {
  /** A hash of each picture, in the order in which they are shown. */
  readonly pictures: readonly string[];
  /** When each is shown, in seconds from the first. */
  readonly timesS: readonly number[];
  /** What `ffmpeg -v error` said. */
  readonly complaints: string;
}

/** Endings of files that go on with another size. */
const FOLLOWING = ["h264", "ts"];
/** Endings of files without times. */
const UNTIMED = ["h264", "hevc"];

type Format = VideoFormat | "mjpeg";

/** A film of so many frames, a key frame each {@linkcode GOP} of them. */
async function filmOf(
  format: Format,
  { size = "192x108", frames = FRAMES, more = [] }: {
    readonly size?: string;
    readonly frames?: number;
    readonly more?: readonly string[];
  } = {},
): Promise<Film> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/film.mkv`;
  try {
    const picture = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`];
    const coder = format === "mjpeg" ? ["-c:v", "mjpeg"] : encoder({ format, frames, gop: GOP });
    const count = ["-frames:v", String(frames), "-g", String(GOP), "-threads", "1", ...more];
    await ffmpeg([...picture, ...coder, ...count, path]);
    const { frames: read } = await readFile(path);
    assertEquals(read.length, frames);
    return { frames: read, seen: await see(path) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Has ffmpeg decode all of what is at an address. */
async function see(address: string, extension?: string): Promise<Seen> {
  // In a byte stream it would look for other formats too.
  const options = extension !== undefined && UNTIMED.includes(extension) ? ["-f", extension] : [];
  const child = new Deno.Command("ffmpeg", {
    args: [
      ...["-v", "error", "-nostdin", "-threads", "1", ...options, "-i", address],
      ...[
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1:1000000",
        "-autoscale",
        "0",
        "-f",
        "framemd5",
        "-",
      ],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await soon(`ffmpeg's end behind ${address}`, child.output());
  const lines = new TextDecoder().decode(stdout).split("\n");
  const base = /^#tb 0: (\d+)\/(\d+)$/m.exec(lines.join("\n"));
  const unit = base === null ? 0 : Number(base[1]) / Number(base[2]);
  const rows = lines.filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((field) => field.trim()));
  const times = rows.map((row) => Number(row[2]) * unit);
  return {
    pictures: rows.map((row) => row.at(-1)!),
    timesS: times.map((time) => time - times[0]!),
    complaints: new TextDecoder().decode(stderr).trim(),
  };
}

/** Sends frames one behind another. */
async function send(publisher: Publisher, frames: readonly MediaFrame[]): Promise<void> {
  for (const { data, kind, leading = false, ptsUs, config } of frames) {
    await publisher.send(data, { kind, leading, ptsUs, config });
  }
}

/** Waits until so many frames have been sent to viewers, and have left. */
async function sent(relay: Relay, frames: number): Promise<void> {
  await until(relay, ({ sent }) => sent.frames >= frames, "cam");
  await eventually("all to have left", () => allHaveLeft(relay));
}

/** Whether nothing is under way to any viewer. */
async function allHaveLeft(relay: Relay): Promise<boolean> {
  const viewers = await (await fetch(`${relay.address}/api/streams/cam/viewers`)).json();
  // deno-lint-ignore no-explicit-any
  return viewers.every((viewer: any) => viewer.underWay.frames === 0);
}

const CASES: readonly (readonly [extension: string, formats: readonly Format[]])[] = [
  ["h264", ["h264"]],
  ["hevc", ["hevc"]],
  ["ivf", ["vp8", "vp9", "av1"]],
  ["mkv", ["h264", "hevc", "vp8", "vp9", "av1", "mjpeg"]],
  ["webm", ["vp8", "vp9", "av1"]],
  ["mp4", ["h264", "hevc", "vp9", "av1"]],
  ["ts", ["h264", "hevc"]],
];
for (const [extension, formats] of CASES) {
  for (const format of formats) {
    Deno.test(
      needs(NO_FFMPEG, `ffmpeg reads a stream of ${format} at /cam.${extension}: every picture`),
      async () => {
        const film = await filmOf(format);
        await using relay = await startRelay();
        await using publisher = publish(relay.url("/cam"));
        await send(publisher, film.frames.slice(0, 1));
        await until(relay, ({ received }) => received.frames === 1, "cam");
        const seeing = see(`${relay.address}/cam.${extension}`, extension);
        await until(relay, ({ viewers }) => viewers === 1, "cam");
        await send(publisher, film.frames.slice(1));
        await sent(relay, FRAMES);
        await relay[Symbol.asyncDispose]();
        const { complaints, pictures, timesS } = await seeing;
        assertEquals(complaints, "");
        assertEquals(pictures, film.seen.pictures);
        if (UNTIMED.includes(extension)) return;
        for (const [index, timeS] of timesS.entries()) {
          const offS = timeS - film.seen.timesS[index]!;
          assert(Math.abs(offS) < 0.002, `picture ${index} at ${timeS}: ${offS} s off`);
        }
      },
    );
  }
}

/** Decodes a file of these bytes. */
async function seeBytes(bytes: Uint8Array, extension: string): Promise<Seen> {
  const path = await Deno.makeTempFile({ suffix: `.${extension}` });
  try {
    await Deno.writeFile(path, bytes);
    return await see(path, extension);
  } finally {
    await Deno.remove(path);
  }
}

/** A relay and somebody who has published the beginning of a film. */
async function publishing(frames: readonly MediaFrame[]) {
  const relay = await startRelay();
  const publisher = publish(relay.url("/cam"));
  await send(publisher, frames);
  await until(relay, ({ received }) => received.frames === frames.length, "cam");
  return {
    relay,
    publisher,
    [Symbol.asyncDispose]: async () => {
      await publisher[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

const AT_ONCE: readonly (readonly [format: Format, extensions: readonly string[]])[] = [
  ["h264", ["h264", "mkv", "mp4", "ts"]],
  ["hevc", ["hevc", "ts"]],
  ["vp9", ["ivf", "webm", "mp4"]],
  ["mjpeg", ["mkv"]],
];

for (const [format, extensions] of AT_ONCE) {
  Deno.test(
    needs(NO_FFMPEG, `serve sends a file's first key frame of ${format} at once, and each other`),
    async () => {
      const { frames } = await filmOf(format, { frames: GOP });
      for (const extension of extensions) {
        // Of a GOP that does not go on nothing more ever comes.
        await using live = await publishing(frames.slice(0, 1));
        const response = await fetch(`${live.relay.address}/cam.${extension}`);
        const reader = response.body!.getReader();
        let seen = new Uint8Array();
        for (const [index, { data }] of frames.entries()) {
          if (index > 0) await send(live.publisher, [frames[index]!]);
          const end = data.subarray(-40);
          while (!includes(extension === "ts" ? payloadOf(seen) : seen, end)) {
            const { value, done } = await soon(`frame ${index} in .${extension}`, reader.read());
            assert(!done, `the end of .${extension}`);
            seen = concat(seen, value);
          }
        }
        await reader.cancel();
      }
    },
  );
}

/** Rounds of a film, and how many of them may be on their way while the sender goes on. */
const [ROUNDS, UNDER_WAY] = [75, 2];

/** What tells that a reader has come to the end of each round. */
const rounds = () => Array.from({ length: ROUNDS }, () => Promise.withResolvers<void>());

const UNDRIFTED: readonly (readonly [format: Format, extensions: readonly string[]])[] = [
  ["h264", ["h264", "mkv", "mp4", "ts"]],
  ["hevc", ["hevc", "mkv", "mp4", "ts"]],
  ["vp9", ["ivf", "webm", "mp4"]],
  ["mjpeg", ["mjpeg", "mkv"]],
];

for (const [format, extensions] of UNDRIFTED) {
  const count = ROUNDS * GOP;
  Deno.test(
    needs(NO_FFMPEG, `serve has files of ${format} hold back nothing after ${count} frames`),
    async () => {
      const { frames } = await filmOf(format, { frames: GOP });
      await using live = await publishing(frames.slice(0, 1));
      const { relay, publisher } = live;
      const files = await Promise.all(extensions.map(async (extension) => {
        const response = await fetch(`${relay.address}/cam.${extension}`);
        assertEquals(response.status, 200, extension);
        return { extension, file: new FramesWithin(response.body!, extension) };
      }));
      const reached = files.map(() => rounds());
      const reading = files.map(async ({ extension, file }, which) => {
        for (const [round, { resolve }] of reached[which]!.entries()) {
          for (const [index, { data }] of frames.entries()) {
            await soon(`frame ${index} of round ${round} in .${extension}`, file.until(data));
          }
          resolve();
        }
        await file.stop();
      });
      const all = Promise.all(reading);
      const sending = async () => {
        for (let round = 0; round < ROUNDS; round++) {
          await Promise.all(reached.map((rounds) => rounds[round - UNDER_WAY]?.promise));
          const laterUs = Math.round(round * GOP * 1_000_000 / 30);
          const shifted = frames.map((frame) => ({ ...frame, ptsUs: frame.ptsUs! + laterUs }));
          await send(publisher, round === 0 ? shifted.slice(1) : shifted);
        }
      };
      // No frame comes behind the last one, which must be whole nevertheless.
      await Promise.race([all, sending()]);
      await all;
    },
  );
}

/** What is sent behind a frame that none follows, as players pass over it. */
const NOTHING: readonly (readonly [format: Format, extension: string, nothing: RegExp])[] = [
  // PAT, PMT and a null packet.
  ["h264", "ts", /^474000.{370}475000.{370}471fff10(ff){184}$/],
  ["h264", "mkv", /^ec86(00){6}$/],
  ["h264", "mp4", /^0000000866726565$/],
  ["h264", "h264", /^00$/],
  ["hevc", "hevc", /^00$/],
  ["hevc", "ts", /^474000.{370}475000.{370}471fff10(ff){184}$/],
  ["vp9", "webm", /^ec86(00){6}$/],
];

/** A file of a stream in this process, to which each second that passes is told. */
async function openFile(extension: string) {
  const { hub, handler } = openStreams(DEFAULTS, { clock: systemClock, log: silentLog });
  const live = hub.open("cam");
  hub.publish("cam", "bare", { sendControl: () => {}, close: () => {} });
  const client = { close: () => {} };
  live.joinBare(client);
  const request = new Request(`http://127.0.0.1/cam.${extension}`);
  const response = await handler({ request, address: "", takeTime: () => {} }) as Response;
  const reader = response.body!.getReader();
  return {
    push: (frame: MediaFrame) => live.pushBare(client, { ...frame, captureUs: 0 }),
    /** What is sent next. */
    read: async () => (await soon("what comes next", reader.read())).value!,
    /** What a read has, if it has something by now. */
    readNow: async (reading: Promise<Uint8Array>) =>
      await Promise.race([
        reading,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined))),
      ]),
    pass: (seconds: number) => {
      for (let second = 0; second < seconds; second++) live.report();
    },
    [Symbol.asyncDispose]: () => reader.cancel(),
  };
}

for (const [format, extension, nothing] of NOTHING) {
  Deno.test(
    needs(
      NO_FFMPEG,
      `serve keeps a still .${extension} of ${format} alive, which ffmpeg passes over`,
    ),
    async () => {
      const { frames, seen } = await filmOf(format, { frames: 2 * GOP });
      await using file = await openFile(extension);
      const parts: Uint8Array[] = [];
      for (const frame of frames) {
        file.push(frame);
        // Nothing comes to who has not read what there is.
        file.pass(15);
        parts.push(await file.read());
        for (let times = 0; times < 2; times++) {
          const reading = file.read();
          file.pass(times === 0 ? 0 : 14);
          assertEquals(await file.readNow(reading), undefined, "not within 14 seconds");
          file.pass(1);
          parts.push(await reading);
          assertMatch(parts.at(-1)!.toHex(), nothing);
        }
      }
      const { pictures, complaints } = await seeBytes(concat(...parts), extension);
      assertEquals(complaints, "");
      assertEquals(pictures, seen.pictures);
    },
  );
}

Deno.test(needs(NO_FFMPEG, "serve sends nothing but frames as .ivf"), async () => {
  const { frames } = await filmOf("vp9", { frames: 1 });
  await using file = await openFile("ivf");
  file.push(frames[0]!);
  await file.read();
  const reading = file.read();
  file.pass(60);
  assertEquals(await file.readNow(reading), undefined);
  file.push(frames[0]!);
  await reading;
});

/** What the whole packets of an MPEG-TS carry. */
function payloadOf(bytes: Uint8Array): Uint8Array {
  return concat(...Array.from({ length: Math.floor(bytes.length / 188) }, (_, index) => {
    const packet = bytes.subarray(index * 188, (index + 1) * 188);
    return packet.subarray((packet[3]! & 0x20) === 0 ? 4 : 5 + packet[4]!);
  }));
}

function includes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let from = bytes.length - part.length; from >= 0; from--) {
    if (part.every((byte, at) => bytes[from + at] === byte)) return true;
  }
  return false;
}

Deno.test(
  needs(NO_FFMPEG, "serve ends a file that cannot follow another size, whole up to there"),
  async () => {
    const [film, other] = [
      await filmOf("h264", { frames: GOP }),
      await filmOf("h264", { frames: GOP, size: "160x120" }),
    ];
    for (const extension of ["mkv", "mp4", ...FOLLOWING]) {
      await using live = await publishing(film.frames.slice(0, 1));
      const { relay, publisher } = live;
      const response = await fetch(`${relay.address}/cam.${extension}`);
      const reading = response.arrayBuffer();
      await send(publisher, film.frames.slice(1));
      await send(publisher, other.frames);
      if (FOLLOWING.includes(extension)) {
        await sent(relay, 2 * GOP);
        await relay[Symbol.asyncDispose]();
      }
      const bytes = new Uint8Array(await soon(`the end of .${extension}`, reading));
      const { complaints, pictures } = await seeBytes(bytes, extension);
      assertEquals(complaints, "");
      const follows = FOLLOWING.includes(extension) ? other.seen.pictures : [];
      assertEquals(pictures, [...film.seen.pictures, ...follows], extension);
      if (FOLLOWING.includes(extension)) continue;
      await until(relay, ({ viewers }) => viewers === 0, "cam");
      const again = await fetch(`${relay.address}/cam.${extension}`);
      assertEquals(again.status, 200);
      await again.body!.cancel();
    }
  },
);

/** A client that reads only when it is told to. */
async function lazyReader(address: string, path: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${path} HTTP/1.0\r\nHost: ${hostname}:${port}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

/** What such a client has read at the end of the connection, without the head. */
async function restOf(connection: Deno.TcpConn): Promise<Uint8Array<ArrayBuffer>> {
  const parts = await Array.fromAsync(connection.readable);
  const bytes = concat(...parts);
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 4096)).indexOf("\r\n\r\n");
  return bytes.slice(head + 4);
}

/** A film of large frames. */
let noise: Promise<Film> | undefined;

for (const extension of ["mkv", "mp4", "ts", "h264"]) {
  Deno.test(
    needs(NO_FFMPEG, `serve skips for a slow reader of .${extension}, whose file stays whole`),
    async () => {
      const film = await (noise ??= filmOf("h264", {
        frames: GOP,
        size: "960x540",
        more: ["-vf", "noise=alls=100:allf=t", "-qp", "24"],
      }));
      const filmUs = Math.round(GOP * 1_000_000 / 30);
      const of = (round: number) =>
        film.frames.map((frame) => ({ ...frame, ptsUs: frame.ptsUs! + round * filmUs }));
      await using relay = await startRelay({ maxFrameBytes: 1 << 20, maxMemoryBytes: 32 << 20 });
      await using publisher = publish(relay.url("/cam"));
      await send(publisher, of(0).slice(0, 1));
      await until(relay, () => true, "cam");
      const lazy = await lazyReader(relay.address, `/cam.${extension}`);
      await until(relay, ({ viewers }) => viewers === 1, "cam");
      await send(publisher, of(0).slice(1));
      let round = 1;
      while ((await status(relay, "cam")).dropped.slow_viewer === 0) {
        assert(round < 100, "it is slow");
        await send(publisher, of(round++));
      }
      const reading = restOf(lazy);
      // Until one of which nothing is skipped for a machine that is busy.
      let sent = 0;
      for (let before = 0; sent - before < GOP;) {
        await eventually("all to have left", () => allHaveLeft(relay));
        before = (await status(relay, "cam")).sent.frames;
        await send(publisher, of(round++));
        const all = await until(relay, ({ sent, dropped }) => {
          const lost = Object.values(dropped).reduce((sum, frames) => sum + frames, 0);
          return sent.frames + lost === round * GOP;
        }, "cam");
        sent = all.sent.frames;
        assert(round < 100, "it is slow");
      }
      await eventually("all to have left", () => allHaveLeft(relay));
      await relay[Symbol.asyncDispose]();
      const { complaints, pictures, timesS } = await seeBytes(await reading, extension);
      assertEquals(complaints, "");
      assert(pictures.every((picture) => film.seen.pictures.includes(picture)));
      // The newest are there, and less than all.
      assertEquals(pictures.slice(-GOP), film.seen.pictures);
      assertEquals(pictures.length, sent);
      assert(sent < round * GOP, `${sent} of ${round * GOP} frames`);
      if (UNTIMED.includes(extension)) return;
      assert(timesS.every((timeS, index) => index === 0 || timeS > timesS[index - 1]!));
    },
  );
}

Deno.test(needs(NO_FFMPEG, "serve says which files a stream can be had as"), async () => {
  const cases = [
    ["h264", "webm", "cam.mkv, cam.mp4, cam.ts or cam.h264"],
    ["vp8", "mp4", "cam.mkv, cam.webm or cam.ivf"],
    ["mjpeg", "mp4", "cam.mkv or cam.mjpeg"],
  ] as const;
  for (const [format, extension, others] of cases) {
    const { frames } = await filmOf(format, { frames: 1 });
    await using live = await publishing(frames);
    for (const method of ["GET", "HEAD"]) {
      const url = `${live.relay.address}/cam.${extension}`;
      const refused = await fetch(url, { method });
      assertEquals(refused.status, 406);
      const sentence = `Cannot send "cam" as .${extension}: it cannot hold the stream's format, ` +
        `${format}; use ${others}\n`;
      assertEquals(await refused.text(), method === "GET" ? sentence : "");
    }
  }
});

for (const pixelFormat of ["yuv420p", "yuv444p10le", "gray"]) {
  Deno.test(
    needs(NO_FFMPEG, `ffmpeg reads pixels of ${pixelFormat} at /cam.y4m: every picture`),
    async () => {
      const picture = ["-f", "lavfi", "-i", "testsrc2=size=46x36:rate=30", "-frames:v", "5"];
      const raw = ["-pix_fmt", pixelFormat, "-f", "rawvideo"];
      const pixels = await ffmpeg([...picture, ...raw, "-"]);
      const bytes = pixels.length / 5;
      const config = bareConfig("raw", { codec: "raw", width: 46, height: 36, pixelFormat });
      await using live = await publishing([]);
      const { relay, publisher } = live;
      await publisher.send(pixels.subarray(0, bytes), { config });
      await until(relay, ({ received }) => received.frames === 1, "cam");
      const reading = fetch(`${relay.address}/cam.y4m`).then((response) => response.bytes());
      await until(relay, ({ viewers }) => viewers === 1, "cam");
      // What is no whole picture is left out.
      await publisher.send(pixels.subarray(0, 7));
      for (let at = bytes; at < pixels.length; at += bytes) {
        await publisher.send(pixels.subarray(at, at + bytes));
      }
      await sent(relay, 6);
      await relay[Symbol.asyncDispose]();
      const file = await reading;
      const { complaints } = await seeBytes(file, "y4m");
      assertEquals(complaints, "");
      const path = await Deno.makeTempFile({ suffix: ".y4m" });
      await Deno.writeFile(path, file);
      assertEquals(await ffmpeg(["-i", path, ...raw, "-"]), pixels);
      await Deno.remove(path);
    },
  );
}

Deno.test("serve sends Y4M as it was, and ends where its header changes", async () => {
  const config = (header: string) =>
    bareConfig("y4m", { codec: "raw", width: 2, height: 2, header });
  const [one, other] = ["YUV4MPEG2 W2 H2 F25:1 Cmono", "YUV4MPEG2 W4 H1 F25:1 Cmono"];
  const frame = bytesOf("FRAME\nabcd");
  await using live = await publishing([]);
  const { relay, publisher } = live;
  await publisher.send(frame, { config: config(one) });
  await until(relay, ({ received }) => received.frames === 1, "cam");
  const response = await fetch(`${relay.address}/cam.y4m`);
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  // Another publisher's beginning, which says the same, is no end.
  await publisher.send(frame, { config: config(one) });
  await publisher.send(frame, { config: config(other) });
  assertEquals(
    await soon("the end of the file", response.text()),
    `${one}\nFRAME\nabcdFRAME\nabcd`,
  );
});

const TYPES = {
  mkv: "video/x-matroska",
  webm: "video/webm",
  mp4: "video/mp4",
  ts: "video/mp2t",
  ivf: "video/x-ivf",
  h264: "video/h264",
  hevc: "video/h265",
  y4m: "video/x-yuv4mpeg",
};

Deno.test("serve answers players that ask for the head, or for bytes from the first one on", async () => {
  await using relay = await startRelay();
  await using _publisher = publish(relay.url("/cam"), { format: "raw" });
  await until(relay, ({ publishing }) => publishing, "cam");
  for (const [extension, type] of Object.entries(TYPES)) {
    const url = `${relay.address}/cam.${extension}`;
    for (const init of [{ method: "HEAD" }, { headers: { range: "bytes=0-" } }, {}]) {
      const response = await fetch(url, init);
      assertEquals(response.status, 200);
      const { headers } = response;
      assertEquals(headers.get("content-type"), type);
      assertEquals(headers.get("accept-ranges"), "none");
      assertEquals(headers.get("content-length"), null);
      assertEquals(headers.get("cache-control"), "no-store, no-cache, must-revalidate");
      await response.body?.cancel();
    }
    await until(relay, ({ viewers }) => viewers === 0, "cam");
    const missing = await fetch(`${relay.address}/typo.${extension}`);
    assertEquals(missing.status, 404);
    assertMatch(
      await missing.text(),
      /^Cannot send "typo" as \.\w+: nobody has published to it yet/,
    );
  }
});

Deno.test("serve counts who reads a file, and refuses one more than --max-viewers", async () => {
  await using relay = await startRelay({ maxViewers: 1 });
  await using publisher = publish(relay.url("/cam"), { format: "mjpeg" });
  await until(relay, ({ publishing }) => publishing, "cam");
  const url = `${relay.address}/cam.mkv`;
  const response = await fetch(url);
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  await publisher.send(JPEG);
  await until(relay, ({ sent }) => sent.frames === 1 && sent.bytes === JPEG.length, "cam");
  const listed = await fetch(`${relay.address}/api/streams/cam/viewers`);
  assertEquals((await listed.json()).length, 1);
  const refused = await fetch(url);
  assertEquals(refused.status, 503);
  assertStringIncludes(
    await refused.text(),
    'Cannot send "cam" as .mkv: the relay has reached its limit of viewers',
  );
  await response.body!.cancel();
  await until(relay, ({ viewers }) => viewers === 0, "cam");
});
