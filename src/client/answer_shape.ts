/**
 * Whether a relay's answer is what it should be: whoever asks may have come to anything.
 *
 * @module
 */
import type { ListedViewer, StreamStatus } from "../wire/control_message.ts";
import { flag, frameRate, number, numbers, object, optional, orNull, text } from "../wire/shape.ts";

const size = object({ frames: number });

const STREAM = object({
  name: text,
  format: orNull(text),
  codec: optional(text),
  width: orNull(number),
  height: orNull(number),
  rotation: optional(number),
  displayWidth: optional(number),
  displayHeight: optional(number),
  fps: frameRate,
  publishing: flag,
  viewers: number,
  rate: object({ framesPerSecond: number }),
  queue: size,
  received: size,
  sent: size,
  dropped: numbers,
  latency: orNull(object({ medianMs: number, maxMs: number, relayMedianMs: number })),
  // A relay of an earlier release does not tell it.
  arrival: optional(object({ medianMs: number })),
});

const VIEWER = object({
  // A relay of an earlier release does not tell it.
  id: optional(number),
  latencyMs: orNull(number),
  relayMs: orNull(number),
  roundTripMs: orNull(number),
  underWay: size,
  sent: size,
  dropped: numbers,
});

/** Whether this is a stream's status. */
export function isStream(value: unknown): value is StreamStatus {
  return STREAM(value);
}

/** Whether these are the statuses of streams. */
export function areStreams(value: unknown): value is StreamStatus[] {
  return Array.isArray(value) && value.every(STREAM);
}

const ENDED = object({ ended: number });

/** Whether this says that somebody was ended. */
export function isEnd(value: unknown): value is { readonly ended: number } {
  return ENDED(value);
}

/** Whether these are the numbers of viewers. */
export function areViewers(value: unknown): value is ListedViewer[] {
  return Array.isArray(value) && value.every(VIEWER);
}
