/**
 * `stream serve`.
 *
 * @module
 */
import {
  DEFAULT_LISTEN_LIMITS,
  DEFAULT_OPTIONS,
  type ListenerKind,
  type ListenLimits,
  type Relay,
  type RelayOptions,
  serve,
} from "../server/mod.ts";
import type { LogFields } from "../host/log.ts";
import { ACCESS_FLAGS, accessOf, demandChoice } from "./access_flags.ts";
import { command, type Flag, usage, type Values } from "./command.ts";
import { TLS_FLAGS, tlsOf } from "./tls_flags.ts";
import { hostNames, networks, origins } from "./network_value.ts";
import {
  bytes,
  duration,
  frameRate,
  integer,
  MAX_FRAME_BYTES,
  MAX_TIMER_MS,
  oneOf,
  text,
  threads,
} from "./value.ts";

const MIB = 1024 * 1024;

/** Where a relay listens, to whom, and how fast it ticks. */
export const LISTEN_FLAGS = {
  host: {
    value: "ADDRESS",
    help: "address to listen on; 0.0.0.0 for all",
    read: text,
    fallback: "127.0.0.1",
  },
  port: {
    value: "N",
    help: "port to listen on; 0 for a free one",
    read: integer(0, 65_535),
    fallback: "8080",
  },
  listener: {
    value: "deno|node",
    help: "what listens (default: deno for this machine, one thread and no TLS; else node)",
    read: oneOf(["deno", "node"]),
  },
  fps: {
    value: "N|source",
    help: "frames a second that leave; source: as they come",
    read: frameRate,
    fallback: "30",
  },
  "allow-origin": {
    value: "ORIGINS",
    help: "pages of other sites that may take part, as https://example.org,…; * for all",
    read: origins,
    isList: true,
  },
  "host-name": {
    value: "NAMES",
    help: "names by which it is reached, beside addresses and this machine's own; * for any",
    read: hostNames,
    isList: true,
  },
} as const;

/** What a relay may use. */
export const LIMIT_FLAGS = {
  buffer: {
    value: "TIME",
    help: "length of a stream's queue: this × fps frames",
    read: duration(1, 600_000),
    fallback: "5s",
  },
  "max-frame": {
    value: "SIZE",
    help: "largest frame",
    read: bytes(1, MAX_FRAME_BYTES),
    fallback: "16MiB",
  },
  "max-memory": {
    value: "SIZE",
    help: "memory for frames that wait or are under way, in all",
    read: bytes(MIB, 1024 * 1024 * MIB),
    fallback: "512MiB",
  },
  "max-viewers": {
    value: "N",
    help: "most viewers",
    read: integer(1, 1_000_000),
    fallback: "10000",
  },
  "max-streams": {
    value: "N",
    help: "most streams",
    read: integer(1, 100_000),
    fallback: "100",
  },
  "stall-timeout": {
    value: "TIME",
    help: "close a viewer without a protocol when nothing has drained for so long",
    read: duration(1000, MAX_TIMER_MS),
    fallback: "10s",
  },
} as const satisfies Record<string, Flag<number>>;

/** What strangers may use. */
export const GUARD_FLAGS = {
  "max-connections": {
    value: "N",
    help: "most connections, whoever has them",
    read: integer(1, 1_000_000),
    fallback: "11000",
  },
  "max-per-address": {
    value: "N",
    help: "most connections of one address (IPv6: of a /64)",
    read: integer(1, 1_000_000),
    fallback: "256",
  },
  "max-handshakes": {
    value: "N",
    help: "most WebSocket handshakes a second of one address",
    read: integer(1, 1_000_000),
    fallback: "100",
  },
  "max-messages": {
    value: "N",
    help: "most messages a second of one peer",
    read: integer(10, 100_000_000),
    fallback: "20000",
  },
  "max-unread": {
    value: "SIZE",
    help: "answers that one peer may leave unread",
    read: bytes(1024, 1024 * MIB),
    fallback: "1MiB",
  },
  "max-awaited": {
    value: "N",
    help: "most streams that viewers wait for and nobody publishes to",
    read: integer(1, 100_000),
    fallback: "1000",
  },
  "max-rate": {
    value: "SIZE",
    help: "most bytes a second that leave for all viewers",
    read: bytes(1000, 1024 * 1024 * MIB),
  },
  "max-viewer-rate": {
    value: "SIZE",
    help: "most bytes a second that leave for one viewer",
    read: bytes(1000, 1024 * 1024 * MIB),
  },
  "header-timeout": {
    value: "TIME",
    help: "how long the header of a request may take",
    read: duration(100, MAX_TIMER_MS),
    fallback: "5s",
  },
  "body-timeout": {
    value: "TIME",
    help: "how long the body of a request that is no video may take",
    read: duration(100, MAX_TIMER_MS),
    fallback: "10s",
  },
  "idle-timeout": {
    value: "TIME",
    help: "how long a connection may wait for its next request",
    read: duration(100, MAX_TIMER_MS),
    fallback: "1m",
  },
  "close-timeout": {
    value: "TIME",
    help: "how long a peer may take to answer the end until it is broken off",
    read: duration(100, MAX_TIMER_MS),
    fallback: "2s",
  },
  "trusted-proxy": {
    value: "NETWORKS",
    help: "proxies whose X-Forwarded-For says who asks, as 10.0.0.0/8,…",
    read: networks,
    isList: true,
  },
} as const;

