/**
 * How long frames take from the relay's receipt to a stream's viewers.
 *
 * @module
 */
import { type DelayCounts, DelayHistogram } from "./delay_histogram.ts";

/** The counts of {@linkcode ViewerDelays} as they cross from one thread to another. */
export interface ViewerDelayCounts {
  readonly relay: DelayCounts;
  readonly viewer: DelayCounts;
}

/** Counts for all viewers of a stream together: what one adds stays when it has gone. */
export class ViewerDelays {
  /** From receiving a frame to sending it. */
  readonly relay = new DelayHistogram();
  /** From sending a frame to its acknowledgement, by viewers that confirm. */
  readonly viewer = new DelayHistogram();

  /** A copy of what was counted. */
  copy(): ViewerDelayCounts {
    return { relay: this.relay.copy(), viewer: this.viewer.copy() };
  }

  /** Adds what was counted elsewhere between two copies. */
  addGrowth(now: ViewerDelayCounts, before: ViewerDelayCounts | undefined): void {
    this.relay.addGrowth(now.relay, before?.relay);
    this.viewer.addGrowth(now.viewer, before?.viewer);
  }
}
