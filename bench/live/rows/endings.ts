/**
 * A stream as a file over HTTP: how soon the key frame is there for a request in the middle of a GOP
 * of ten seconds, and how late frames are at the start and at the end of the run.
 *
 * @module
 */
import { publish, type Publisher } from "../../../src/client/publish.ts";
import type { MediaFrame } from "../../../src/media/media_reader.ts";
import { encoder, type VideoFormat } from "../../../tests/e2e/videos.ts";
import { ffmpeg } from "../../../tests/ffmpeg.ts";
import { readFile } from "../../../tests/media/files.ts";
import { FramesWithin } from "../../../tests/media/frames_within.ts";
import { clock } from "../../clients.ts";
import { type BenchRelay, quantile, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import type { LiveRow } from "../row.ts";

const FPS = 30;
/** Ten seconds. */
const GOP = 10 * FPS;
/** So many are there when somebody joins: eight seconds. */
const BEFORE = 8 * FPS;
const JOINS = 20;
/** The start and the end of a run that are compared. */
const EDGE_FRAMES = FPS;

type Format = VideoFormat | "mjpeg";

const STREAMS: readonly (readonly [format: Format, endings: readonly string[]])[] = [
  ["h264", ["h264", "ts", "mkv", "mp4"]],
  ["hevc", ["hevc"]],
  ["vp9", ["webm", "ivf"]],
  ["mjpeg", ["mjpeg", "mkv"]],
];

/** Ten seconds of noise: no frame is like another, and a key frame has some 100 kB. */
async function film(format: Format): Promise<readonly MediaFrame[]> {
  const path = await Deno.makeTempFile({ suffix: ".mkv" });
  try {
    const picture = `testsrc2=size=960x540:rate=${FPS}`;
    const coder = format === "mjpeg"
      ? ["-c:v", "mjpeg", "-q:v", "6"]
      : [...encoder({ format, frames: GOP, gop: GOP }), ...QUALITY[format]!];
    await ffmpeg([
      ...["-f", "lavfi", "-i", picture, "-vf", "noise=alls=20:allf=t", "-pix_fmt", "yuv420p"],
      ...[...coder, "-bf", "0", "-frames:v", String(GOP), "-g", String(GOP), "-y", path],
    ]);
    return (await readFile(path)).frames;
  } finally {
    await Deno.remove(path);
  }
}

/** What makes a key frame of some 100 kB. */
const QUALITY: Readonly<Partial<Record<Format, readonly string[]>>> = {
  h264: ["-crf", "22"],
  hevc: ["-crf", "24"],
  vp9: ["-b:v", "4M"],
};

/** Sends the `index`th frame of a film that begins again and again. */
async function send(out: Publisher, frames: readonly MediaFrame[], index: number): Promise<void> {
  const { data, kind, ptsUs, config } = frames[index % frames.length]!;
  const roundUs = Math.floor(index / frames.length) * (frames.length / FPS) * 1_000_000;
  await out.send(data, { kind, ptsUs: ptsUs === null ? null : ptsUs + roundUs, config });
}

/** Asks for a file. */
async function open(relay: BenchRelay, path: string): Promise<FramesWithin> {
  const response = await fetch(`${relay.http}/${path}`);
  if (response.status !== 200) throw new Error(`/${path}: ${await response.text()}`);
  return new FramesWithin(response.body!, path.slice(path.lastIndexOf(".") + 1));
}

/** Milliseconds from requests to the last byte of the key frame. */
async function joins(relay: BenchRelay, path: string, key: Uint8Array): Promise<number[]> {
  const times: number[] = [];
  for (let join = 0; join < JOINS; join++) {
    const startMs = clock.nowMs();
    const file = await open(relay, path);
    await file.until(key);
    times.push(clock.nowMs() - startMs);
    await file.stop();
  }
  return times;
}

/** Milliseconds from the sending of each frame to its last byte, at each of the files. */
async function delays(
  relay: BenchRelay,
  frames: readonly MediaFrame[],
  run: { readonly format: Format; readonly endings: readonly string[]; readonly seconds: number },
): Promise<number[][]> {
  await using out = publish(`${relay.http.replace("http", "ws")}/delay-${run.format}`);
  const count = run.seconds * FPS;
  const sentMs = [clock.nowMs()];
  await send(out, frames, 0);
  await known(relay, `delay-${run.format}`);
  const files = await Promise.all(
    run.endings.map((ending) => open(relay, `delay-${run.format}.${ending}`)),
  );
  const reading = files.map(async (file) => {
    const late: number[] = [];
    for (let index = 0; index < count; index++) {
      await file.until(frames[index % frames.length]!.data);
      late.push(clock.nowMs() - sentMs[index]!);
    }
    await file.stop();
    // The first was there before the file was asked for.
    return late.slice(1);
  });
  const startMs = clock.nowMs();
  for (let index = 1; index < count; index++) {
    const waitMs = startMs + index * 1000 / FPS - clock.nowMs();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    sentMs.push(clock.nowMs());
    await send(out, frames, index);
  }
  return await Promise.all(reading);
}

/** Waits until the relay has the first frame of a stream. */
async function known(relay: BenchRelay, name: string, frames = 1): Promise<void> {
  for (;;) {
    const response = await fetch(`${relay.http}/api/streams/${name}`);
    const { received } = await response.json();
    if (received?.frames >= frames) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const endings: LiveRow = {
  name: "endings",
  title: `files over HTTP, median and highest in ms; ${JOINS} joins 8 s into a GOP of 10 s, 30 fps`,
  async measure({ seconds }) {
    const results: Result[] = [];
    for (const [format, extensions] of STREAMS) {
      const frames = await film(format);
      await using relay = await startRelay(["--fps", "source"]);
      const bytes = Math.round(frames[0]!.data.length / 1000);
      {
        await using out = publish(`${relay.url}`);
        const before = format === "mjpeg" ? 1 : BEFORE;
        for (let index = 0; index < before; index++) await send(out, frames, index);
        await known(relay, "live", before);
        for (const extension of extensions) {
          const times = await joins(relay, `live.${extension}`, frames[0]!.data);
          results.push({
            what: `${format}, .${extension}: request to key frame of ${bytes} kB`,
            target: "< 300",
            measured: figures(times),
          });
        }
      }
      const late = await delays(relay, frames, { format, endings: extensions, seconds });
      for (const [index, extension] of extensions.entries()) {
        const [start, end] = [late[index]!.slice(0, EDGE_FRAMES), late[index]!.slice(-EDGE_FRAMES)];
        results.push({
          what: `${format}, .${extension}: delay in the first and in the last second of ${seconds}`,
          target: "the same",
          measured: `${figures(start)}; ${figures(end)}`,
        });
      }
    }
    return results;
  },
};

function figures(times: readonly number[]): string {
  return [0.5, 1].map((share) => quantile(times, share).toFixed(1)).join(", ");
}
