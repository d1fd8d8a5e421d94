/**
 * A report for people.
 *
 * @module
 */
import type { Quantiles } from "./histogram.ts";
import type { LoadReport } from "./report.ts";

/** The report as a table of a dozen lines. */
export function describeReport(report: LoadReport): string {
  const { delivered, relayCpu, relayMemory, bench, frameBytes, fps } = report;
  const seconds = report.seconds.toFixed(1);
  const where = report.relay === "own" ? " (started by bench)" : "";
  const share = delivered.share === null ? "" : `, ${percent(delivered.share)} of all`;
  const microseconds = relayCpu?.microsecondsPerFrame ?? null;
  const rows: readonly (readonly [string, string])[] = [
    ["relay", `${report.url}${where}, ${report.protocol}`],
    [
      "viewers",
      `${report.viewers}, of which ${report.slow} slow, ${report.stalled} stalled, ` +
      `${report.failed} failed`,
    ],
    [
      "frames",
      report.published === null
        ? `published elsewhere; measured for ${seconds} s`
        : `${kilobytes(frameBytes)} × ${fps} fps for ${seconds} s, ${report.published} published`,
    ],
    [
      "delivered",
      `${delivered.frames} frames, ${Math.round(delivered.framesPerSecond)} a second, ` +
      `${delivered.megabytesPerSecond.toFixed(1)} MB/s${share}`,
    ],
    ["delay", report.delayMs === null ? "-" : milliseconds(report.delayMs)],
    ["join", milliseconds(report.joinMs)],
    ["tick jitter", milliseconds(report.tickJitterMs)],
    ["dropped", report.dropped === null ? "-" : drops(report.dropped)],
    [
      "relay's CPU",
      relayCpu === null ? "-" : `${relayCpu.cores.toFixed(2)} cores` +
        (microseconds === null ? "" : `, ${microseconds.toFixed(1)} µs a frame`),
    ],
    [
      report.relay === "own" ? "memory" : "relay's memory",
      relayMemory === null ? "-" : `${megabytes(relayMemory.peakBytes)} at most, ` +
        `${megabytes(relayMemory.residentBytes)} at the end` +
        (report.relay === "own" ? ", relay and load together" : ""),
    ],
    [
      "load's CPU",
      `${bench.cores.toFixed(2)} cores, busiest thread ${percent(bench.busiestThread)}`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join("\n");
}

function milliseconds({ p50, p99, max }: Quantiles): string {
  if (p50 === null || p99 === null || max === null) return "-";
  return `median ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(2)} ms`;
}

function drops(dropped: NonNullable<LoadReport["dropped"]>): string {
  const reasons = Object.entries(dropped).filter(([, frames]) => frames > 0);
  const all = reasons.reduce((sum, [, frames]) => sum + frames, 0);
  if (all === 0) return "0";
  return `${all} (${reasons.map(([reason, frames]) => `${reason} ${frames}`).join(", ")})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function kilobytes(bytes: number): string {
  return `${bytes / 1000} kB`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
