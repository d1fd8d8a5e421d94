/**
 * Readers of motion JPEG and of files over plain HTTP.
 *
 * @module
 */
import { BUSY_SHARE } from "../../src/bench/report.ts";
import type { BenchRelay } from "../relay.ts";
import { HTTP_READERS } from "./contender.ts";
import type { Figures } from "./figures.ts";
import { type JpegFrames, publishJpeg, serveJpeg } from "./jpeg_frames.ts";
import { outputOf } from "./load.ts";
import { UsageRecord } from "./usage_record.ts";

/** How long a server may take until it answers. */
const MAX_WAIT_MS = 10_000;
const POLL_MS = 50;

/** What is asked of a server. */
export interface HttpLoad extends JpegFrames {
  readonly readers: number;
  /** What all of them ask for, with a slash before it. */
  readonly path: string;
  /**
   * How the frames come: published to the server, fetched by it from that port of this machine, or made by
   * itself.
   */
  readonly feed: "published" | "made" | { readonly port: number };
}

/** Has a server read for so long, and tells what that cost. */
export async function measureHttp(
  relay: BenchRelay,
  load: HttpLoad,
  seconds: number,
): Promise<Figures> {
  const over = new AbortController();
  const fed = feed(relay, load, over.signal);
  try {
    await Promise.race([hasAnswer(`${relay.http}${load.path}`), failed(fed)]);
    return await measure(relay, load, seconds);
  } finally {
    over.abort();
    await fed.catch(() => {});
  }
}

async function feed(relay: BenchRelay, load: HttpLoad, signal: AbortSignal): Promise<void> {
  if (load.feed === "made") return;
  if (load.feed === "published") await publishJpeg(relay.url, load, signal);
  else await serveJpeg(load.feed.port, load, signal);
}

/** Settles only if the frames cannot come. */
function failed(fed: Promise<void>): Promise<never> {
  return new Promise((_, reject) => fed.catch(reject));
}

async function hasAnswer(url: string): Promise<void> {
  const untilMs = performance.now() + MAX_WAIT_MS;
  for (;;) {
    try {
      const { ok, body } = await fetch(url, { signal: AbortSignal.timeout(MAX_WAIT_MS) });
      await body?.cancel();
      if (ok) return;
    } catch {
      // It does not listen yet.
    }
    if (performance.now() > untilMs) throw new Error(`there is nothing at ${url}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What `http_readers.c` tells. */
interface ReadersReport {
  /** Bytes that came in the window. */
  readonly bytes: number;
  readonly failed: number;
  readonly windowBeganMs: number;
  readonly windowEndedMs: number;
  readonly cpuShare: number;
}

async function measure(
  relay: BenchRelay,
  { readers, path, bytes: frameBytes, fps }: HttpLoad,
  seconds: number,
): Promise<Figures> {
  await using usage = new UsageRecord(relay.pid);
  const line = [HTTP_READERS.program, new URL(relay.http).port, path, `${readers}`, `${seconds}`];
  const report: ReadersReport = JSON.parse(await outputOf(line, seconds));
  await usage.stop();
  const { bytes, windowBeganMs, windowEndedMs } = report;
  const cpuSeconds = usage.cpuSecondsBetween(windowBeganMs, windowEndedMs);
  const windowSeconds = (windowEndedMs - windowBeganMs) / 1000;
  return {
    cpuUsPerMegabyte: cpuSeconds * 1e6 / (bytes / 1e6),
    cores: cpuSeconds / windowSeconds,
    bytesPerSecond: bytes / windowSeconds,
    share: bytes / windowSeconds / (readers * frameBytes * fps),
    peakBytes: await usage.peakBytes(),
    failedReaders: report.failed,
    benchIsBottleneck: report.cpuShare > BUSY_SHARE ? 1 : 0,
  };
}
