/**
 * Load on a relay by `stream bench`, in a process of its own.
 *
 * @module
 */
import type { LoadReport } from "../../src/bench/report.ts";
import { type BenchRelay, programLine } from "../relay.ts";
import type { Figures } from "./figures.ts";
import { UsageRecord } from "./usage_record.ts";

/** How long joining and the end may take beside the measured window, in milliseconds. */
const HANGS_MS = 60_000;

/** What is asked of a relay. */
export interface Load {
  readonly viewers: number;
  /** Of those, viewers that never read. @default {0} */
  readonly stalled?: number;
  readonly frameBytes: number;
  readonly fps: number;
  /** Whether viewers and the publisher speak `stream.v1`. @default {false} */
  readonly hasProtocol?: boolean;
}

/** Puts a relay under load for so long, and tells what it did and what that cost. */
export async function measureLoad(
  relay: BenchRelay,
  load: Load,
  seconds: number,
): Promise<Figures> {
  await using usage = new UsageRecord(relay.pid);
  const report = await runLoad(relay.url, load, seconds);
  await usage.stop();
  const { delivered, windowBeganMs, windowEndedMs } = report;
  const cpuSeconds = usage.cpuSecondsBetween(windowBeganMs, windowEndedMs);
  return {
    cpuUsPerFrame: cpuSeconds * 1e6 / delivered.frames,
    cores: cpuSeconds * 1000 / (windowEndedMs - windowBeganMs),
    framesPerSecond: delivered.framesPerSecond,
    share: delivered.share ?? NaN,
    delayP50Ms: report.delayMs?.p50 ?? NaN,
    delayP99Ms: report.delayMs?.p99 ?? NaN,
    delayMaxMs: report.delayMs?.max ?? NaN,
    peakBytes: await usage.peakBytes(),
    failedViewers: report.failed,
    benchIsBottleneck: report.bench.isBottleneck ? 1 : 0,
  };
}

async function runLoad(url: string, load: Load, seconds: number): Promise<LoadReport> {
  const [command, ...first] = programLine();
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args: [
      ...first,
      "bench",
      url,
      ...["--viewers", `${load.viewers}`, "--stalled", `${load.stalled ?? 0}`],
      ...["--size", `${load.frameBytes}`, "--fps", `${load.fps}`],
      ...["--duration", `${seconds}s`, "--json"],
      ...(load.hasProtocol ? [] : ["--bare"]),
    ],
    signal: AbortSignal.timeout(seconds * 1000 + HANGS_MS),
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`stream bench failed: ${decoder.decode(stderr).trim()}`);
  return JSON.parse(decoder.decode(stdout));
}
