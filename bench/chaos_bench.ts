/**
 * Twenty viewers that come, go and stall at random, and a publisher that is started again every
 * five seconds or so with another size or codec, for a minute or as many seconds as the argument
 * says. Needs Linux and ffmpeg.
 *
 * @module
 */
import { chaosRuns, judge, openFiles, runChaos, untilIdle } from "../tests/e2e/chaos.ts";
import { startRelay } from "../tests/program.ts";
import { usageOf } from "./relay.ts";
import { printResults } from "./table.ts";

const VIEWERS = 20;
const FPS = 60;
/** Of these, one publisher in three gets half out before it is killed, or taken over. */
const FRAMES = 400;
const SECONDS_PER_RUN = 5;

/** Measures and prints. */
export async function benchChaos(seconds: number): Promise<void> {
  const hangsMs = 60_000 + 3000 * seconds;
  await using relay = await startRelay(["--fps", String(FPS)], { hangsMs });
  await (await fetch(`${relay.http}/health`)).body?.cancel();
  const { pid } = relay.process;
  const files = openFiles(pid);
  const memory: number[] = [];
  const timer = setInterval(async () => {
    memory.push((await usageOf(pid)).residentBytes / 1e6);
  }, 1000);
  const runs = chaosRuns(Math.ceil(seconds / SECONDS_PER_RUN));
  const result = await runChaos(relay, { seed: 1, viewers: VIEWERS, runs, frames: FRAMES });
  clearInterval(timer);
  const metrics = await untilIdle(relay, files);
  const { frames, skips, headless, spoiled, blank, complaints } = await judge(result);
  const metric = (name: string) => new RegExp(`^${name} (.+)$`, "m").exec(metrics)![1];
  const highest = (share: number, from: number) => {
    const part = memory.slice(from * memory.length, (from + share) * memory.length);
    return Math.max(...part).toFixed(0);
  };
  const title = `${VIEWERS} viewers at random, ${runs.length} publishers, ${memory.length} s`;
  printResults(title, [
    {
      what: "connections, stalls, skips, frames received",
      target: "-",
      measured: `${result.connections.length}, ${result.stalls}, ${skips}, ${frames}`,
    },
    {
      what: "complaints of the decoder",
      target: "none",
      measured: complaints === "" ? "none" : complaints,
    },
    {
      what: "pictures spoiled or missing, connections without a key frame in front",
      target: "0",
      measured: `${spoiled}, ${blank}, ${headless}`,
    },
    {
      what: "relay's memory in MB: highest in the second and the last quarter",
      target: "flat",
      measured: `${highest(0.25, 0.25)}, ${highest(0.25, 0.75)}`,
    },
    {
      what: "open files of the relay: before, after",
      target: "the same",
      measured: `${files}, ${openFiles(pid)}`,
    },
    {
      what: "bytes kept for viewers and under way in the end",
      target: "0",
      measured: `${metric("stream_cached_bytes")}, ${metric("stream_under_way_bytes")}`,
    },
  ]);
}

if (import.meta.main) await benchChaos(Number(Deno.args[0] ?? 60));
