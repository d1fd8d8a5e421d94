/**
 * Clients of a relay: publish frames to a stream, watch them, read and change what the relay does.
 * It works in Deno, in Node.js from version 20 on, and in browsers, where it needs no other package.
 *
 * @example
 * ```ts
 * import { publish, watch } from "@stream/relay/client";
 *
 * await using out = publish("ws://127.0.0.1:8080/cam", { format: "raw" });
 * await out.send(new TextEncoder().encode("a frame is any bytes"));
 *
 * for await (const frame of watch("ws://127.0.0.1:8080/cam")) {
 *   console.log(new TextDecoder().decode(frame.data));
 *   break;
 * }
 * await out.end();
 * ```
 *
 * @module
 */
export {
  type AskOptions,
  changeFps,
  type EndOptions,
  endPublisher,
  endViewer,
  findStream,
  listStreams,
  listViewers,
} from "./api.ts";
export { publish, Publisher } from "./publish.ts";
export type { PublishEvent, PublishOptions, PublishStats, SendOptions } from "./publish_options.ts";
export { watch, Watcher } from "./watch.ts";
export type { ReceivedFrame, WatchEvent, WatchOptions, WatchStats } from "./watch_options.ts";
export type { ClientOptions, RestoredEvent } from "./connected.ts";
export type { FrameKind, StreamConfig } from "../core/frame.ts";
export { DROP_REASONS, type DropCounts, type DropReason, totalDrops } from "../core/drops.ts";
export type { FrameTotals } from "../core/feed.ts";
export type { FrameRate, TickStats } from "../core/pacing.ts";
export type { Rate } from "../core/rate_meter.ts";
export type { StreamNumbers } from "../core/stream.ts";
export type { StreamFormat } from "../core/stream_format.ts";
export {
  type ErrorCode,
  type ErrorDetail,
  StreamError,
  type StreamErrorOptions,
} from "../errors.ts";
export type { Clock } from "../host/clock.ts";
export type { Pass, PassOptions } from "../net/pass.ts";
export type { ClientSocket, OpenSocket } from "../net/socket.ts";
export {
  DEFAULT_URL,
  looksLikeAddress,
  parseStreamUrl,
  type StreamUrl,
} from "../net/stream_url.ts";
export {
  type ArrivalStatus,
  DEFAULT_MAX_DELAY_MS,
  type LatencyStatus,
  type ListedViewer,
  type StreamConfigStatus,
  type StreamStatus,
  type ViewerStatus,
} from "../wire/control_message.ts";
export { DEFAULT_NAME } from "../wire/stream_name.ts";
