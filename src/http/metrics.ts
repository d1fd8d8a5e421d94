/**
 * Numbers of a relay in Prometheus' text format (exposition format 0.0.4).
 *
 * @module
 */
import process from "node:process";
import { DELAY_BOUNDS_MS, type DelayHistogram } from "../core/delay_histogram.ts";
import type { StreamStatus } from "../wire/control_message.ts";
import { REFUSALS } from "../listen/refusals.ts";
import type { Hub } from "../relay/hub.ts";
import type { LiveStream } from "../relay/live_stream.ts";
import type { Asked, There } from "./route.ts";
import { visibleStreams } from "./visible.ts";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Samples of one stream: labels beside the stream's name, and the value. */
  readonly samples: (status: StreamStatus) => readonly (readonly [string, number])[];
}

interface RelayMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** `rss`: resident memory in bytes, the same for all rows. */
  readonly value: (hub: Hub, rss: number) => number;
}

function one(
  type: Metric["type"],
  name: string,
  help: string,
  value: (status: StreamStatus) => number,
): Metric {
  return { name, type, help, samples: (status) => [["", value(status)]] };
}

const METRICS: readonly Metric[] = [
  one("counter", "stream_received_frames_total", "Frames received.", (s) => s.received.frames),
  one("counter", "stream_received_bytes_total", "Bytes received.", (s) => s.received.bytes),
  one("counter", "stream_sent_frames_total", "Frames sent to viewers.", (s) => s.sent.frames),
  one("counter", "stream_sent_bytes_total", "Bytes sent to viewers.", (s) => s.sent.bytes),
  {
    name: "stream_dropped_frames_total",
    type: "counter",
    help: "Frames not delivered, by reason.",
    samples: ({ dropped }) =>
      Object.entries(dropped).map(([reason, frames]) => [`,reason="${reason}"`, frames] as const),
  },
  one("gauge", "stream_queue_frames", "Frames in the queue.", (s) => s.queue.frames),
  one("gauge", "stream_queue_bytes", "Bytes in the queue.", (s) => s.queue.bytes),
  one("gauge", "stream_viewers", "Viewers connected.", (s) => s.viewers),
  one("gauge", "stream_publishing", "1 while somebody publishes.", (s) => s.publishing ? 1 : 0),
  one(
    "gauge",
    "stream_target_fps",
    "Target frame rate of the tick, 0 without one.",
    (s) => s.fps === "source" ? 0 : s.fps,
  ),
  one("counter", "stream_ticks_total", "Ticks on which a frame left.", (s) => s.tick.fired),
  one("counter", "stream_tick_overruns_total", "Ticks missed.", (s) => s.tick.overruns),
  one("gauge", "stream_tick_lag_seconds", "Lag of the last tick.", (s) => s.tick.lagMs / 1000),
  {
    name: "stream_latency_seconds",
    type: "gauge",
    help: "From capture to acknowledgement of each viewer's last frame; relay: its part of that.",
    samples: ({ latency }) =>
      latency === null ? [] : [
        [`,part="all",quantile="0.5"`, latency.medianMs / 1000],
        [`,part="all",quantile="1"`, latency.maxMs / 1000],
        [`,part="relay",quantile="0.5"`, latency.relayMedianMs / 1000],
        [`,part="relay",quantile="1"`, latency.relayMaxMs / 1000],
      ],
  },
  {
    name: "stream_arrival_seconds",
    type: "gauge",
    help: "From capture to arrival at the relay, over the frames of the last three seconds.",
    samples: ({ arrival }) =>
      arrival === null ? [] : [
        [`,quantile="0.5"`, arrival.medianMs / 1000],
        [`,quantile="1"`, arrival.maxMs / 1000],
      ],
  },
];

/** Those that are not of one stream. */
const RELAY_METRICS: readonly RelayMetric[] = [
  { name: "stream_streams", type: "gauge", help: "Streams.", value: (hub) => hub.streams.length },
  {
    name: "stream_under_way_bytes",
    type: "gauge",
    help: "Bytes under way to all viewers.",
    value: ({ memory }) => memory.underWay.used,
  },
  {
    name: "stream_cached_bytes",
    type: "gauge",
    help: "Bytes kept for viewers that join.",
    value: ({ memory }) => memory.cached.used,
  },
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory.",
    value: (_, rss) => rss,
  },
  {
    name: "process_resident_memory_peak_bytes",
    type: "gauge",
    help: "Peak resident memory so far.",
    // The system's two counters are not of the same moment.
    value: (_, rss) => Math.max(process.resourceUsage().maxRSS * 1024, rss),
  },
  {
    name: "process_cpu_seconds_total",
    type: "counter",
    help: "User and system CPU time used.",
    value: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  },
];

const REFUSED = "stream_refused_total";

const DELAY = "stream_delay_seconds";

function delayLines(labels: string, { cumulative, sumMs }: DelayHistogram): string[] {
  return [
    ...cumulative.map((count, index) => {
      const boundMs = DELAY_BOUNDS_MS[index];
      const bound = boundMs === undefined ? "+Inf" : boundMs / 1000;
      return `${DELAY}_bucket{${labels},le="${bound}"} ${count}`;
    }),
    `${DELAY}_sum{${labels}} ${sumMs / 1000}`,
    `${DELAY}_count{${labels}} ${cumulative.at(-1)}`,
  ];
}

/** Answers with all numbers of the relay. */
export async function metrics({ hub }: There, asked: Asked): Promise<Response> {
  return new Response(metricsText(hub, await visibleStreams(hub, asked, "metrics")), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

/** Streams' names need no escaping: they have letters, digits, `._-`. */
function metricsText(hub: Hub, streams: readonly LiveStream[]): string {
  const statuses = streams.map((live) => live.status());
  const lines: string[] = [];
  const head = (name: string, type: string, help: string) =>
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  for (const { name, type, help, samples } of METRICS) {
    head(name, type, help);
    for (const status of statuses) {
      for (const [labels, value] of samples(status)) {
        lines.push(`${name}{stream="${status.name}"${labels}} ${value}`);
      }
    }
  }
  head(
    DELAY,
    "histogram",
    "source: from capture to arrival; relay: from there to sending; viewer: to acknowledgement.",
  );
  for (const { name, sourceDelay, delays } of streams) {
    const parts = [["source", sourceDelay], ["relay", delays.relay], [
      "viewer",
      delays.viewer,
    ]] as const;
    for (const [part, delay] of parts) {
      lines.push(...delayLines(`stream="${name}",part="${part}"`, delay));
    }
  }
  head(REFUSED, "counter", "Connections, requests and peers refused or let go, by reason.");
  for (const reason of REFUSALS) {
    lines.push(`${REFUSED}{reason="${reason}"} ${hub.refusals.total(reason)}`);
  }
  const { rss } = Deno.memoryUsage();
  for (const { name, type, help, value } of RELAY_METRICS) {
    head(name, type, help);
    lines.push(`${name} ${value(hub, rss)}`);
  }
  return lines.join("\n") + "\n";
}
