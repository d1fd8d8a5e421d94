/**
 * A process that stands still for a while: the relay, the publisher, the viewer.
 *
 * @module
 */
import { startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { pause } from "../process.ts";
import { describeLoss, describeRecovery, type LiveRow } from "../row.ts";
import { placeOn, Run } from "../run.ts";
import { h264Frames, mjpegFrames } from "../sources.ts";

const FPS = 30;
/** How long all is well before, in milliseconds. */
const BEFORE_MS = 3000;

const VICTIMS = ["relay", "publisher", "viewer"] as const;

interface PauseOptions {
  readonly victim: typeof VICTIMS[number];
  /** How long it stands still, in milliseconds. */
  readonly stillMs: number;
  /** How long it is watched afterwards, in seconds. */
  readonly seconds: number;
}

/** The row of one second. */
export const shortPause: LiveRow = {
  name: "pause",
  title: "a process stands still for 1 s; 720p at 30 fps, MJPEG and H.264 at the same time",
  async measure({ seconds }) {
    const results: Result[] = [];
    for (const victim of VICTIMS) {
      results.push(...await measurePause({ victim, stillMs: 1000, seconds }));
    }
    return results;
  },
};

/** The row of ten seconds. */
export const longPause: LiveRow = {
  name: "long-pause",
  title: "the relay stands still for 10 s; 720p at 30 fps, MJPEG and H.264 at the same time",
  measure: ({ seconds }) => measurePause({ victim: "relay", stillMs: 10_000, seconds }),
};

async function measurePause({ victim, stillMs, seconds }: PauseOptions): Promise<Result[]> {
  const sources = { mjpeg: await mjpegFrames(), h264: await h264Frames() };
  await using relay = await startRelay(["--fps", String(FPS)]);
  await using stack = new AsyncDisposableStack();
  const runs: Run[] = [];
  for (const [name, frames] of Object.entries(sources)) {
    runs.push(stack.use(await Run.start({ place: placeOn(relay, name), frames })));
  }
  const signal = (name: Deno.Signal) => {
    if (victim === "relay") Deno.kill(relay.pid, name);
    else for (const run of runs) run[victim].signal(name);
  };
  let goesOnMs = NaN;
  const interrupt = async () => {
    await pause(BEFORE_MS);
    signal("SIGSTOP");
    await pause(stillMs);
    goesOnMs = performance.now();
    signal("SIGCONT");
  };
  const runSeconds = (BEFORE_MS + stillMs) / 1000 + seconds;
  await Promise.all([
    ...runs.map((run) => run.pace({ fps: FPS, seconds: runSeconds })),
    interrupt(),
  ]);
  return runs.map((run, index) => ({
    what: `${Object.keys(sources)[index]}: the ${victim}, ${stillMs / 1000} s`,
    // A viewer that stands still for longer than --max-delay skips, as it is told.
    target: victim === "viewer" ? "≤ 3 s" : "≤ 3 s, lost 0",
    measured: `${describeRecovery(run, goesOnMs)}; ${describeLoss(run.ledger)}`,
  }));
}
