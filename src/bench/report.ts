/**
 * What a load has measured.
 *
 * @module
 */
import type { CrowdResult } from "./crowd.ts";
import { Histogram, type Quantiles } from "./histogram.ts";
import type { RelayNumbers } from "./relay_numbers.ts";
import type { Usage } from "./thread_usage.ts";
import { INTERVAL_RESOLUTION, type Window } from "./window.ts";

/** A thread of a load is busy, and the figures are its own, above this part of a core. */
export const BUSY_SHARE = 0.85;
/** The same above this part of frames that the publisher sent too late. */
const LATE_SHARE = 0.01;
/** The same above this part of the time in which a thread did not get to run. */
const STILL_SHARE = 0.01;

/** The report, as `stream bench --json` writes it. */
export interface LoadReport {
  readonly url: string;
  readonly relay: "own" | "elsewhere";
  readonly protocol: "stream.v1" | "bare";
  readonly viewers: number;
  readonly stalled: number;
  readonly slow: number;
  /** Viewers that could not connect or were closed. */
  readonly failed: number;
  readonly frameBytes: number;
  readonly fps: number;
  /** Length of the measured window. */
  readonly seconds: number;
  /** Its begin and end in milliseconds since the Unix epoch. */
  readonly windowBeganMs: number;
  readonly windowEndedMs: number;
  /** Frames sent in the window; `null` where somebody else publishes. */
  readonly published: number | null;
  /** Of viewers that are neither slow nor stalled, as are `delayMs` and `tickJitterMs`. */
  readonly delivered: {
    readonly frames: number;
    readonly framesPerSecond: number;
    readonly megabytesPerSecond: number;
    /** The part that came of the frames that were sent in the window. */
    readonly share: number | null;
  };
  /** From sending to the arrival of a frame's last byte. */
  readonly delayMs: Quantiles | null;
  /** From the beginning of a connection to the first whole frame. */
  readonly joinMs: Quantiles;
  /** How far a viewer's intervals between frames are from their mean. */
  readonly tickJitterMs: Quantiles;
  /** Frames that the relay dropped in the window, by reason. */
  readonly dropped: Readonly<Record<string, number>> | null;
  readonly relayCpu: {
    readonly seconds: number;
    readonly cores: number;
    /** For a frame delivered, also to a slow viewer. */
    readonly microsecondsPerFrame: number | null;
  } | null;
  /** Of the relay's process, which is this one for a relay of its own. */
  readonly relayMemory: { readonly peakBytes: number; readonly residentBytes: number } | null;
  /** What the load itself has used, without a relay of its own. */
  readonly bench: {
    readonly cpuSeconds: number;
    readonly cores: number;
    /** The part of its core that the busiest thread has used. */
    readonly busiestThread: number;
    readonly isBottleneck: boolean;
  };
}

/** What a report is made of. */
export interface Measured {
  readonly window: Window;
  readonly crowds: readonly CrowdResult[];
  readonly publisher: { readonly published: number; readonly lateShare: number } | undefined;
  /** The relay's numbers when the window began and ended. */
  readonly before: RelayNumbers;
  readonly after: RelayNumbers;
  /** CPU of this process in the window in seconds, without a relay of its own. */
  readonly cpuSeconds: number;
  /** What each thread of the load has used. */
  readonly usages: readonly Usage[];
}

/** What a load was asked for. */
export type Asked = Pick<
  LoadReport,
  "url" | "relay" | "protocol" | "viewers" | "stalled" | "slow" | "frameBytes" | "fps"
>;

