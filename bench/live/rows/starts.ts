/**
 * Whether a stream's delay depends on how it happened to begin.
 *
 * @module
 */
import { programLine, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { spread } from "../ledger.ts";
import { piped, Process } from "../process.ts";
import type { LiveRow } from "../row.ts";
import { placeOn, until } from "../run.ts";
import { toldDelays } from "../told_delays.ts";

const STARTS = 5;

/** The row. */
export const starts: LiveRow = {
  name: "starts",
  title: `ffmpeg -re -f mjpeg | publish, 720p at 30 fps, ${STARTS} times: as the relay tells`,
  async measure({ seconds }) {
    const results: Result[] = [];
    for (let start = 1; start <= STARTS; start++) {
      await using relay = await startRelay(["--fps", "30"]);
      const place = placeOn(relay, "live");
      const watch = ["watch", "--output", "/dev/null", place.watchUrl];
      await using viewer = new Process([...programLine(), ...watch]);
      await until(place, ({ viewers }) => viewers > 0, viewer);
      const picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"];
      const ffmpeg = ["ffmpeg", "-v", "error", "-nostdin", ...picture, "-q:v", "5", "-f", "mjpeg"];
      const publish = [...programLine(), "publish", place.publishUrl];
      await using publisher = new Process(piped([...ffmpeg, "-"], publish));
      await until(place, ({ publishing }) => publishing, publisher);
      const endMs = performance.now() + seconds * 1000;
      const { latencyMs } = await toldDelays(relay, () => performance.now() > endMs);
      results.push({
        what: `start ${start}, capture to watch`,
        target: "median ≤ 5",
        measured: spread(latencyMs),
      });
    }
    return results;
  },
};
