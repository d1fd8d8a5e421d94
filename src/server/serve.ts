/**
 * A relay that listens.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import { freeDescriptors } from "../host/descriptors.ts";
import { machineNames } from "../host/machine_name.ts";
import { defaultListener, isLoopback, listen } from "../listen/listen.ts";
import {
  type Certificate,
  type CertificateFiles,
  type ReadCertificate,
  readCertificate,
} from "../listen/certificate.ts";
import { CertificateWatch } from "../listen/certificate_watch.ts";
import { capVisits, sharedVisits } from "../listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS, type ListenLimits } from "../listen/limits.ts";
import { listenError } from "../listen/listen_error.ts";
import type { Listener, ListenerKind } from "../listen/listener.ts";
import { Refusals, sharedRefusals } from "../listen/refusals.ts";
import { Memory, sharedCounts } from "../relay/memory.ts";
import type { RelayOptions } from "../relay/options.ts";
import { ShardPool } from "../shards/shard_pool.ts";
import { openStreams, type RelayContext } from "./relay.ts";
import { run, type Running } from "./running.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions extends RelayOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Threads that send to viewers; with 1, one does everything. */
  readonly workers: number;
  /** What listens. @default {`deno` for this machine and one thread without TLS, else `node`} */
  readonly listener?: ListenerKind;
  /** What strangers may use of it. @default {DEFAULT_LISTEN_LIMITS} */
  readonly limits?: ListenLimits;
  /** Where its certificate is, which is looked at again every second. @default {none: plain HTTP} */
  readonly tls?: CertificateFiles;
}

/** What a relay that listens works with. */
export interface ServeContext extends RelayContext {
  /** Whether it is found out how many connections the system has room for. */
  readonly countsDescriptors?: boolean;
  /** Starts a thread that sends, where there are several. */
  readonly openThread?: () => Worker;
}

/** A relay that runs. */
export interface Relay extends Running {
  /** Its address, `http:` or `https:`, without a slash at the end. */
  readonly address: string;
  /** What listens there. */
  readonly listener: ListenerKind;
}

/**
 * Starts a relay, which runs until the signal is aborted: it then takes in no more, lets queues drain
 * for a moment, tells every peer (1001) and stops, whether they answer or not.
 *
 * @throws {StreamError} `unreachable` when it cannot listen, `usage` when it has no certificate that it
 * could use
 */
export async function serve(options: ServeOptions, context: ServeContext): Promise<Relay> {
  const { host, workers, hostNames, tls } = options;
  const certificate = tls === undefined ? undefined : await readCertificate(tls);
  const ownNames = machineNames();
  if (!isLoopback(host) && hostNames.length === 0) {
    const known = ["localhost", ...ownNames].join(", ");
    context.log.info(`answering for addresses and ${known}; for other names give --host-name`);
  }
  const chosen = {
    listener: defaultListener(host, workers, tls !== undefined),
    limits: DEFAULT_LISTEN_LIMITS,
    ...options,
    certificate,
    hostNames: [...hostNames, ...ownNames],
    visits: sharedVisits(workers === 1 ? 1 : workers + 1),
  };
  // Nobody may come meanwhile: there would be no file for him.
  capConnections(chosen, context);
  return workers === 1 ? await serveHere(chosen, context) : await serveInThreads(chosen, context);
}

type Chosen = ServeOptions & Required<Pick<ServeOptions, "listener" | "limits">> & {
  readonly certificate: ReadCertificate | undefined;
  /** Where all threads count who is connected. */
  readonly visits: SharedArrayBuffer;
};

/** Looks for new certificates, where there is one; returns what ends that. */
function watchCertificate(
  { tls, certificate }: Chosen,
  { clock, log }: ServeContext,
  onChange: (certificate: Certificate) => void,
): () => Promise<void> {
  if (tls === undefined || certificate === undefined) return () => Promise.resolve();
  const wallMs = () => clock.wallUs() / 1000;
  const watch = new CertificateWatch(certificate, { files: tls, log, wallMs, onChange });
  return () => watch.stop();
}