/** Makes the report. */
export function makeReport(asked: Asked, measured: Measured): LoadReport {
  const { window, crowds, publisher, before, after } = measured;
  const seconds = (window.endMs - window.beginMs) / 1000;
  const perSecond = (value: number) => seconds > 0 ? rounded(value / seconds) : 0;
  const sum = (value: (crowd: CrowdResult) => number) =>
    crowds.reduce((total, crowd) => total + value(crowd), 0);
  const merged = (
    histogram: Histogram,
    part: (crowd: CrowdResult) => Parameters<Histogram["merge"]>[0],
  ) => {
    for (const crowd of crowds) histogram.merge(part(crowd));
    return histogram;
  };
  const delay = merged(new Histogram(), ({ received }) => received.delay);
  const interval = merged(
    new Histogram(INTERVAL_RESOLUTION),
    ({ received }) => received.interval,
  );
  const frames = sum(({ received }) => received.frames);
  const due = (publisher?.published ?? 0) * (asked.viewers - asked.slow - asked.stalled);
  const relaySeconds = difference(before.cpuSeconds, after.cpuSeconds);
  const relayed = frames + sum(({ received }) => received.slowFrames);
  const busiestThread = Math.max(0, ...measured.usages.map(({ cpuShare }) => cpuShare));
  const { frameBytes, fps, ...who } = asked;
  return {
    ...who,
    failed: sum(({ failed }) => failed),
    frameBytes,
    fps,
    seconds: rounded(seconds),
    windowBeganMs: Math.round(window.beginMs),
    windowEndedMs: Math.round(window.endMs),
    published: publisher?.published ?? null,
    delivered: {
      frames,
      framesPerSecond: perSecond(frames),
      megabytesPerSecond: perSecond(sum(({ received }) => received.bytes) / 1e6),
      share: due === 0 ? null : rounded(sum(({ received }) => received.sentInWindow) / due, 1e5),
    },
    delayMs: delay.count === 0 ? null : roundedQuantiles(delay),
    joinMs: roundedQuantiles(merged(new Histogram(), ({ join }) => join)),
    tickJitterMs: roundedQuantiles(interval.deviations()),
    dropped: dropsBetween(before, after),
    relayCpu: relaySeconds === null ? null : {
      seconds: rounded(relaySeconds),
      cores: perSecond(relaySeconds),
      microsecondsPerFrame: relayed === 0 ? null : rounded(relaySeconds * 1e6 / relayed),
    },
    relayMemory: after.peakBytes === null || after.residentBytes === null
      ? null
      : { peakBytes: after.peakBytes, residentBytes: after.residentBytes },
    bench: {
      cpuSeconds: rounded(measured.cpuSeconds),
      cores: perSecond(measured.cpuSeconds),
      busiestThread: rounded(busiestThread),
      isBottleneck: bottleneck(measured) !== undefined,
    },
  };
}

/**
 * Why the figures are not the relay's alone: what of the load, or of this machine, was too slow;
 * `undefined` where nothing was.
 */
export function bottleneck({ usages, publisher }: Measured): string | undefined {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const busy = Math.max(0, ...usages.map(({ cpuShare }) => cpuShare));
  if (busy > BUSY_SHARE) return `a thread of this program used ${percent(busy)} of its core`;
  if (publisher !== undefined && publisher.lateShare > LATE_SHARE) {
    return `the publisher was too late for ${percent(publisher.lateShare)} of its frames`;
  }
  const still = Math.max(0, ...usages.map(({ stillShare }) => stillShare));
  if (still > STILL_SHARE) {
    return `a thread of this program did not get to run for ${percent(still)} of the time`;
  }
  return undefined;
}

function dropsBetween(before: RelayNumbers, after: RelayNumbers): Record<string, number> | null {
  if (after.dropped === null) return null;
  const earlier = new Map(Object.entries(before.dropped ?? {}));
  return Object.fromEntries(
    Object.entries(after.dropped).map((
      [reason, frames],
    ) => [reason, frames - (earlier.get(reason) ?? 0)]),
  );
}

function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}

function roundedQuantiles(histogram: Histogram): Quantiles {
  const { p50, p99, max } = histogram.quantiles();
  const round = (value: number | null) => value === null ? null : rounded(value);
  return { p50: round(p50), p99: round(p99), max: round(max) };
}

function rounded(value: number, parts = 1000): number {
  return Math.round(value * parts) / parts;
}
