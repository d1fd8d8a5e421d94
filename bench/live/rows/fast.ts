/**
 * Sources of twice the tick's rate.
 *
 * @module
 */
import { startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import type { NumberedFrames } from "../numbered_frames.ts";
import { describeRun, type LiveRow, rateOf, settled } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { h264Frames, mjpegFrames } from "../sources.ts";

const SOURCE_FPS = 60;

interface Case {
  readonly what: string;
  readonly target: string;
  readonly frames: NumberedFrames;
  readonly publish: readonly string[];
  /** What else is told of the run. */
  also(run: Run): string;
}

/** The row. */
export const fast: LiveRow = {
  name: "fast",
  title: "a live source of 60 fps (serve --fps 30), 720p",
  async measure({ seconds }) {
    const cases: Case[] = [{
      what: "mjpeg, --on-full drop",
      target: "median ≤ 17, p99 ≤ 40, every second frame, evenly",
      frames: await mjpegFrames({ fps: SOURCE_FPS, quality: 6 }),
      publish: ["--on-full", "drop"],
      also: everySecond,
    }, {
      what: "h264, lossless",
      target: "60 fps, lost 0, median ≤ 17",
      frames: await h264Frames({ fps: SOURCE_FPS }),
      publish: [],
      also: (run) => `${rateOf(run).toFixed(1)} fps`,
    }, {
      what: "mjpeg, lossless",
      target: "one sentence, delay bounded",
      frames: await mjpegFrames({ fps: SOURCE_FPS, quality: 6 }),
      publish: [],
      also: (run) => `${rateOf(run).toFixed(1)} fps; publish says:${sentences(run.publisher.said)}`,
    }];
    const results: Result[] = [];
    for (const { what, target, frames, publish, also } of cases) {
      await using relay = await startRelay(["--fps", "30"]);
      await using run = await Run.start({ place: placeOn(relay, "live"), frames, publish });
      await run.pace({ fps: SOURCE_FPS, seconds });
      results.push({ what, target, measured: `${describeRun(run)}; ${also(run)}` });
    }
    return results;
  },
};

/** How many of the steps from one frame that came to the next are 2. */
function everySecond(run: Run): string {
  const arrived = settled(run.ledger.arrived(), run.startMs);
  const steps = arrived.slice(1).map(({ number }, index) => number - arrived[index]!.number);
  return `${steps.filter((step) => step === 2).length} of ${steps.length} steps are 2`;
}

/** What was said, but for progress and the sum at the end. */
function sentences(said: string): string {
  const lines = said.split("\n").filter((line) =>
    line !== "" && !/^\d+ frames |^published /.test(line)
  );
  return lines.length === 0 ? " nothing" : `\n    ${lines.join("\n    ")}`;
}
