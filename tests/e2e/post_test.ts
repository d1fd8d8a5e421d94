/** What real programs post. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { type Holdings, holdingsOf } from "../attacks/siege.ts";
import { EVERY_FRAME, run, startRelay } from "../program.ts";
import { Client } from "../server/fixture.ts";
import { jpeg } from "../split/samples.ts";
import { soon } from "../waiting.ts";

const PICTURE = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25"];

/** What ffmpeg is told, by how the output is called, and an ending that has the same frames. */
const OUTPUTS: readonly (readonly [string, readonly string[], string])[] = [
  ["mjpeg", ["-f", "mjpeg"], "mjpeg"],
  ["mpjpeg", ["-f", "mpjpeg"], "mjpeg"],
  ["h264", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "h264"], "h264"],
  ["hevc", [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none",
    "-f",
    "hevc",
  ], "hevc"],
  ["ivf", ["-c:v", "libvpx", "-deadline", "realtime", "-f", "ivf"], "ivf"],
  ["y4m", ["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"], "y4m"],
  ["matroska", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "matroska"], "mkv"],
  ["webm", ["-c:v", "libvpx", "-deadline", "realtime", "-f", "webm"], "webm"],
  ["fragmented MP4", [
    ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "mp4"],
    ...["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
  ], "mp4"],
  ["mpegts", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "mpegts"], "ts"],
];

/** What viewers get of a stream until it has ended, as its publisher is run by `publish`. */
async function watched(publish: (relay: Awaited<ReturnType<typeof startRelay>>) => Promise<void>) {
  await using relay = await startRelay(["--fps", "source"]);
  const watching = run(["watch", "--output", "-", ...EVERY_FRAME, relay.url("cam")]);
  await relay.until("cam", ({ viewers }) => viewers === 1);
  await publish(relay);
  const { code, stdout, stderr } = await watching;
  assertEquals(code, 0, stderr);
  return stdout;
}

for (const [format, output] of OUTPUTS) {
  Deno.test({
    ...needs(NO_FFMPEG, `${format} that is posted comes as it does from publish`),
    async fn() {
      const bytes = await ffmpeg([...PICTURE, "-t", "2", ...output, "-"]);
      const posted = await watched(async (relay) => {
        const response = await fetch(`${relay.http}/cam`, {
          method: "POST",
          body: new Uint8Array(bytes),
        });
        assertEquals(response.status, 200, await response.text());
      });
      const published = await watched(async (relay) => {
        const { code, stderr } = await run(["publish", relay.url("cam")], {
          stdin: new Uint8Array(bytes),
        });
        assertEquals(code, 0, stderr);
      });
      assert(posted.byteLength > 1000);
      assertEquals(posted, published);
    },
  });
}

/** What ffmpeg calls formats that it does not tell from others by itself. */
const FORMS: Readonly<Record<string, string>> = { h264: "h264", hevc: "hevc", mjpeg: "mpjpeg" };

/** ffmpeg that decodes a stream's file from when it is started until that ends. */
class Decoding implements AsyncDisposable {
  readonly #address: string;
  readonly #form: readonly string[];
  #child: Deno.ChildProcess | undefined;
  #output: Promise<Deno.CommandOutput> | undefined;

  constructor(address: string, ending: string) {
    this.#address = address;
    this.#form = FORMS[ending] === undefined ? [] : ["-f", FORMS[ending]];
  }

