// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { type FrameTime, RecordingTimes } from "../../src/media/recording_times.ts";
import type { Sink, SinkFrame } from "../../src/files/sink.ts";
import { openSink } from "../../src/files/sinks.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import type { Log } from "../../src/host/log.ts";
import { type Folder, makeFolder } from "../cli/folder.ts";
import { h264Shots, readFile, type Shot } from "../media/files.ts";

function timesOf(frames: readonly Partial<FrameTime>[]): (number | undefined)[] {
  const times = new RecordingTimes();
  return frames.map((frame) =>
    times.next({
      kind: "key",
      leading: false,
      ptsUs: null,
      captureUs: 0,
      discontinuity: false,
      ...frame,
    })
  );
}

const KEY = "key";
const DELTA = "delta";

Deno.test("RecordingTimes begin with 0 at the first key frame", () => {
  const times = timesOf([
    { kind: DELTA, ptsUs: 900 },
    { kind: KEY, ptsUs: 1000 },
    { kind: DELTA, ptsUs: 1200 },
    { kind: DELTA, ptsUs: 1100 },
  ]);
  assertEquals(times, [undefined, 0, 200, 100]);
});

Deno.test("RecordingTimes leave out what is shown before the first key frame, no later such frames", () => {
  const gop = (ptsUs: number) => [
    { kind: KEY, ptsUs } as const,
    { kind: DELTA, ptsUs: ptsUs - 100, leading: true } as const,
    { kind: DELTA, ptsUs: ptsUs - 50 } as const,
  ];
  assertEquals(timesOf([...gop(1000), ...gop(2000)]), [
    ...[0, undefined, undefined],
    ...[1000, 900, 950],
  ]);
});

Deno.test("RecordingTimes go on where those of the source begin anew", () => {
  const round = [
    { kind: KEY, ptsUs: 500 } as const,
    { kind: DELTA, ptsUs: 540 } as const,
    { kind: DELTA, ptsUs: 580 } as const,
  ];
  assertEquals(timesOf([...round, ...round]), [0, 40, 80, 120, 160, 200]);
  const [first, ...others] = round;
  const again = [{ ...first!, ptsUs: 9_000_000, discontinuity: true }, others[0]!];
  assertEquals(timesOf([...round, ...again]), [0, 40, 80, 120, undefined]);
});

Deno.test("RecordingTimes keep a stream's own rate where its frames were read at once", () => {
  const config = { frameRate: 25 };
  const frames = (capturesMs: readonly number[], frameRate = true) =>
    timesOf(capturesMs.map((ms) => ({ captureUs: ms * 1000, ...frameRate ? { config } : {} })))
      .map((timeUs) => timeUs! / 1000);
  assertEquals(frames([0, 0, 0, 40, 80]), [0, 40, 80, 120, 160]);
  assertEquals(frames([0, 60, 90, 900, 940]), [0, 60, 100, 900, 940]);
  assertEquals(frames([0, 0, 0, 40], false), [0, 1, 2, 40]);
  const file = frames(Array.from({ length: 400 }, (_, index) => index));
  assertEquals(file, file.map((_, index) => index * 40));
  // A rate that is not the true one is kept for a while only.
  const fast = frames(Array.from({ length: 300 }, (_, index) => index * 20));
  assertEquals(fast.slice(0, 3), [0, 40, 80]);
  assertEquals(fast.slice(-2), [298 * 20 + 4000, 299 * 20 + 4000]);
});

Deno.test("RecordingTimes wait for a key frame behind a discontinuity", () => {
  const times = timesOf([
    { kind: KEY, ptsUs: 0 },
    { kind: DELTA, ptsUs: 10, discontinuity: true },
    { kind: DELTA, ptsUs: 20 },
    { kind: KEY, ptsUs: 5 },
  ]);
  assertEquals(times.map((time) => time === undefined), [false, true, true, false]);
});

Deno.test("RecordingTimes are those of capture where the source has none, and grow", () => {
  const times = timesOf(
    [1_000_000, 1_040_000, 1_040_000, 1_030_000, 1_100_000].map((captureUs) => ({
      captureUs,
    })),
  );
  assertEquals(times, [0, 40_000, 41_000, 42_000, 100_000]);
});

Deno.test("RecordingTimes leave out no frame without a presentation time, whenever it was captured", () => {
  // The publisher's clock was corrected by three seconds behind the key frame.
  const times = timesOf(
    [5_000_000, 2_000_000, 2_040_000, 5_100_000].map((captureUs, n) => ({
      kind: n === 0 ? KEY : DELTA,
      captureUs,
    })),
  );
  assertEquals(times, [0, 1000, 2000, 100_000]);
});

Deno.test("RecordingTimes go on where presentation times jump back by more than pictures are reordered", () => {
  const times = timesOf([
    { kind: KEY, ptsUs: 3_600_000_000 },
    { kind: DELTA, ptsUs: 3_600_040_000 },
    { kind: DELTA, ptsUs: 0 },
    { kind: DELTA, ptsUs: 40_000 },
  ]);
  assertEquals(times, [0, 40_000, 80_000, 120_000]);
});

