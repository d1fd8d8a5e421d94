/**
 * What all rows of the table have in common.
 *
 * @module
 */
import { quantile } from "../relay.ts";
import type { Result } from "../table.ts";
import {
  type Arrived,
  delaysOf,
  deviationOf,
  distancesOf,
  type Ledger,
  recoveryMs,
  spread,
} from "./ledger.ts";

/** The first moments of a run, in which code gets warm, in milliseconds. */
const SETTLE_MS = 1000;
/** The delay above which a stream counts as late, in milliseconds. */
const LATE_MS = 33;

/** Options that all rows take. */
export interface RowOptions {
  /** Length of each run in seconds. */
  readonly seconds: number;
}

/** A part of the table. */
export interface LiveRow {
  readonly name: string;
  readonly title: string;
  measure(options: RowOptions): Promise<Result[]>;
}

/** What was read once the run had got warm. */
export function settled(ledger: Ledger, startMs: number): Arrived[] {
  return ledger.arrived().filter(({ dueMs }) => dueMs >= startMs + SETTLE_MS);
}

/** Delay, loss, order and evenness of a run. */
export function describeRun({ ledger, startMs }: {
  readonly ledger: Ledger;
  readonly startMs: number;
}): string {
  const arrived = settled(ledger, startMs);
  if (arrived.length < 2) return `${arrived.length} frames came of ${ledger.written}`;
  return `${spread(delaysOf(arrived))}; ${describeLoss(ledger)}; ${describeDistances(arrived)}`;
}

/** Frames lost, and whether those that came were in order. */
export function describeLoss(ledger: Ledger): string {
  const order = ledger.isInOrder ? "in order" : "OUT OF ORDER";
  return `lost ${ledger.lost} of ${ledger.written}, ${order}`;
}

/** How evenly frames arrived. */
export function describeDistances(arrived: readonly Arrived[]): string {
  const distances = distancesOf(arrived);
  const [p1, p99] = [0.01, 0.99].map((share) => quantile(distances, share).toFixed(1));
  return `distances p1 ${p1}, p99 ${p99}, ±${deviationOf(distances).toFixed(1)} ms`;
}

/** How soon after `fromMs` a stream was live again: by when frames were written, and were due. */
export function describeRecovery(arrived: readonly Arrived[], fromMs: number): string {
  const after = (since: "writtenMs" | "dueMs") => {
    const ms = recoveryMs(arrived, { fromMs, limitMs: LATE_MS, since });
    return ms === undefined ? "never" : `${(ms / 1000).toFixed(2)} s`;
  };
  return `live again after ${after("writtenMs")} (by the source's clock: ${after("dueMs")})`;
}
