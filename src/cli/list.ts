/**
 * What `stream list` does.
 *
 * @module
 */
import {
  DEFAULT_NAME,
  findStream,
  type ListedViewer,
  listStreams,
  listViewers,
  type StreamStatus,
  totalDrops,
} from "../client/mod.ts";
import { printable, printableJson } from "../host/printable.ts";
import { addressOf } from "./address.ts";
import { passOf } from "./pass.ts";
import type { InputOf } from "./command.ts";
import { listCommand } from "./list_command.ts";

type Columns<T> = readonly (readonly [string, (row: T) => string | number])[];

const COLUMNS: Columns<StreamStatus> = [
  ["NAME", ({ name }) => name],
  ["FORMAT", ({ format }) => format ?? "-"],
  ["SIZE", describeSize],
  ["FPS", ({ fps, rate }) => `${rate.framesPerSecond.toFixed(1)}/${fps}`],
  ["PUBLISHING", ({ publishing }) => publishing ? "yes" : "no"],
  ["VIEWERS", ({ viewers }) => viewers],
  ["QUEUE", ({ queue }) => queue.frames],
  ["RECEIVED", ({ received }) => received.frames],
  ["SENT", ({ sent }) => sent.frames],
  ["LATENCY", describeLatency],
  ["DROPPED", ({ dropped }) => describeDrops(dropped)],
];

const VIEWER_COLUMNS: Columns<ListedViewer & { readonly stream: string }> = [
  ["VIEWER OF", ({ stream }) => stream],
  // A relay of an earlier release does not tell it.
  ["ID", ({ id }) => id ?? "-"],
  ["LATENCY", ({ latencyMs }) => milliseconds(latencyMs)],
  ["RELAY", ({ relayMs }) => milliseconds(relayMs)],
  ["ROUND TRIP", ({ roundTripMs }) => milliseconds(roundTripMs)],
  ["UNDER WAY", ({ underWay }) => underWay.frames],
  ["SENT", ({ sent }) => sent.frames],
  ["DROPPED", ({ dropped }) => describeDrops(dropped)],
];

/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host }: InputOf<typeof listCommand>,
): Promise<void> {
  const url = addressOf(operands[0], host);
  const pass = await passOf(listCommand, flags, url);
  host.giveUp(["read"]);
  const options = { ...pass, signal: host.stop };
  const isOne = operands[0] !== undefined && url.name !== DEFAULT_NAME;
  const streams = isOne
    ? [await findStream(url.socket, options)]
    : await listStreams(url.socket, options);
  const viewers = flags.viewers
    ? await Promise.all(
      streams.map(({ name }) => listViewers(`${url.server}/${name}`, options)),
    )
    : undefined;
  const text = flags.json
    ? JSON.stringify(
      streams.map((status, n) => viewers ? { ...status, viewerList: viewers[n] } : status),
      undefined,
      2,
    )
    : [
      table(COLUMNS, streams),
      ...(viewers ?? []).map((list, n) =>
        table(VIEWER_COLUMNS, list.map((row) => ({ ...row, stream: streams[n]!.name })))
      ),
    ].join("\n\n");
  await host.writeStdout(
    new TextEncoder().encode(`${flags.json ? printableJson(text) : text}\n`),
  );
}

/** The size in pixels, and how they are shown where that is not plain. */
function describeSize(status: StreamStatus): string {
  const { width, height, rotation, displayWidth, displayHeight } = status;
  if (width === null) return "-";
  const shown = [
    ...displayWidth === undefined ? [] : [`shown as ${displayWidth}x${displayHeight}`],
    ...rotation === undefined ? [] : [`turned ${rotation}°`],
  ];
  return [`${width}x${height}`, ...shown].join(", ");
}

function describeLatency({ latency, arrival }: StreamStatus): string {
  const parts: string[] = [];
  if (latency !== null) {
    const { medianMs, maxMs, relayMedianMs } = latency;
    parts.push(
      `${medianMs.toFixed(1)}/${maxMs.toFixed(1)} ms`,
      `relay ${relayMedianMs.toFixed(1)}`,
    );
  }
  // A relay of an earlier release does not tell it.
  if (arrival) parts.push(`source ${arrival.medianMs.toFixed(1)}`);
  return parts.join(", ") || "-";
}

function describeDrops(dropped: StreamStatus["dropped"]): string {
  const { disconnected, ...others } = dropped;
  const reasons = Object.entries(others).filter(([, frames]) => frames > 0)
    .map(([reason, frames]) => `${reason} ${frames}`);
  // Nobody missed what was on its way to a viewer that left.
  const left = disconnected > 0 ? [`${disconnected} disconnected`] : [];
  const parts = [...reasons, ...left];
  const total = totalDrops(dropped) - disconnected;
  return parts.length === 0 ? String(total) : `${total} (${parts.join(", ")})`;
}

function milliseconds(ms: number | null): string {
  return ms === null ? "-" : `${ms.toFixed(1)} ms`;
}

function table<T>(columns: Columns<T>, rows: readonly T[]): string {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, value]) => printable(String(value(row))))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()
  ).join("\n");
}
