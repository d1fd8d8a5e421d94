/**
 * What `stream serve` is called with, and says of itself.
 *
 * @module
 */
import { ACCESS_FLAGS } from "./access_flags.ts";
import { command, type Flag } from "./command.ts";
import { TLS_FLAGS } from "./tls_flags.ts";
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
});
