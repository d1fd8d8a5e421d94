// @ts-check
/**
 * What the delay of a picture is made of.
 *
 * @module
 */

/**
 * Where the delay comes from, in milliseconds; what is not known is `undefined`.
 *
 * @typedef {object} Delay
 * @property {number} totalMs from the capture to the screen
 * @property {number | undefined} publisherMs from the capture to the relay
 * @property {number | undefined} relayMs in the relay
 * @property {number | undefined} networkMs from the relay to this computer
 * @property {number} viewerMs decoding and drawing
 */

/**
 * Shares the delay out among its parts, which together are the whole.
 *
 * @param {object} measured
 * @param {number} measured.totalMs from the capture to the screen
 * @param {number} measured.arrivalMs from the capture to this computer
 * @param {number} measured.answerMs the way back to the relay
 * @param {import("./wire.js").Stats | undefined} measured.stats what the relay says
 * @returns {Delay}
 */
export function delayOf({ totalMs, arrivalMs, answerMs, stats }) {
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
