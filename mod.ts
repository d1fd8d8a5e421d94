/**
 * A relay of live video frames in a program of one's own, in Deno. Clients are in
 * `@stream/relay/client`, and the player for pages in `@stream/relay/player`.
 *
 * @example
 * ```ts
 * import { serve } from "@stream/relay";
 * import { publish } from "@stream/relay/client";
 *
 * await using relay = await serve({ port: 0 });
 * await using out = publish(`${relay.address}/cam`, { format: "raw" });
 * await out.send(new Uint8Array(100));
 * await out.end();
 * ```
 *
 * @module
 */
export {
  type CertificateFiles,
  createRelay,
  type CreateRelayOptions,
  DEFAULT_LISTEN_LIMITS,
  DEFAULT_OPTIONS,
  type ListenerKind,
  type ListenLimits,
  type LogLine,
  type RelayOptions,
  type Secrets,
  serve,
  type ServeOptions,
  sharedSecrets,
} from "./src/server/mod.ts";
export type { EmbeddedRelay } from "./src/server/relay.ts";
export type { Running } from "./src/server/running.ts";
export type { Relay } from "./src/server/serve.ts";
export type { ConnectionInfo } from "./src/listen/deno_listener.ts";
export type {
  Access,
  AccessFault,
  AccessQuestion,
  Action,
  Asker,
  Decision,
  Ruling,
  TokenIds,
} from "./src/access/access.ts";
export type { FrameRate } from "./src/core/pacing.ts";
export {
  type ErrorCode,
  type ErrorDetail,
  StreamError,
  type StreamErrorOptions,
} from "./src/errors.ts";
export type { Clock } from "./src/host/clock.ts";
