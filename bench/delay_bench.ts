/**
 * The delay that the relay adds: from the moment a publisher has a frame's last byte to the moment
 * a viewer has it, on one clock. Publisher and viewer are in this process; the relay is a process of
 * its own.
 *
 * @module
 */
import { numberOf, pacedFrames, publish, watch } from "./clients.ts";
import { quantile, startRelay } from "./relay.ts";
import { printResults, type Result } from "./table.ts";

const FRAMES = 300;

async function measureDelay(fps: string, bytes: number): Promise<number[]> {
  await using relay = await startRelay(["--fps", fps]);
  const source = pacedFrames({ frames: FRAMES, bytes, fps: 30 });
  const delays: number[] = [];
  await Promise.all([
    watch(relay.url, FRAMES, (data, nowMs) => {
      delays.push(nowMs - source.sentMs[numberOf(data)]!);
    }),
    publish(relay.url, source),
  ]);
  return delays;
}

/** Measures and prints. */
export async function benchDelay(): Promise<void> {
  const results: Result[] = [];
  const cases = [
    ["source", 100_000, "under 2 ms"],
    ["source", 20_000, "-"],
    ["30", 100_000, "-"],
  ] as const;
  for (const [fps, bytes, target] of cases) {
    const delays = await measureDelay(fps, bytes);
    const median = quantile(delays, 0.5).toFixed(2);
    const p99 = quantile(delays, 0.99).toFixed(2);
    results.push({
      what: `--fps ${fps}, ${bytes / 1000} kB × 30 fps, 1 viewer`,
      target,
      measured: `median ${median} ms, p99 ${p99} ms, ${delays.length} of ${FRAMES} frames`,
    });
  }
  printResults("delay added, publisher's last byte to viewer's", results);
}

if (import.meta.main) await benchDelay();
