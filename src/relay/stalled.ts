/**
 * Takes memory from viewers who make no use of it.
 *
 * @module
 */
import type { Budget } from "../core/budget.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Audience } from "./viewer.ts";

/** A viewer that has confirmed nothing for this long gives way when memory is short. */
const STALLED_MS = 5000;
/** How much of the memory for frames under way may be used before stalled viewers give way. */
const SHORT_OF_MEMORY = 0.75;

/** What decides who is let go, and where that is told. */
export interface StalledContext {
  readonly options: {
    /** A viewer without a protocol to whom nothing has drained for so many milliseconds is closed. */
    readonly stallTimeoutMs: number;
  };
  /** What is under way to all viewers together. */
  readonly underWay: Budget;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Closes viewers that are stuck; without acknowledgements, what has not drained is all that tells of
 * one. Where memory is short, viewers that have taken nothing for a while give way as well.
 */
export function closeStalled(
  audiences: readonly Audience[],
  { options: { stallTimeoutMs }, underWay, clock, log }: StalledContext,
): void {
  const nowMs = clock.nowMs();
  let closed = 0;
  for (const audience of audiences) {
    for (const viewer of [...audience.viewers]) {
      const { feed } = viewer;
      const stalledMs = feed.stalledMs(nowMs);
      const isShort = underWay.used >= underWay.limit * SHORT_OF_MEMORY;
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
      audience.leave(viewer);
    }
  }
  if (closed > 0) log.warn(`memory is short: closed ${closed} stalled viewers`, { closed });
}
