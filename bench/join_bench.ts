/**
 * How long a viewer waits for its first picture in the middle of a GOP of ten seconds: from the
 * beginning of the connection to the whole key frame, and to the last frame that it missed. Viewer
 * and publisher, which is silent meanwhile, are in this process; the relay is one of its own.
 *
 * @module
 */
import { emptyWithHeadroom } from "../src/bytes/headroom.ts";
import type { FrameSource } from "../src/files/frame_source.ts";
import { bareConfig } from "../src/core/frame.ts";
import { Viewer } from "../tests/e2e/viewer.ts";
import { clock, publish } from "./clients.ts";
import { quantile, startRelay } from "./relay.ts";
import { printResults } from "./table.ts";

const JOINS = 50;
/** Eight of ten seconds at 30 frames a second. */
const FRAMES = 240;

/** Frames of H.264 as to their size, of which the first is a key frame; then silence until it stops. */
function silentFrames(keyBytes: number, deltaBytes: number): FrameSource & { done: Promise<void> } {
  const config = bareConfig("h264", { codec: "avc1.64001f", width: 1280, height: 720 });
  const stopped = Promise.withResolvers<undefined>();
  const done = Promise.withResolvers<void>();
  let made = 0;
  return {
    done: done.promise,
    next() {
      if (made === FRAMES) done.resolve();
      if (made === FRAMES) return stopped.promise;
      const kind = made++ === 0 ? "key" : "delta";
      const bytes = kind === "key" ? keyBytes : deltaBytes;
      const data = emptyWithHeadroom(bytes);
      return Promise.resolve({ data, kind, ptsUs: null, config });
    },
    stop: () => stopped.resolve(undefined),
  };
}

/** Measures and prints. */
export async function benchJoin(): Promise<void> {
  for (
    const [what, keyBytes, deltaBytes] of [
      ["1 Mbit/s", 40_000, 4000],
      ["6 Mbit/s", 150_000, 25_000],
    ] as const
  ) {
    await using relay = await startRelay(["--fps", "source"]);
    const source = silentFrames(keyBytes, deltaBytes);
    const publishing = publish(relay.url, source);
    await source.done;
    const first: number[] = [];
    const last: number[] = [];
    for (let join = 0; join < JOINS; join++) {
      const startMs = clock.nowMs();
      await using viewer = await Viewer.join(relay.url, { maxDelayMs: 500 });
      await viewer.until(({ frames }) => frames.length > 0);
      first.push(clock.nowMs() - startMs);
      await viewer.until(({ frames }) => frames.length === FRAMES);
      last.push(clock.nowMs() - startMs);
    }
    source.stop();
    await publishing;
    const figures = (times: readonly number[]) =>
      [0.5, 0.99].map((share) => quantile(times, share).toFixed(1)).join(", ");
    printResults(`joining eight seconds into a GOP, ${what}, ${JOINS} times: median, p99 in ms`, [
      { what: "to the key frame", target: "< 100", measured: figures(first) },
      { what: `to the last of ${FRAMES} frames`, target: "-", measured: figures(last) },
    ]);
  }
}

if (import.meta.main) await benchJoin();
