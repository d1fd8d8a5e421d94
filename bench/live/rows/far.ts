/**
 * A publisher that is far away: 200 ms of round trip.
 *
 * @module
 */
import { startProgram, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { describeRun, type LiveRow, rateOf } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { mjpegFrames } from "../sources.ts";

const FPS = 30;
const ONE_WAY_MS = 100;
const PROXY = new URL("../delay_proxy.ts", import.meta.url).pathname;

/** The row. */
export const far: LiveRow = {
  name: "far",
  title: `a publisher behind ${2 * ONE_WAY_MS} ms of round trip; MJPEG 720p at 30 fps`,
  async measure({ seconds }) {
    const frames = await mjpegFrames();
    const results: Result[] = [];
    for (const onFull of ["wait", "drop"]) {
      await using relay = await startRelay(["--fps", String(FPS)]);
      await using proxy = await startProgram([
        ...[Deno.execPath(), "run", "--quiet", "--allow-net", PROXY],
        ...[new URL(relay.http).host, String(ONE_WAY_MS)],
      ]);
      const place = placeOn(relay, "live");
      await using run = await Run.start({
        place: { ...place, publishUrl: proxy.url },
        frames,
        publish: ["--on-full", onFull],
      });
      await run.pace({ fps: FPS, seconds });
      results.push({
        what: `${(frames.meanBytes / 1000).toFixed(0)} kB, --on-full ${onFull}`,
        target: `30 fps, lost 0, delay ≤ ${ONE_WAY_MS + 33}`,
        measured: `${rateOf(run).toFixed(1)} fps; ${describeRun(run)}`,
      });
    }
    return results;
  },
};
