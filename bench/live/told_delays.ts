/**
 * The delay that the relay itself tells of its only viewer.
 *
 * @module
 */
import type { BenchRelay } from "../relay.ts";
import { pause } from "./process.ts";

const SAMPLE_MS = 100;

/** Delays in milliseconds, one after another. */
export interface ToldDelays {
  /** From the publisher's capture to the viewer. */
  readonly latencyMs: number[];
  /** The relay's part. */
  readonly relayMs: number[];
}

/** Asks the relay about the stream `live`, from its first frame on, until `isOver`. */
export async function toldDelays(relay: BenchRelay, isOver: () => boolean): Promise<ToldDelays> {
  const told: ToldDelays = { latencyMs: [], relayMs: [] };
  while (!isOver()) {
    await pause(SAMPLE_MS);
    const response = await fetch(`${relay.http}/api/streams/live/viewers`);
    const body = await response.json();
    const viewer = response.ok ? (body.viewers ?? body)[0] : undefined;
    for (const part of ["latencyMs", "relayMs"] as const) {
      if (typeof viewer?.[part] === "number") told[part].push(viewer[part]);
    }
  }
  return told;
}
