/**
 * The delay that the relay adds: from the moment a publisher has a frame's last byte to the moment
 * a viewer has it, on one clock. Publisher and viewer are the program's own, in this process; the
 * relay is a process of its own.
 *
 * @module
 */
import { Publisher } from "../src/client/publish.ts";
import type { FrameSource } from "../src/client/frame_source.ts";
import { Watcher } from "../src/client/watch.ts";
import { bareConfig } from "../src/core/frame.ts";
import { Tick } from "../src/core/tick.ts";
import { systemClock } from "../src/host/clock.ts";
import { silentLog } from "../src/host/log.ts";
import { quantile, startRelay } from "./relay.ts";

const FRAME_BYTES = 100_000;
const FRAMES = 300;
const FPS = 30;
const HEADROOM = 32;

/** Median and 99th percentile of the added delay in milliseconds. */
export interface Delay {
  readonly median: number;
  readonly p99: number;
  readonly frames: number;
}

/** Measures the delay through a relay with these options. */
export async function measureDelay(args: readonly string[]): Promise<Delay> {
  await using relay = await startRelay(args);
  const clock = systemClock;
  const common = { url: relay.url, clock, log: silentLog };
  const sentMs: number[] = [];
  const delays: number[] = [];
  const tick = new Tick(FPS, clock.nowMs() + 500);
  const config = bareConfig("raw");
  const source: FrameSource = {
    async next() {
      if (sentMs.length === FRAMES) return undefined;
      while (tick.fire(clock.nowMs()) === undefined) {
        await new Promise((resolve) => setTimeout(resolve, tick.deadlineMs - clock.nowMs()));
      }
      const data = new Uint8Array(HEADROOM + FRAME_BYTES).subarray(HEADROOM);
      new DataView(data.buffer, HEADROOM).setUint32(0, sentMs.length);
      sentMs.push(clock.nowMs());
      return { data, kind: "key", ptsUs: null, config };
    },
    stop() {},
  };
  const watcher = new Watcher({
    ...common,
    count: FRAMES,
    durationMs: null,
    every: 1,
    fps: null,
    maxDelayMs: 500,
    follow: false,
  }, {
    write(data) {
      const number = new DataView(data.buffer, data.byteOffset).getUint32(0);
      delays.push(clock.nowMs() - sentMs[number]!);
      return Promise.resolve();
    },
    finish: () => Promise.resolve(),
    describe: () => "nowhere",
  });
  const publisher = new Publisher({ ...common, takeover: false, onFull: "wait" });
  const { signal } = new AbortController();
  await Promise.all([watcher.run(signal), publisher.run(source, signal)]);
  return { median: quantile(delays, 0.5), p99: quantile(delays, 0.99), frames: delays.length };
}

if (import.meta.main) {
  for (const fps of ["source", "30"]) {
    const { median, p99, frames } = await measureDelay(["--fps", fps]);
    // deno-lint-ignore no-console
    console.log(
      `--fps ${fps}: median ${median.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${frames}`,
    );
  }
}
