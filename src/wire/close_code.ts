/**
 * The close codes that the relay uses, and which of them are worth another try.
 *
 * @module
 */

/** Close codes: below 4000 as in RFC 6455 section 7.4.1, from 4000 the project's own. */
export const CLOSE = {
  /** The purpose is fulfilled. */
  normal: 1000,
  /** The relay stops. */
  goingAway: 1001,
  /** A message that the protocol does not allow here. */
  protocolError: 1002,
  /** A kind of data that the role does not allow. */
  unsupportedData: 1003,
  /** Text that is not JSON, or a field with a value that it cannot have. */
  invalidData: 1007,
  /** The peer may not do what its hello says. */
  refused: 1008,
  /** A frame or a control message over the limit. */
  tooLarge: 1009,
  /** The relay failed. */
  internalError: 1011,
  /** The relay is short of memory for a while. */
  tryAgainLater: 1013,
  /** The stream's name is not allowed. */
  badName: 4000,
  /** The relay does not speak the version that was asked for. */
  badVersion: 4001,
  /** No hello came in time. */
  helloTimeout: 4002,
  /** The stream has a publisher already. */
  busy: 4003,
  /** Another publisher took the stream over. */
  takenOver: 4004,
  /** The relay has as many viewers, publishers or streams as it may. */
  full: 4005,
  /** The publisher sent more than its credit allowed. */
  overCredit: 4006,
  /** The viewer took nothing for so long that its memory was needed for others. */
  stalled: 4007,
  /** What the peer was permitted to do is not permitted any longer. */
  accessEnded: 4008,
  /** Somebody who may has ended the connection. */
  ended: 4009,
} as const;

const RETRY: ReadonlySet<number> = new Set([
  // 1005 and 1006 are never sent: they stand for a connection that ended without a close frame.
  0,
  1005,
  1006,
  CLOSE.goingAway,
  CLOSE.internalError,
  1012,
  CLOSE.tryAgainLater,
  1014,
  CLOSE.helloTimeout,
  CLOSE.stalled,
]);

/** Whether a peer that was closed with `code` should connect again. */
export function mayRetry(code: number): boolean {
  return RETRY.has(code);
}

/** `reason` cut to the 123 bytes that a close frame holds (RFC 6455 section 5.5). */
export function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= 123) return reason;
  return new TextDecoder().decode(bytes.subarray(0, 123)).replace(/\uFFFD+$/, "");
}
