/**
 * What a relay tells about itself.
 *
 * @module
 */

import { findFetch } from "../net/any_fetch.ts";
import type { Pass } from "../net/pass.ts";

/** How long it may take to tell, in milliseconds. */
const TIMEOUT_MS = 5000;

/** Numbers at one moment; `null` is what the server does not tell. */
export interface RelayNumbers {
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
  readonly residentBytes: number | null;
  /** Frames dropped so far, by reason. */
  readonly dropped: Readonly<Record<string, number>> | null;
}

/** Asks the server at `server`, its HTTP address, about itself and about one stream. */
export async function relayNumbers(
  server: string,
  stream: string,
  pass: Pass = {},
): Promise<RelayNumbers> {
  const [metrics, status] = await Promise.all([
    ask(`${server}/metrics`, pass),
    ask(`${server}/api/streams/${stream}`, pass),
  ]);
  return {
    cpuSeconds: metric(metrics, "process_cpu_seconds_total"),
    peakBytes: metric(metrics, "process_resident_memory_peak_bytes"),
    residentBytes: metric(metrics, "process_resident_memory_bytes"),
    dropped: droppedIn(status),
  };
}

/** Whether the server tells of a publisher of that stream. */
export async function hasPublisher(
  server: string,
  stream: string,
  pass: Pass = {},
): Promise<boolean> {
  return statusIn(await ask(`${server}/api/streams/${stream}`, pass)).publishing === true;
}

async function ask(url: string, pass: Pass): Promise<string | undefined> {
  try {
    const { authorization } = pass;
    const fetchIt = await findFetch(url);
    const response = await fetchIt(url, {
      headers: authorization === undefined ? {} : { authorization },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    }, pass);
    const text = await response.text();
    return response.ok ? text : undefined;
  } catch {
    // A server that is no relay need not answer at all.
    return undefined;
  }
}

function metric(text: string | undefined, name: string): number | null {
  const value = text === undefined ? undefined : RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  return value === undefined || !Number.isFinite(Number(value)) ? null : Number(value);
}

function droppedIn(text: string | undefined): Record<string, number> | null {
  const { dropped } = statusIn(text);
  const isCounts = typeof dropped === "object" && dropped !== null &&
    Object.values(dropped).every((value) => typeof value === "number");
  return isCounts ? dropped as Record<string, number> : null;
}

function statusIn(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    return Object(JSON.parse(text));
  } catch {
    // Not JSON: some other server's page.
    return {};
  }
}