  /** Starts it, once. */
  start(): void {
    this.#child ??= new Deno.Command("ffmpeg", {
      args: [
        ...["-v", "error", "-nostdin", "-threads", "1", ...this.#form, "-i", this.#address],
        ...["-fps_mode", "passthrough", "-f", "framemd5", "-"],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output ??= this.#child.output();
  }

  /** How many pictures it has seen by the end, and what it complains of. */
  async seen(): Promise<{ pictures: number; complaints: string }> {
    const { stdout, stderr } = await soon(`the end of ffmpeg at ${this.#address}`, this.#output!);
    const lines = new TextDecoder().decode(stdout).split("\n");
    return {
      pictures: lines.filter((line) => /^\d/.test(line)).length,
      complaints: new TextDecoder().decode(stderr),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#output;
  }
}

for (const [format, output, ending] of OUTPUTS) {
  Deno.test({
    ...needs(
      NO_FFMPEG,
      `ffmpeg posts ${format}, is killed, and posts again, and viewers and files stay`,
    ),
    async fn() {
      await using relay = await startRelay(["--fps", "source"]);
      await using viewer = await Client.open(`${relay.url("cam")}?role=watch`);
      await using file = new Decoding(`${relay.http}/cam.${ending}`, ending);
      const picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=50"];
      const begin = () =>
        new Deno.Command("ffmpeg", {
          args: [
            ...["-v", "error", "-nostdin", "-re", ...picture, ...output],
            ...["-flush_packets", "1", `${relay.http}/cam`],
          ],
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
      let seen = 0;
      /** Frames that may have come before there was a reader of the file. */
      let passed: number | undefined;
      for (let run = 0; run < 2; run++) {
        const { received: before } = await relay.until("cam", ({ publishing }) => !publishing);
        const child = begin();
        try {
          await relay.until("cam", ({ received }) => received.frames > before.frames);
          file.start();
          const joined = await relay.until("cam", ({ viewers }) => viewers === 2);
          passed ??= joined.received.frames;
          const least = Math.max(before.frames, passed) + 10;
          await relay.until("cam", ({ received }) => received.frames >= least);
        } finally {
          child.kill("SIGKILL");
          await soon("the end of ffmpeg", child.status);
        }
        // Nothing is kept of what was posted last.
        const { received } = await relay.until(
          "cam",
          ({ publishing, queue }) => !publishing && queue.bytes === 0,
        );
        for (; seen < received.frames; seen++) await viewer.frame();
      }
      await relay.until("cam", ({ viewers }) => viewers === 2);
      relay.process.kill("SIGTERM");
      const { pictures, complaints } = await file.seen();
      // ffmpeg says that at the end of whatever it reads as mpjpeg, also of its own files.
      const usual = `${relay.http}/cam.mjpeg: Invalid data found when processing input\n`;
      assertEquals(complaints.replace(usual, ""), "");
      assert(
        pictures >= seen - passed!,
        `${pictures} of ${seen} pictures, ${passed} of them before`,
      );
    },
  });
}

Deno.test({
  name: "Whoever posts goes on where the relay stood still for longer than --stall-timeout",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using relay = await startRelay(["--fps", "source", "--stall-timeout", "1s"]);
    const image = jpeg();
    let isOver = false;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (isOver) controller.close();
        else controller.enqueue(image);
      },
    });
    const answer = fetch(`${relay.http}/cam`, { method: "POST", body });
    await relay.until("cam", ({ received }) => received.frames > 3);
    relay.process.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    relay.process.kill("SIGCONT");
    const { received } = await relay.until("cam", ({ publishing }) => publishing);
    await relay.until("cam", ({ received: { frames } }) => frames > received.frames + 20);
    isOver = true;
    const response = await answer;
    assertEquals(response.status, 200, await response.text());
  },
});

/** Rounds after which a relay has the memory that it uses again and again, and those that follow. */
const FIRST_ROUNDS = 30;
const ROUNDS = 120;
/** What garbage that is yet to be collected may take. Each round brings 2 MB. */
const MAX_GROWTH_MB = 50;

Deno.test({
  name: "Who posts and is cut off in the middle of a frame, again and again, leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using relay = await startRelay(["--fps", "source"]);
    await using viewer = await Client.open(`${relay.url("cam")}?role=watch`);
    const [hostname, port] = relay.host.split(":");
    const frame = jpeg({ scan: new Uint8Array(500_000).fill(1) });
    const frames = new Uint8Array(3 * frame.length + frame.length / 2);
    for (let at = 0; at < frames.length; at += frame.length) {
      frames.set(frame.subarray(0, frames.length - at), at);
    }
    const head = `POST /cam HTTP/1.1\r\nHost: ${relay.host}\r\nContent-Length: 9000000\r\n\r\n`;
    const body = new Uint8Array(await new Blob([head, frames]).arrayBuffer());
    let first: Holdings | undefined;
    for (let round = 1; round <= ROUNDS; round++) {
      using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
      const writer = connection.writable.getWriter();
      await writer.write(body);
      for (let count = 0; count < 3; count++) await viewer.frame();
      await writer.abort();
      await relay.until("cam", ({ publishing, queue }) => !publishing && queue.bytes === 0);
      if (round === FIRST_ROUNDS) first = holdingsOf(relay.process.pid);
    }
    const last = holdingsOf(relay.process.pid);
    const grownMB = last.residentMB - first!.residentMB;
    assert(grownMB < MAX_GROWTH_MB, `memory grew by ${grownMB} MB`);
    assert(last.files <= first!.files, `${last.files} files are open, and ${first!.files} were`);
    await relay.until("cam", ({ viewers }) => viewers === 1);
  },
});