/** What a relay is asked to be. */
export interface RelayWish extends RelayOptions, ListenLimits {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Threads that send to viewers. */
  readonly workers: number;
  /** What listens, where that is chosen. */
  readonly listener?: ListenerKind;
}

/** The options of a relay that the flags stand for. */
export function serveOptions(
  flags: Values<typeof LISTEN_FLAGS> & Values<typeof LIMIT_FLAGS> & Values<typeof GUARD_FLAGS>,
  workers = 1,
): RelayWish {
  const maxFrameBytes = flags["max-frame"];
  const maxMemoryBytes = flags["max-memory"];
  if (maxMemoryBytes < 2 * maxFrameBytes) {
    throw usage(
      { name: "serve" },
      "--max-memory is less than 2 × --max-frame: one frame to wait and one under way",
    );
  }
  return {
    host: flags.host,
    port: flags.port,
    workers,
    ...(flags.listener === undefined ? {} : { listener: flags.listener }),
    fps: flags.fps,
    bufferMs: flags.buffer,
    maxFrameBytes,
    maxMemoryBytes,
    maxViewers: flags["max-viewers"],
    maxStreams: flags["max-streams"],
    stallTimeoutMs: flags["stall-timeout"],
    allowOrigins: flags["allow-origin"] ?? DEFAULT_OPTIONS.allowOrigins,
    helloTimeoutMs: DEFAULT_OPTIONS.helloTimeoutMs,
    hostNames: flags["host-name"] ?? DEFAULT_OPTIONS.hostNames,
    maxMessages: flags["max-messages"],
    maxUnreadBytes: flags["max-unread"],
    maxAwaited: flags["max-awaited"],
    maxRate: flags["max-rate"] ?? DEFAULT_OPTIONS.maxRate,
    maxViewerRate: flags["max-viewer-rate"] ?? DEFAULT_OPTIONS.maxViewerRate,
    maxConnections: flags["max-connections"],
    maxPerAddress: flags["max-per-address"],
    maxHandshakes: flags["max-handshakes"],
    headerTimeoutMs: flags["header-timeout"],
    bodyTimeoutMs: flags["body-timeout"],
    idleTimeoutMs: flags["idle-timeout"],
    closeTimeoutMs: flags["close-timeout"],
    trustedProxies: flags["trusted-proxy"] ?? DEFAULT_LISTEN_LIMITS.trustedProxies,
  };
}

/** What a relay says as it starts. */
export function listening({ address, listener }: Relay): [string, LogFields] {
  return [`listening on ${address} (--listener ${listener})`, { address, listener }];
}

/** The command. */
export const serveCommand = command({
  name: "serve",
  needs: ["net", "read", "write", "env", "sys"],
  summary: "run the relay",
  operands: [],
  flags: {
    ...LISTEN_FLAGS,
    ...LIMIT_FLAGS,
    ...GUARD_FLAGS,
    ...TLS_FLAGS,
    ...ACCESS_FLAGS,
    workers: {
      value: "N|auto",
      help: "threads that send to viewers; auto: as many as the machine has cores",
      read: threads(navigator.hardwareConcurrency),
      fallback: "1",
    },
  },
  examples: [
    ["stream serve --fps 30", "relay frames at 30 a second to viewers on this machine"],
    ["stream serve --host 0.0.0.0 --fps source --open", "to the network, as fast as they come"],
    [
      "stream serve --host 0.0.0.0 --publish-token @publish.txt --watch-token @watch.txt",
      "to the network, for those who have a secret",
    ],
    [
      "stream serve --host 0.0.0.0 --tls self-signed --publish-token @publish.txt --open",
      "with TLS, and pictures for everybody",
    ],
    ["stream serve --workers auto", "for thousands of viewers, on every core"],
  ],
  async run({ flags, host, log }) {
    // Only what keeps a certificate writes.
    if (flags.tls === undefined) host.giveUp(["write"]);
    if (flags.workers > 1 && Deno.build.os !== "linux") {
      throw usage(
        serveCommand,
        `--workers ${flags.workers} needs Linux, where threads can share a port; leave it at 1`,
      );
    }
    using chosen = await accessOf(serveCommand, flags, { log, host });
    const { access } = chosen;
    demandChoice(serveCommand, flags.host, access, flags.open);
    using tls = await tlsOf(serveCommand, flags, {
      address: flags.host,
      hostNames: flags["host-name"] ?? [],
      host,
      log,
    });
    host.giveUp(["write"]);
    const relay = await serve({
      ...serveOptions(flags, flags.workers),
      ...(access === undefined ? {} : { access }),
      ...(tls.files === undefined ? {} : { tls: tls.files }),
      open: flags.open,
      clock: host.clock,
      isolateThreads: true,
      signal: host.stop,
      onLog: ({ level, message, fields }) => log[level](message, fields),
    });
    // Everything that reads the environment is loaded by now.
    host.giveUp(["env", "sys"]);
    log.info(...listening(relay));
    await relay.closed;
    log.info("stopped");
  },
});
