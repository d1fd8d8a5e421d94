/**
 * A live stream of about 6 Mbit/s to a viewer behind a link of 2 Mbit/s, and to one beside the
 * relay.
 *
 * @module
 */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ffmpeg } from "../ffmpeg.ts";
import { EVERY_FRAME, PERMISSIONS, program, ROOT, start, startRelay } from "../program.ts";
import type { Delays } from "./delay_viewer.ts";
import { makeSlowLink } from "./slow_link.ts";

/** What the link carries, in bytes a second. */
export const LINK_BYTES_PER_SECOND = 250_000;

/** Length of the source, which is repeated, in seconds. */
const SOURCE_SECONDS = 10;
const VIEWER = `${ROOT}tests/e2e/delay_viewer.ts`;

/** Options of {@linkcode runSlowLink}. */
export interface SlowLinkRunOptions {
  /** How long the stream is. */
  readonly seconds: number;
  /** Whether the viewer behind the link acknowledges. */
  readonly viewer: "acknowledging" | "bare";
  /** Whether frames need one another, or stand alone. */
  readonly format: SlowLinkFormat;
  /** Folder for the dumps `beside` and `slow`, whose extension is the format. */
  readonly folder: string;
}

/** What is published. */
export type SlowLinkFormat = "h264" | "mjpeg";

/** What was measured. */
export interface SlowLinkResult extends Delays {
  /** What was published. */
  readonly published: Uint8Array;
  /** The relay's resident memory in bytes, once a second. */
  readonly memoryBytes: readonly number[];
}

/** Runs it: relay, publisher and one viewer on one host, the slow viewer on another. */
export async function runSlowLink(options: SlowLinkRunOptions): Promise<SlowLinkResult> {
  const { seconds, viewer, format, folder } = options;
  const source = `${folder}/source.${format}`;
  await makeSource(source, format);
  await using link = await makeSlowLink("2mbit");
  const near = { program: [...link.near, ...program()], hangsMs: 60_000 + seconds * 1000 };
  await using relay = await startRelay(["--host", "0.0.0.0", "--open", "--fps", "source"], near);
  const port = relay.host.split(":")[1];
  const run = [Deno.execPath(), "run", "--quiet", `--config=${ROOT}deno.json`, ...PERMISSIONS];
  await using slow = start(
    [viewer, `ws://${link.nearAddress}:${port}/live?role=watch`, `${folder}/slow.${format}`],
    { ...near, program: [...link.far, ...run, VIEWER] },
  );
  await slow.said(/connected/);
  const url = `ws://127.0.0.1:${port}/live`;
  const output = `${folder}/beside.${format}`;
  await using beside = start(["watch", url, "--output", output, ...EVERY_FRAME], near);
  await beside.said(/waiting for a publisher/);
  await using publish = start(["publish", url], { ...near, stdin: "piped" });
  const memoryBytes: number[] = [];
  const timer = setInterval(() => memoryBytes.push(residentBytes(relay.process.pid)), 1000);
  const published: Uint8Array[] = [];
  for await (const chunk of liveSource(source, format, seconds)) {
    published.push(chunk);
    await publish.write(chunk);
  }
  await publish.endInput();
  const ends = [publish, beside];
  if (viewer === "acknowledging") ends.push(slow);
  for (const { outcome } of ends) {
    const { code, stderr } = await outcome;
    assertEquals(code, 0, stderr);
  }
  clearInterval(timer);
  relay.process.kill("SIGTERM");
  const { code, stdout, stderr } = await slow.outcome;
  assertEquals(code, 0, stderr);
  const delays: Delays = JSON.parse(new TextDecoder().decode(stdout));
  return { ...delays, memoryBytes, published: await new Blob(published as BlobPart[]).bytes() };
}

/** What ffmpeg complains about when it decodes `file`. */
export async function complaints(file: string, format: SlowLinkFormat): Promise<string> {
  const { stderr } = await new Deno.Command("ffmpeg", {
    args: ["-v", "warning", "-nostdin", "-f", format, "-i", file, "-f", "null", "-"],
    stdout: "null",
    stderr: "piped",
  }).output();
  return new TextDecoder().decode(stderr);
}

/** Noise that is hard to compress, in even sizes; of H.264 with a key frame every two seconds. */
async function makeSource(path: string, format: SlowLinkFormat): Promise<void> {
  const size = format === "h264" ? "1280x720" : "640x360";
  const picture = `testsrc2=size=${size}:rate=30:duration=${SOURCE_SECONDS},noise=alls=40:allf=t`;
  const rate = ["-b:v", "6M", "-maxrate", "6M", "-bufsize", "1M"];
  const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60"];
  const codec = format === "h264"
    ? [...x264, "-pix_fmt", "yuv420p"]
    : ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"];
  await ffmpeg(["-f", "lavfi", "-i", picture, ...codec, ...rate, path]);
}

/** The source at its own rate, as a camera would give it, again and again. */
async function* liveSource(
  path: string,
  format: SlowLinkFormat,
  seconds: number,
): AsyncGenerator<Uint8Array> {
  for (let left = seconds; left > 0; left -= SOURCE_SECONDS) {
    const input = ["-re", "-f", format, "-framerate", "30", "-i", path];
    const output = ["-t", String(left), "-c", "copy", "-flush_packets", "1", "-f", format, "-"];
    const child = new Deno.Command("ffmpeg", {
      args: ["-v", "fatal", "-nostdin", ...input, ...output],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    yield* child.stdout;
    await child.status;
  }
}

function residentBytes(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)![1]) * 1024;
}
