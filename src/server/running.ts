/**
 * A relay while it runs, and how it stops.
 *
 * @module
 */
import { settled } from "../listen/deno_listener.ts";
import type { Hub } from "../relay/hub.ts";
import { PULSE_MS } from "../relay/watchful_clock.ts";

/** How long frames in queues may still leave when the relay stops, in milliseconds. */
const DRAIN_MS = 1000;
/** How long peers may take to answer the goodbye, in milliseconds. */
const GOODBYE_MS = 1000;
const MAINTENANCE_MS = 1000;

/** Something that runs until it is asked to stop. */
export interface Running extends AsyncDisposable {
  /** Settles once it has stopped. */
  readonly closed: Promise<void>;
}

/** What is done beside the streams when a relay stops. */
export interface Stopping {
  /** Asks for the end. */
  readonly signal: AbortSignal;
  /** Takes in no more peers. */
  refuse(): void;
  /** Everybody has been told, and has had a moment to answer. */
  close(): void | Promise<void>;
}

/**
 * Runs the streams of `hub` until the signal is aborted: they then take in no more, let queues drain
 * for a moment, and tell every peer (1001), whether it answers or not.
 */
export function run(hub: Hub, { signal, refuse, close }: Stopping): Running {
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
    refuse();
    await settled(() => hub.streams.every((live) => !live.hasQueue), DRAIN_MS);
    hub.stop();
    await settled(() => hub.streams.length === 0, GOODBYE_MS);
    clearInterval(maintenance);
    clearInterval(pulse);
    await close();
  });
  return {
    closed,
    async [Symbol.asyncDispose](): Promise<void> {
      ask();
      await closed;
    },
  };
}
