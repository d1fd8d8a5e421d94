/**
 * What all rows of the table have in common.
 *
 * @module
 */
import { quantile } from "../relay.ts";
import type { Result } from "../table.ts";
import type { NumberedFormat } from "./numbered_frames.ts";
import {
  type Arrived,
  delaysOf,
  deviationOf,
  distancesOf,
  type Ledger,
  recoveryMs,
  type Since,
  spread,
} from "./ledger.ts";

/** The first moments of a run, in which code gets warm, in milliseconds. */
const SETTLE_MS = 1000;
/** The delay above which a stream counts as late, in milliseconds. */
const LATE_MS = 33;

/** Frames at the end of a run whose delay is told where it never became live again. */
const LAST_FRAMES = 30;

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
export function settled(arrived: readonly Arrived[], startMs: number): Arrived[] {
  return arrived.filter(({ readMs }) => readMs >= startMs + SETTLE_MS);
}

/** What a run has been. */
export interface Ran {
  readonly ledger: Ledger;
  /** When the first frame was due. */
  readonly startMs: number;
  readonly format: NumberedFormat;
}

/** Delay, loss, order and evenness of a run. */
export function describeRun({ ledger, startMs, format }: Ran): string {
  const arrived = settled(ledger.arrived(), startMs);
  if (arrived.length < 2) return `${arrived.length} frames came of ${ledger.written}`;
  const delays = [spread(delaysOf(arrived))];
  if (format === "h264") {
    const behind = settled(ledger.arrivedBehindNext(), startMs);
    delays.push(`behind the next one's beginning ${spread(delaysOf(behind))}`);
  }
  return `${delays.join(", ")}; ${describeLoss(ledger)}; ${describeDistances(arrived)}`;
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

/**
 * How soon after `fromMs` a stream was live again, by when frames were written and by when they were
 * due. An access unit counts from the beginning of the next.
 */
export function describeRecovery({ ledger, format }: Ran, fromMs: number): string {
  const arrived = format === "h264" ? ledger.arrivedBehindNext() : ledger.arrived();
  const after = (since: Since) => {
    const ms = recoveryMs(arrived, { fromMs, limitMs: LATE_MS, since });
    if (ms !== undefined) return `after ${(ms / 1000).toFixed(2)} s`;
    const last = delaysOf(arrived.slice(-LAST_FRAMES), since);
    return `NOT, at last ${quantile(last, 0.5).toFixed(0)} ms late`;
  };
  return `live again ${after("writtenMs")} (by the source's clock ${after("dueMs")})`;
}

/** Frames a second that arrived. */
export function rateOf({ ledger, startMs }: Ran): number {
  const distances = distancesOf(settled(ledger.arrived(), startMs));
  return 1000 * distances.length / distances.reduce((sum, distance) => sum + distance, 0);
}