/** Connections come to this thread. */
async function serveHere(options: Chosen, context: ServeContext): Promise<Relay> {
  const { host, port, listener, limits, certificate, visits } = options;
  const { signal, log } = context;
  const { trustedProxies } = limits;
  const { hub, pictures, handler } = openStreams(options, { ...context, trustedProxies });
  const server = await listen(listener, handler, {
    host,
    port,
    isShared: false,
    certificate,
    maxFrameBytes: options.maxFrameBytes,
    stallTimeoutMs: options.stallTimeoutMs,
    unfinished: hub.unfinished,
    limits,
    visits,
    own: 0,
    refusals: hub.refusals,
    log,
  });
  const unwatch = watchCertificate(options, context, (other) => server.renew(other));
  const running = run(hub, {
    signal,
    refuse: () => {},
    close: async () => {
      pictures.stop();
      await unwatch();
      await server.shutDown();
    },
  });
  return { ...running, address: addressOf(server, certificate !== undefined), listener };
}

/** Connections come to threads that have nothing else to do. */
async function serveInThreads(options: Chosen, context: ServeContext): Promise<Relay> {
  const { host, workers, listener, limits, certificate, visits } = options;
  const { signal, base, isolatesThreads = false, openThread } = context;
  if (base !== undefined) {
    throw new StreamError("usage", "Cannot serve with base: only one thread has it");
  }
  const addr = freeAddress(options);
  const counts = sharedCounts(workers + 1);
  const memory = new Memory(options, counts, 0);
  const refused = sharedRefusals(workers + 1);
  const refusals = new Refusals(context.log, refused);
  const { hub, pictures, askThere } = openStreams(options, {
    ...context,
    memory,
    refusals,
    trustedProxies: limits.trustedProxies,
  });
  const pool = new ShardPool(hub, {
    workers,
    shared: {
      host,
      port: addr.port,
      listener,
      limits,
      certificate,
      counts,
      visits,
      refused,
      isolatesThreads,
    },
    askThere,
    ...(openThread === undefined ? {} : { openThread }),
  });
  hub.attach(pool);
  await pool.start();
  const unwatch = watchCertificate(options, context, (other) => pool.renew(other));
  const running = run(hub, {
    signal,
    refuse: () => pool.refuse(),
    close: async () => {
      pictures.stop();
      await unwatch();
      await pool.stop();
    },
  });
  return { ...running, address: addressOf(addr, certificate !== undefined), listener };
}

/** Files that a process has open beside its connections, with some to spare. */
const OTHER_FILES = 64;
/** Files of each thread that are open for a moment, of those who are refused. */
const THREAD_FILES = 32;

/** Lets no more connections in than the system has room for, and says where that is fewer than wanted. */
function capConnections(
  { limits: { maxConnections }, maxViewers, workers, visits }: Chosen,
  { countsDescriptors = false, log }: ServeContext,
): void {
  const otherFiles = OTHER_FILES + THREAD_FILES * workers;
  const wanted = maxConnections + otherFiles;
  const free = countsDescriptors ? freeDescriptors(wanted) : undefined;
  if (free === undefined || free >= wanted) return;
  const room = Math.max(1, free - otherFiles);
  capVisits(visits, room);
  if (room >= maxViewers) return;
  log.warn(
    `the system has room for ${room} connections, not for --max-viewers ${maxViewers}: raise its ` +
      `limit of open files (ulimit -n ${wanted}, or LimitNOFILE= of systemd)`,
    { connections: room },
  );
}

/**
 * An address at which nothing listens: threads that share one would else share it with another program
 * that does the same.
 */
function freeAddress({ host, port }: ServeOptions): Deno.NetAddr {
  try {
    const probe = Deno.listen({ hostname: host, port });
    probe.close();
    return probe.addr;
  } catch (cause) {
    throw listenError(host, port, cause);
  }
}

function addressOf(
  { hostname, port }: Pick<Listener, "hostname" | "port">,
  isSecure: boolean,
): string {
  return `http${isSecure ? "s" : ""}://${
    hostname.includes(":") ? `[${hostname}]` : hostname
  }:${port}`;
}
