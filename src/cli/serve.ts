/**
 * What `stream serve` does.
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
import { accessOf, demandChoice } from "./access_choice.ts";
import { type InputOf, usage, type Values } from "./command.ts";
import { tlsOf } from "./tls_choice.ts";
import {
  type GUARD_FLAGS,
  type LIMIT_FLAGS,
  type LISTEN_FLAGS,
  serveCommand,
} from "./serve_command.ts";

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

/** Does the work; what fails is thrown. */
export async function run(
  { flags, host, log }: InputOf<typeof serveCommand>,
): Promise<void> {
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
}
