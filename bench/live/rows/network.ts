/**
 * A network between publisher and relay on which nothing comes through for a while. Needs Linux, root
 * and iproute2.
 *
 * @module
 */
import { makeSlowLink, type SlowLink } from "../../../tests/e2e/slow_link.ts";
import { NO_TWO_HOSTS } from "../../../tests/e2e/two_hosts.ts";
import { programLine, startProgram } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { pause } from "../process.ts";
import { describeLoss, describeRecovery, type LiveRow } from "../row.ts";
import { type Place, Run, type StreamState } from "../run.ts";
import { h264Frames, mjpegFrames } from "../sources.ts";

const FPS = 30;
const BEFORE_MS = 3000;
const HOLE_MS = 2000;
/** What the link carries otherwise. */
const BUCKET = ["tbf", "rate", "1gbit", "burst", "256kb", "latency", "100ms"];
/** A bucket that no packet fits into. */
const HOLE = ["tbf", "rate", "1kbit", "burst", "20", "limit", "20"];

/** The row. */
export const network: LiveRow = {
  name: "network",
  title: "no packet between publisher and relay for 2 s; 720p at 30 fps",
  async measure({ seconds }) {
    if (NO_TWO_HOSTS !== undefined) throw new Error(`Cannot cut a network: ${NO_TWO_HOSTS}`);
    const sources = { mjpeg: await mjpegFrames(), h264: await h264Frames() };
    const results: Result[] = [];
    for (const [format, frames] of Object.entries(sources)) {
      await using link = await makeSlowLink("1gbit");
      const serve = ["serve", "--port", "0", "--host", "0.0.0.0", "--open", "--fps", String(FPS)];
      await using relay = await startProgram([...link.near, ...programLine(), ...serve]);
      const place = placeBehind(link, new URL(relay.http).port);
      await using run = await Run.start({
        place,
        frames,
        publishIn: link.far,
        watchIn: link.near,
      });
      let restoredMs = NaN;
      const interrupt = async () => {
        await pause(BEFORE_MS);
        await shape(link, HOLE);
        await pause(HOLE_MS);
        await shape(link, BUCKET);
        restoredMs = performance.now();
      };
      const runSeconds = (BEFORE_MS + HOLE_MS) / 1000 + seconds;
      await Promise.all([run.pace({ fps: FPS, seconds: runSeconds }), interrupt()]);
      const { ledger } = run;
      const firstMs = ledger.arrived().find(({ readMs }) => readMs >= restoredMs)?.readMs;
      results.push({
        what: `${format}, from the first frame that comes through`,
        target: "≤ 3 s, lost 0",
        measured: firstMs === undefined
          ? "nothing came through"
          : `${describeRecovery(run, firstMs)}; the first one ${
            ((firstMs - restoredMs) / 1000).toFixed(2)
          } s after the hole; ${describeLoss(ledger)}`,
      });
    }
    return results;
  },
};

/** Gives both ends of a link another discipline. */
async function shape(link: SlowLink, discipline: readonly string[]): Promise<void> {
  for (const [end, device] of [[link.far, "v1"], [link.near, "v0"]] as const) {
    const [command, ...args] = [
      ...end,
      ...["tc", "qdisc", "replace", "dev", device, "root"],
      ...discipline,
    ];
    const { code, stderr } = await new Deno.Command(command!, { args }).output();
    if (code !== 0) throw new Error(`Cannot cut a network: ${new TextDecoder().decode(stderr)}`);
  }
}

/** A stream of a relay that this process cannot reach itself. */
function placeBehind(link: SlowLink, port: string): Place {
  const watchUrl = `ws://127.0.0.1:${port}/live`;
  return {
    publishUrl: `ws://${link.nearAddress}:${port}/live`,
    watchUrl,
    async state() {
      const [command, ...args] = [...link.near, ...programLine(), "list", "--json", watchUrl];
      const { stdout } = await new Deno.Command(command!, { args, stderr: "null" }).output();
      const streams: (StreamState & { name: string })[] = JSON.parse(
        new TextDecoder().decode(stdout) || "[]",
      );
      return streams.find(({ name }) => name === "live");
    },
  };
}
