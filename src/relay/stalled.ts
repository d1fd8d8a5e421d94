/**
 * Takes memory from viewers who make no use of it.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Memory } from "./memory.ts";
import type { WatchedStream } from "./viewer.ts";

/** A viewer that has confirmed nothing for this long gives way when memory is short. */
const STALLED_MS = 5000;

/** What decides who is let go, and where that is told. */
export interface StalledContext {
  readonly options: {
    /** A viewer without a protocol to whom nothing has drained for so many milliseconds is closed. */
    readonly stallTimeoutMs: number;
  };
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Closes viewers that are stuck; without acknowledgements, what has not drained is all that tells of
 * one. Where memory is short, viewers that have taken nothing for a while give way as well.
 */
export function closeStalled(
  streams: readonly WatchedStream[],
  { options: { stallTimeoutMs }, memory, clock, log }: StalledContext,
): void {
  const nowMs = clock.nowMs();
  let closed = 0;
  for (const stream of streams) {
    for (const viewer of [...stream.viewers]) {
      const { feed } = viewer;
      const stalledMs = feed.stalledMs(nowMs);
      const isShort = memory.underWay.used >= memory.plan.shortBytes;
      if (!feed.isConfirming && stalledMs >= stallTimeoutMs) {
        viewer.close(
          CLOSE.stalled,
          `nothing has drained for ${stallTimeoutMs} ms (--stall-timeout)`,
        );
      } else if (isShort && stalledMs >= STALLED_MS) {
        viewer.close(CLOSE.stalled, "nothing was received for 5 s and memory is short");
        closed++;
      } else {
        continue;
      }
      // A peer that is stuck does not answer the goodbye, and nothing more is sent to it.
      stream.leave(viewer);
    }
  }
  if (closed > 0) log.warn(`memory is short: closed ${closed} stalled viewers`, { closed });
}
