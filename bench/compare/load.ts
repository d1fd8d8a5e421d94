/**
 * Load on a relay: by `stream bench`, in a process of its own, or by viewers in C where relay and load
 * take all that the machine has.
 *
 * @module
 */
import { BUSY_SHARE, type LoadReport } from "../../src/bench/report.ts";
import { type BenchRelay, programLine } from "../relay.ts";
import { VIEWERS } from "./contender.ts";
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
  /** Files of what whoever connects needs: a token, and the certificate that is trusted. @default {{}} */
  readonly pass?: { readonly token?: string; readonly ca?: string };
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

/** What `viewers.c` tells. */
interface ViewersReport {
  /** Frames that arrived in the window, that were sent in it, and of those, that arrived at all. */
  readonly frames: number;
  readonly published: number;
  readonly measured: number;
  readonly failed: number;
  readonly windowBeganMs: number;
  readonly windowEndedMs: number;
  readonly cpuShare: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** The same by viewers that leave more of the machine to the relay; without a subprotocol. */
export async function measureAtLimit(
  relay: BenchRelay,
  { viewers, frameBytes, fps }: Load,
  seconds: number,
): Promise<Figures> {
  await using usage = new UsageRecord(relay.pid);
  const numbers = [new URL(relay.http).port, viewers, frameBytes, fps, seconds].map(String);
  const report: ViewersReport = JSON.parse(await outputOf([VIEWERS.program, ...numbers], seconds));
  await usage.stop();
  const { frames, windowBeganMs, windowEndedMs, delayP50Ms, delayP99Ms, delayMaxMs } = report;
  const cpuSeconds = usage.cpuSecondsBetween(windowBeganMs, windowEndedMs);
  const windowSeconds = (windowEndedMs - windowBeganMs) / 1000;
  return {
    cpuUsPerFrame: cpuSeconds * 1e6 / frames,
    cores: cpuSeconds / windowSeconds,
    framesPerSecond: frames / windowSeconds,
    share: report.measured / (report.published * viewers),
    delayP50Ms,
    delayP99Ms,
    delayMaxMs,
    peakBytes: await usage.peakBytes(),
    failedViewers: report.failed,
    benchIsBottleneck: report.cpuShare > BUSY_SHARE ? 1 : 0,
  };
}

async function runLoad(url: string, load: Load, seconds: number): Promise<LoadReport> {
  const line = [
    ...[...programLine(), "bench", url],
    ...["--viewers", `${load.viewers}`, "--stalled", `${load.stalled ?? 0}`],
    ...["--size", `${load.frameBytes}`, "--fps", `${load.fps}`],
    ...["--duration", `${seconds}s`, "--json"],
    ...(load.hasProtocol ? [] : ["--bare"]),
    ...(load.pass?.token === undefined ? [] : ["--token", `@${load.pass.token}`]),
    ...(load.pass?.ca === undefined ? [] : ["--ca", load.pass.ca]),
  ];
  return JSON.parse(await outputOf(line, seconds));
}

/** What a program writes that runs for so long. */
export async function outputOf(
  [command, ...args]: readonly string[],
  seconds: number,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args,
    signal: AbortSignal.timeout(seconds * 1000 + HANGS_MS),
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`the load failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}
