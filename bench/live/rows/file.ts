/**
 * What is not live leaves at the tick's rate: a file, and a pipe that gives all it has.
 *
 * @module
 */
import { quantile, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { distancesOf } from "../ledger.ts";
import { noiseFrames, type NumberedFrames } from "../numbered_frames.ts";
import { describeLoss, type LiveRow, type Ran, settled } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { mjpegFrames } from "../sources.ts";

const FPS = 50;
const INTERVAL_MS = 1000 / FPS;

/** The row. */
export const file: LiveRow = {
  name: "file",
  title: "as fast as it goes, paced by the relay (serve --fps 50)",
  async measure({ seconds }) {
    const sources = {
      lp32: noiseFrames(20_000, 30),
      mjpeg: await mjpegFrames({ size: "640x360", quality: 5 }),
    };
    const count = seconds * FPS;
    const results: Result[] = [];
    for (const [format, frames] of Object.entries(sources)) {
      for (const way of ["from a pipe", "by --input"] as const) {
        const run = way === "from a pipe"
          ? await measurePipe(frames, count)
          : await measureInput(frames, count);
        results.push({
          what: `${format} ${way}`,
          target: "mean 20.00 ms ± 0.1 %, lost 0",
          measured: describe(run),
        });
      }
    }
    return results;
  },
};

function describe({ ledger, startMs }: Ran): string {
  const arrived = settled(ledger.arrived(), startMs);
  const distances = distancesOf(arrived);
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  const [p1, p99] = [0.01, 0.99].map((share) => quantile(distances, share).toFixed(1));
  const off = 100 * (mean / INTERVAL_MS - 1);
  return `mean ${mean.toFixed(3)} ms (${off.toFixed(3)} %), p1 ${p1}, p99 ${p99} ms; ` +
    describeLoss(ledger);
}

async function measurePipe(frames: NumberedFrames, count: number): Promise<Run> {
  await using relay = await startRelay(["--fps", String(FPS)]);
  await using run = await Run.start({ place: placeOn(relay, "live"), frames });
  await run.pour(count);
  return run;
}

async function measureInput(frames: NumberedFrames, count: number): Promise<Run> {
  const input = await Deno.makeTempFile();
  try {
    const writer = (await Deno.open(input, { write: true })).writable.getWriter();
    for (let number = 0; number < count; number++) await writer.write(frames.frame(number));
    await writer.close();
    await using relay = await startRelay(["--fps", String(FPS)]);
    await using run = await Run.start({ place: placeOn(relay, "live"), frames, input });
    await run.follow(count);
    return run;
  } finally {
    await Deno.remove(input);
  }
}
