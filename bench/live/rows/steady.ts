/**
 * Sources whose rate is not quite that of the tick, even and uneven.
 *
 * @module
 */
import { startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { noiseFrames, type NumberedFrames } from "../numbered_frames.ts";
import { describeRun, type LiveRow } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { h264Frames, mjpegFrames } from "../sources.ts";

const RATES = [24, 25, 29.97, 30, 30.3, 31.5] as const;
const JITTERS_MS = [0, 10] as const;
const SMALL = { size: "640x360", quality: 5 };

const TARGET = "median ≤ 5, p99 ≤ 33, lost 0, in order";

const TARGETS: Readonly<Record<string, string>> = {
  mjpeg: TARGET,
  h264: `${TARGET}, behind the next one's beginning`,
  lp32: TARGET,
};

const FORMATS: Readonly<Record<string, (fps: number) => NumberedFrames | Promise<NumberedFrames>>> =
  {
    mjpeg: () => mjpegFrames(SMALL),
    h264: (fps) => h264Frames({ ...SMALL, fps }),
    lp32: () => noiseFrames(20_000, 30),
  };

/** The row. */
export const steady: LiveRow = {
  name: "steady",
  title: "a live source of about the tick's rate (serve --fps 30), 640x360, all rates at once",
  async measure({ seconds }) {
    const results: Result[] = [];
    for (const [format, make] of Object.entries(FORMATS)) {
      for (const jitterMs of JITTERS_MS) {
        const cases = await Promise.all(
          RATES.map(async (fps) => ({ fps, frames: await make(fps) })),
        );
        results.push(...await measureTogether(cases, { format, jitterMs, seconds }));
      }
    }
    return results;
  },
};

async function measureTogether(
  cases: readonly { fps: number; frames: NumberedFrames }[],
  options: { format: string; jitterMs: number; seconds: number },
): Promise<Result[]> {
  const { format, jitterMs, seconds } = options;
  await using relay = await startRelay(["--fps", "30"]);
  await using runs = new AsyncDisposableStack();
  const started: Run[] = [];
  for (const [index, { frames }] of cases.entries()) {
    started.push(runs.use(await Run.start({ place: placeOn(relay, `s-${index}`), frames })));
  }
  await Promise.all(
    started.map((run, index) =>
      run.pace({ fps: cases[index]!.fps, jitterMs, seed: index + 1, seconds })
    ),
  );
  return started.map((run, index) => ({
    what: `${format} ${cases[index]!.fps} fps ${jitterMs > 0 ? `±${jitterMs} ms` : "even"}`,
    target: TARGETS[format]!,
    measured: describeRun(run),
  }));
}
