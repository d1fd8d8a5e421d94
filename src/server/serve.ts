/**
 * Runs a relay.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { Hub, type HubOptions } from "../relay/hub.ts";
import { listen, listenError, settled, shutDown } from "../listen/listener.ts";
import { LocalFront } from "../relay/local_front.ts";
import { ShardPool } from "../shards/shard_pool.ts";
import { sharedMemory, sharesIn } from "../relay/shares.ts";
import { PULSE_MS } from "../relay/watchful_clock.ts";

/** How long frames in queues may still leave when the relay stops, in milliseconds. */
const DRAIN_MS = 1000;
/** How long peers may take to answer the goodbye, in milliseconds. */
const GOODBYE_MS = 1000;
const MAINTENANCE_MS = 1000;

/** Options of {@linkcode serve}. */
export interface ServeOptions extends HubOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Threads that send to viewers; with 1, one does everything. */
  readonly workers: number;
}

/** What a relay works with. */
export interface ServeContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Asks for the end. */
  readonly signal: AbortSignal;
  /** Starts a thread that sends, where there are several. */
  readonly openThread?: () => Worker;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  /** Its HTTP address, without a slash at the end. */
  readonly address: string;
  /** Settles once it has stopped. */
  readonly closed: Promise<void>;
}

/**
 * Starts a relay, which runs until `signal` is aborted: it then takes in no more, lets queues drain
 * for a moment, tells every peer (1001) and stops, whether they answer or not.
 *
 * @throws {StreamError} (`unreachable`) when it cannot listen
 */
export async function serve(options: ServeOptions, context: ServeContext): Promise<Relay> {
  const { clock, log, signal } = context;
  const doors = options.workers === 1
    ? openHere(new Hub(options, clock, log), options)
    : await openShards(options, context);
  const { hub } = doors;
  const maintenance = setInterval(async () => {
    await hub.refresh();
    hub.maintain();
  }, MAINTENANCE_MS);
  const pulse = setInterval(() => hub.clock.pulse(), PULSE_MS);
  const asked = Promise.withResolvers<void>();
  const ask = () => asked.resolve();
  signal.addEventListener("abort", ask);
  if (signal.aborted) ask();
  const closed = asked.promise.then(async () => {
    signal.removeEventListener("abort", ask);
    hub.refuse();
    doors.refuse();
    await settled(() => hub.streams.every((live) => !live.hasQueue), DRAIN_MS);
    hub.stop();
    await settled(() => hub.streams.length === 0, GOODBYE_MS);
    clearInterval(maintenance);
    clearInterval(pulse);
    await doors.close();
  });
  return {
    address: addressOf(doors.addr),
    closed,
    async [Symbol.asyncDispose](): Promise<void> {
      ask();
      await closed;
    },
  };
}

/** Where connections come in. */
interface Doors {
  readonly hub: Hub;
  readonly addr: Deno.NetAddr;
  /** Takes in no more peers. */
  refuse(): void;
  /** Listens no more, and ends what is stuck. */
  close(): Promise<void>;
}

/** Connections come to this thread. */
function openHere(hub: Hub, { host, port }: ServeOptions): Doors {
  const server = listen(new LocalFront(hub), { host, port, isShared: false });
  return {
    hub,
    addr: server.addr,
    refuse: () => {},
    close: () => shutDown(server),
  };
}

/** Connections come to threads that have nothing else to do. */
async function openShards(
  options: ServeOptions,
  { clock, log, openThread }: ServeContext,
): Promise<Doors> {
  const { host, workers } = options;
  const addr = freeAddress(options);
  const memory = sharedMemory(workers + 1);
  const shares = sharesIn(memory, 0, options);
  const hub = new Hub(options, clock, log, shares);
  const pool = new ShardPool(hub, {
    workers,
    host,
    port: addr.port,
    memory,
    shares,
    ...(openThread === undefined ? {} : { openThread }),
  });
  hub.attach(pool);
  await pool.start();
  return { hub, addr, refuse: () => pool.refuse(), close: () => pool.stop() };
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

function addressOf({ hostname, port }: Deno.NetAddr): string {
  return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
