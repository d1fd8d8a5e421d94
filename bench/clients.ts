/**
 * Publishers and viewers for benchmarks: the program's own, in this process.
 *
 * @module
 */
import type { FrameSource } from "../src/files/frame_source.ts";
import { SourcePublisher } from "../src/files/source_publisher.ts";
import { SinkWatcher } from "../src/files/sink_watcher.ts";
import { emptyWithHeadroom } from "../src/bytes/headroom.ts";
import { bareConfig } from "../src/core/frame.ts";
import { Tick } from "../src/core/tick.ts";
import { systemClock } from "../src/host/clock.ts";
import { silentLog } from "../src/host/log.ts";

/** The clock that all figures are of. */
export const clock = systemClock;

/** Frames of one size at an even rate, numbered from 0 in their first four bytes. */
export interface PacedFrames extends FrameSource {
  /** When each frame was handed to the publisher, by its number. */
  readonly sentMs: readonly number[];
}

/** Makes `frames` frames of `bytes` bytes at `fps`, beginning in half a second. */
export function pacedFrames(
  options: { readonly frames: number; readonly bytes: number; readonly fps: number },
): PacedFrames {
  const { frames, bytes, fps } = options;
  const sentMs: number[] = [];
  const tick = new Tick(fps, clock.nowMs() + 500);
  const config = bareConfig("raw");
  return {
    sentMs,
    async next() {
      if (sentMs.length === frames) return undefined;
      while (tick.fire(clock.nowMs()) === undefined) {
        const waitMs = Math.max(0, tick.deadlineMs - clock.nowMs());
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      const data = emptyWithHeadroom(bytes);
      new DataView(data.buffer, data.byteOffset).setUint32(0, sentMs.length);
      sentMs.push(clock.nowMs());
      return { data, kind: "key", ptsUs: null, config };
    },
    stop() {},
  };
}

/** Publishes all frames of `source`. */
export async function publish(url: string, source: FrameSource): Promise<void> {
  const publisher = new SourcePublisher({
    url,
    takeover: false,
    onFull: "wait",
    clock,
    log: silentLog,
  });
  await publisher.run(source, new AbortController().signal);
}

/** Watches until the stream ends or `count` frames have come; tells each frame and its arrival. */
export async function watch(
  url: string,
  count: number | null,
  onFrame: (data: Uint8Array<ArrayBuffer>, nowMs: number) => void,
): Promise<void> {
  const watcher = new SinkWatcher({
    url,
    count,
    durationMs: null,
    every: 1,
    fps: null,
    maxDelayMs: 500,
    follow: false,
    clock,
    log: silentLog,
  }, {
    write({ data }) {
      onFrame(data, clock.nowMs());
      return Promise.resolve(true);
    },
    finish: () => Promise.resolve(),
    describe: () => "nowhere",
  });
  await watcher.run(new AbortController().signal);
}

/** The number of a frame of {@linkcode pacedFrames}. */
export function numberOf(data: Uint8Array<ArrayBuffer>): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}