const CONFIG = bareConfig("vp8", { width: 16, height: 8 });

function frameOf(options: Partial<SinkFrame> = {}): SinkFrame {
  return {
    data: Uint8Array.of(1, 2, 3),
    kind: "key",
    leading: false,
    ptsUs: 0,
    captureUs: 0,
    discontinuity: false,
    config: CONFIG,
    ...options,
  };
}

/** A sink for `output` in a folder; `said` is what it logged. */
async function sinkIn(
  folder: Folder,
  output: string,
  { segmentMs, overwrite = false }: { segmentMs?: number; overwrite?: boolean } = {},
): Promise<{ readonly sink: Sink; readonly said: readonly string[] }> {
  const said: string[] = [];
  const log: Log = {
    info: (message) => void said.push(message),
    warn: () => {},
    error: () => {},
    progress: () => {},
  };
  const writeStdout = () => Promise.resolve();
  const place = output === "-" ? output : `${folder.path}/${output}`;
  const sink = await openSink({ output: place, segmentMs, overwrite, writeStdout, log });
  return { sink, said };
}

const shotFrame = ({ data, kind, timeUs, config }: Shot): SinkFrame =>
  // A sink may do with the bytes what it likes.
  frameOf({ data: data.slice(), kind, ptsUs: timeUs, config });

for (const output of ["rec-%03d.mkv", "rec.mp4", "x.264"]) {
  Deno.test(`A recording to ${output} in segments begins each at a key frame, with time 0`, async () => {
    await using folder = await makeFolder();
    const shots = h264Shots(23);
    const { sink } = await sinkIn(folder, output, { segmentMs: 300 });
    for (const shot of shots) assertEquals(await sink.write(shotFrame(shot)), true);
    await sink.finish();
    const names = await folder.names();
    const [before, digits, after] = {
      "rec-%03d.mkv": ["rec-", 3, ".mkv"] as const,
      "rec.mp4": ["rec-", 6, ".mp4"] as const,
      "x.264": ["x-", 6, ".264"] as const,
    }[output]!;
    // Key frames stand 200 ms apart: the second is the first that is far enough.
    const wanted = ["1", "2", "3"].map((n) => `${before}${n.padStart(digits, "0")}${after}`);
    assertEquals(names, wanted);
    assertEquals(sink.describe(), `${folder.path}/${wanted[0]} to ${folder.path}/${wanted[2]}`);
    if (after === ".264") return;
    for (const [index, name] of names.entries()) {
      const { frames, error } = await readFile(`${folder.path}/${name}`);
      assertEquals(error, undefined);
      const part = shots.slice(index * 10, index * 10 + 10);
      assertEquals(frames.map(({ data }) => data), part.map(({ data }) => data));
      assertEquals(
        frames.map(({ ptsUs }) => ptsUs),
        part.map(({ timeUs }) => timeUs - part[0]!.timeUs),
      );
    }
  });
}

Deno.test("A segment begins without the pictures that are shown before its key frame", async () => {
  await using folder = await makeFolder();
  const { sink } = await sinkIn(folder, "s.webm", { segmentMs: 1000 });
  const gop = (ptsUs: number) => [
    frameOf({ ptsUs }),
    frameOf({ kind: "delta", ptsUs: ptsUs - 10_000 }),
    frameOf({ kind: "delta", ptsUs: ptsUs + 10_000 }),
  ];
  const written = [];
  for (const frame of [...gop(0), ...gop(500_000), ...gop(1_000_000)]) {
    written.push(await sink.write(frame));
  }
  await sink.finish();
  const [isFirst, isLater] = [[true, false, true], [true, true, true]];
  assertEquals(written, [...isFirst, ...isLater, ...isFirst]);
  assertEquals(await folder.names(), ["s-000001.webm", "s-000002.webm"]);
});

Deno.test("A recording goes to a hidden file until it is whole, and says so", async () => {
  await using folder = await makeFolder();
  const { sink, said } = await sinkIn(folder, "x.webm");
  await sink.write(frameOf());
  const partial = `.x.webm.${Deno.pid}.part`;
  assertEquals(await folder.names(), [partial]);
  assertEquals(said, [`recording to ${folder.path}/${partial} until it is complete`]);
  await sink.finish();
  assertEquals(await folder.names(), ["x.webm"]);
  assertEquals(sink.describe(), `${folder.path}/x.webm`);
});

Deno.test("A recording of nothing leaves no file", async () => {
  await using folder = await makeFolder();
  for (const output of ["x.mp4", "x.mkv", "x.ivf", "x.h264", "x.y4m"]) {
    const { sink } = await sinkIn(folder, output);
    assertEquals(await sink.write(frameOf({ kind: "delta" })), false);
    await sink.finish();
  }
  assertEquals(await folder.names(), []);
});

