/**
 * What strangers may use of a listener.
 *
 * @module
 */

/** What strangers may use of a listener. */
export interface ListenLimits {
  /** Most connections, whoever has them. @default {11000} */
  readonly maxConnections: number;
  /**
   * Most connections of one address, of which an IPv6 one stands for its /64; this machine has no limit.
   * @default {256}
   */
  readonly maxPerAddress: number;
  /** Most WebSocket handshakes a second of one address; this machine has no limit. @default {100} */
  readonly maxHandshakes: number;
  /** How long the header of a request may take, in milliseconds. @default {5000} */
  readonly headerTimeoutMs: number;
  /** How long the body of a request that is no video may take, in milliseconds. @default {10000} */
  readonly bodyTimeoutMs: number;
  /** How long a connection may wait for its next request, in milliseconds. @default {60000} */
  readonly idleTimeoutMs: number;
  /**
   * How long a peer may take to answer the end of its connection until it is broken off, in milliseconds.
   * @default {2000}
   */
  readonly closeTimeoutMs: number;
  /**
   * Proxies by their networks, as `10.0.0.0/8`: whose `X-Forwarded-For` says who asks. @default {[]}
   */
  readonly trustedProxies: readonly string[];
}

/** What a listener has that nobody has told otherwise. */
export const DEFAULT_LISTEN_LIMITS: ListenLimits = {
  maxConnections: 11_000,
  maxPerAddress: 256,
  maxHandshakes: 100,
  headerTimeoutMs: 5000,
  bodyTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  closeTimeoutMs: 2000,
  trustedProxies: [],
};
