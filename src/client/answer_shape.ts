/**
 * Whether a relay's answer is what it should be: whoever asks may have come to anything.
 *
 * @module
 */
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";

type Check = (value: unknown) => boolean;

const number: Check = (value) => typeof value === "number" && Number.isFinite(value);
const text: Check = (value) => typeof value === "string";
const optional = (check: Check): Check => (value) => value === undefined || orNull(check)(value);
const orNull = (check: Check): Check => (value) => value === null || check(value);

/** An object that has these fields; by name what each must be. */
function object(fields: Readonly<Record<string, Check>>): Check {
  return (value) =>
    typeof value === "object" && value !== null &&
    Object.entries(fields).every(([name, check]) =>
      check(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
    );
}

/** An object of which every field is a number. */
const numbers: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  Object.values(value).every(number);

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
  fps: (value) => value === "source" || number(value),
  publishing: (value) => typeof value === "boolean",
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

/** Whether these are the numbers of viewers. */
export function areViewers(value: unknown): value is ViewerStatus[] {
  return Array.isArray(value) && value.every(VIEWER);
}