Deno.test("A recording of nothing replaces no file", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/x.h264`, "mine");
  const { sink } = await sinkIn(folder, "x.h264", { overwrite: true });
  await sink.finish();
  assertEquals(await folder.names(), ["x.h264"]);
  assertEquals(await Deno.readTextFile(`${folder.path}/x.h264`), "mine");
});

Deno.test("A recording never touches a file that is there", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/x-000001.mp4`, "mine");
  await assertRejects(
    () => sinkIn(folder, "x.mp4", { segmentMs: 1000 }),
    StreamError,
    "x-000001.mp4: it already exists; use --overwrite",
  );
  assertEquals(await folder.names(), ["x-000001.mp4"]);
});

for (
  const [output, format, fitting] of [
    ["x.mp4", "mjpeg", "use a name that ends in .mkv or .mjpeg"],
    ["x.webm", "h264", "use a name that ends in .mkv or .mp4 or .h264"],
    ["x.ivf", "hevc", "use a name that ends in .mkv or .mp4 or .hevc"],
    ["x.264", "vp8", "use a name that ends in .mkv or .webm or .ivf"],
    ["x.mkv", "y4m", "use a name that ends in .y4m"],
    ["x.y4m", "png", "write each frame to its own file, or convert with ffmpeg"],
    ["x.mjpeg", "y4m", "use a name that ends in .y4m"],
  ] as const
) {
  Deno.test(`A recording to ${output} refuses ${format} and says which names would do`, async () => {
    await using folder = await makeFolder();
    const { sink } = await sinkIn(folder, output);
    const config = bareConfig(format);
    await assertRejects(
      () => sink.write(frameOf({ config })),
      StreamError,
      `it cannot hold the stream's format, ${format}; ${fitting}`,
    );
    await sink.finish();
    assertEquals(await folder.names(), []);
  });
}

Deno.test("A recording of other pictures than before needs another file", async () => {
  await using folder = await makeFolder();
  const other = bareConfig("vp8", { width: 32, height: 8 });
  const frames = [
    frameOf(),
    frameOf({ kind: "delta", ptsUs: 40_000 }),
    frameOf({ config: other, discontinuity: true }),
  ];
  for (const output of ["x.webm", "x.ivf", "x.mkv"]) {
    const { sink } = await sinkIn(folder, output);
    await sink.write(frames[0]!);
    await sink.write(frames[1]!);
    await assertRejects(
      () => sink.write(frames[2]!),
      StreamError,
      "the stream changed from vp8 16x8 to vp8 32x8; use --segment TIME",
    );
    await sink.finish();
  }
  assertEquals(await folder.names(), ["x.ivf", "x.mkv", "x.webm"], "what came before is kept");
  const { sink } = await sinkIn(folder, "s.mkv", { segmentMs: 3_600_000 });
  for (const frame of frames) await sink.write(frame);
  await sink.finish();
  assertEquals(await folder.names(), ["s-000001.mkv", "s-000002.mkv", "x.ivf", "x.mkv", "x.webm"]);
});

Deno.test("openSink begins another file of a pattern where the stream changes, and only there", async () => {
  await using folder = await makeFolder();
  const { sink } = await sinkIn(folder, "s-%d.webm");
  await sink.write(frameOf());
  await sink.write(frameOf({ ptsUs: 7_200_000_000 }));
  await sink.write(frameOf({ config: { ...frameOf().config, width: 32 }, discontinuity: true }));
  await sink.write(frameOf({ config: { ...frameOf().config, width: 32, rotation: 90 } }));
  await sink.finish();
  assertEquals(await folder.names(), ["s-1.webm", "s-2.webm", "s-3.webm"]);
});

Deno.test("openSink refuses segments that are no files", async () => {
  await using folder = await makeFolder();
  const cases = [
    ["-", 1000, "Cannot use --segment with standard output: segments are files; give --output"],
    ["frames/", 1000, "segments are files"],
  ] as const;
  for (const [output, segmentMs, why] of cases) {
    const error = await assertRejects(
      () => sinkIn(folder, output, { segmentMs }),
      StreamError,
      why,
    );
    assertEquals(error.code, "usage");
  }
  assertEquals(await folder.names(), []);
});

Deno.test("A recording that cannot be written any more stays under its hidden name", async () => {
  await using folder = await makeFolder();
  const { sink } = await sinkIn(folder, "x.mkv");
  await sink.write(frameOf());
  // The place that it is to have is taken meanwhile.
  await Deno.writeTextFile(`${folder.path}/x.mkv`, "mine");
  await assertRejects(() => sink.finish(), StreamError, "x.mkv: it already exists");
  assertEquals(await folder.names(), [`.x.mkv.${Deno.pid}.part`, "x.mkv"]);
  assertEquals(await Deno.readTextFile(`${folder.path}/x.mkv`), "mine");
});
