/**
 * A program behind `watch --output -` that is slower than the stream.
 *
 * @module
 */
import { startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { describeRun, type LiveRow } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { mjpegFrames, rawFrames } from "../sources.ts";

const FPS = 30;
const REST_MS = 100;

/** The row. */
export const slowReader: LiveRow = {
  name: "slow-reader",
  title: `a reader of watch --output - that rests ${REST_MS} ms after each frame; 30 fps`,
  async measure({ seconds }) {
    const small = await mjpegFrames({ size: "640x480", quality: 3 });
    const sources = [
      {
        name: `mjpeg of ${(small.meanBytes / 1000).toFixed(0)} kB`,
        frames: small,
        publish: [],
      },
      {
        name: "raw 640x480",
        frames: rawFrames(),
        publish: ["--size", "640x480", "--pixel-format", "bgr24"],
      },
    ];
    const results: Result[] = [];
    for (const fps of ["source", "30"]) {
      for (const onFull of ["wait", "drop"]) {
        await using relay = await startRelay(["--fps", fps]);
        await using stack = new AsyncDisposableStack();
        const runs: Run[] = [];
        for (const [index, { frames, publish }] of sources.entries()) {
          const place = placeOn(relay, `s-${index}`);
          const options = { place, frames, restMs: REST_MS };
          runs.push(
            stack.use(await Run.start({ ...options, publish: [...publish, "--on-full", onFull] })),
          );
        }
        await Promise.all(runs.map((run) => run.pace({ fps: FPS, seconds })));
        results.push(...runs.map((run, index) => ({
          what: `${sources[index]!.name}, serve --fps ${fps}, --on-full ${onFull}`,
          target: "p99 and highest ≤ 500",
          measured: describeRun(run),
        })));
      }
    }
    return results;
  },
};
