/**
 * `stream list`.
 *
 * @module
 */
import { listStreams } from "../client/api.ts";
import { totalDrops } from "../core/drops.ts";
import type { LatencyStatus, StreamStatus } from "../wire/control_message.ts";
import { ADDRESS, addressOf } from "./address.ts";
import { command, toggle } from "./command.ts";

const COLUMNS: readonly (readonly [string, (status: StreamStatus) => string | number])[] = [
  ["NAME", ({ name }) => name],
  ["FORMAT", ({ format }) => format ?? "-"],
  ["SIZE", ({ width, height }) => width === null ? "-" : `${width}x${height}`],
  ["FPS", ({ fps, rate }) => `${rate.framesPerSecond.toFixed(1)}/${fps}`],
  ["PUBLISHING", ({ publishing }) => publishing ? "yes" : "no"],
  ["VIEWERS", ({ viewers }) => viewers],
  ["QUEUE", ({ queue }) => queue.frames],
  ["RECEIVED", ({ received }) => received.frames],
  ["SENT", ({ sent }) => sent.frames],
  ["LATENCY", ({ latency }) => latency === null ? "-" : describeLatency(latency)],
  ["DROPPED", ({ dropped }) => describeDrops(dropped)],
];

/** The command. */
export const listCommand = command({
  name: "list",
  summary: "the streams of a server: format, size, fps, viewers, drops (also --json)",
  operands: [ADDRESS],
  flags: { json: toggle("write JSON, the same as the server's /api/streams") },
  examples: [
    ["stream list", "a table; FPS is measured/target"],
    ["stream list --json | jq '.[].viewers'", "for programs"],
  ],
  async run({ flags, operands, host }) {
    const url = addressOf(operands[0], host);
    const streams = await listStreams(url.server, host.stop);
    const text = flags.json ? JSON.stringify(streams, undefined, 2) : table(streams);
    await host.writeStdout(new TextEncoder().encode(`${text}\n`));
  },
});

function describeLatency({ medianMs, maxMs, relayMedianMs }: LatencyStatus): string {
  return `${medianMs.toFixed(1)}/${maxMs.toFixed(1)} ms, relay ${relayMedianMs.toFixed(1)}`;
}

function describeDrops(dropped: StreamStatus["dropped"]): string {
  const reasons = Object.entries(dropped).filter(([, frames]) => frames > 0);
  if (reasons.length === 0) return "0";
  const parts = reasons.map(([reason, frames]) => `${reason} ${frames}`);
  return `${totalDrops(dropped)} (${parts.join(", ")})`;
}

function table(streams: readonly StreamStatus[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...streams.map((status) => COLUMNS.map(([, value]) => String(value(status)))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()
  ).join("\n");
}
