/**
 * Takes memory from viewers who make no use of it.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";
import type { Refusals } from "../listen/refusals.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Memory } from "./memory.ts";
import type { WatchedStream } from "./viewer.ts";

/**
 * When memory is short, a viewer that has confirmed nothing for this long is closed, in
 * milliseconds.
 */
const STALLED_MS = 5000;

/** What decides who is let go, and where that is told. */
export interface EvictionContext {
  readonly options: {
    /**
     * A viewer without a protocol is closed when nothing has drained for this many milliseconds.
     */
    readonly stallTimeoutMs: number;
  };
  readonly memory: Memory;
  readonly clock: Clock;
  readonly refusals: Refusals;
}

/**
 * Closes viewers that are stuck. Of a viewer that does not acknowledge, only the bytes that have
 * not drained show it. When memory is short, viewers that have taken nothing for a while are closed
 * as well.
 */
export function evictStalledViewers(
  streams: readonly WatchedStream[],
  { options: { stallTimeoutMs }, memory, clock, refusals }: EvictionContext,
): void {
  const nowMs = clock.nowMs();
  const isShort = memory.underWay.takeRefused() ||
    memory.underWay.used >= memory.plan.shortBytes;
  for (const stream of streams) {
    for (const viewer of [...stream.viewers]) {
      const { feed } = viewer;
      const stalledMs = feed.stalledMs(nowMs);
      const why = !feed.isConfirming && stalledMs >= stallTimeoutMs
        ? `nothing has drained for ${stallTimeoutMs} ms (--stall-timeout)`
        : isShort && stalledMs >= STALLED_MS
        ? "the viewer took nothing for 5 s and memory is short"
        : undefined;
      if (why === undefined) continue;
      // A peer that is stuck does not answer the goodbye, and would hold what it has until then.
      if (isShort && viewer.breakOff !== undefined) viewer.breakOff(CLOSE.stalled, why);
      else viewer.close(CLOSE.stalled, why);
      stream.leave(viewer);
      refusals.add("stalled", `closed a viewer of "${stream.name}": ${why}`);
    }
  }
}
