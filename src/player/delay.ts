/**
 * What the delay of a picture is made of.
 *
 * @module
 */
import type { ArrivalStatus, ViewerStatus } from "../wire/control_message.ts";

/** Where the delay comes from, in milliseconds; what is not known is `undefined`. */
export interface Delay {
  /** From the capture to the screen. */
  readonly totalMs: number;
  /** From the capture to the relay. */
  readonly publisherMs: number | undefined;
  /** In the relay. */
  readonly relayMs: number | undefined;
  /** From the relay to this computer. */
  readonly networkMs: number | undefined;
  /** Decoding and drawing. */
  readonly viewerMs: number;
}

/** The part of the relay's numbers that is of concern here. */
export interface RelayStats {
  readonly stream: { readonly arrival?: ArrivalStatus | null };
  readonly viewer?: Pick<ViewerStatus, "relayMs" | "roundTripMs"> | null;
}

/** Shares the delay out among its parts, which together are the whole. */
export function delayOf({ totalMs, arrivalMs, answerMs, stats }: {
  /** From the capture to the screen. */
  readonly totalMs: number;
  /** From the capture to this computer. */
  readonly arrivalMs: number;
  /** The way back to the relay. */
  readonly answerMs: number;
  /** What the relay says; one of another release may leave out anything. */
  readonly stats: RelayStats | undefined;
}): Delay {
  const viewerMs = Math.max(0, totalMs - arrivalMs);
  const { relayMs, roundTripMs } = stats?.viewer ?? {};
  if (typeof relayMs !== "number" || typeof roundTripMs !== "number") {
    return {
      totalMs,
      viewerMs,
      publisherMs: undefined,
      relayMs: undefined,
      networkMs: undefined,
    };
  }
  const sourceMs = stats?.stream.arrival?.medianMs;
  if (typeof sourceMs === "number") {
    const publisherMs = Math.max(0, Math.min(sourceMs, arrivalMs));
    const inRelayMs = Math.max(0, Math.min(relayMs, arrivalMs - publisherMs));
    const networkMs = arrivalMs - publisherMs - inRelayMs;
    return { totalMs, viewerMs, publisherMs, relayMs: inRelayMs, networkMs };
  }
  // The way of the answer is half of the shortest round trip; the rest is the way to here. What the
  // relay does not account for is the publisher's.
  const networkMs = Math.min(arrivalMs, Math.max(answerMs, roundTripMs - answerMs));
  const inRelayMs = Math.min(relayMs, arrivalMs - networkMs);
  const publisherMs = arrivalMs - networkMs - inRelayMs;
  return { totalMs, viewerMs, publisherMs, relayMs: inRelayMs, networkMs };
}
