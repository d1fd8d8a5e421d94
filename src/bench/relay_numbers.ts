/**
 * What a relay tells about itself.
 *
 * @module
 */

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
export async function relayNumbers(server: string, stream: string): Promise<RelayNumbers> {
  const [metrics, status] = await Promise.all([
    ask(`${server}/metrics`),
    ask(`${server}/api/streams/${stream}`),
  ]);
  return {
    cpuSeconds: metric(metrics, "process_cpu_seconds_total"),
    peakBytes: metric(metrics, "process_resident_memory_peak_bytes"),
    residentBytes: metric(metrics, "process_resident_memory_bytes"),
    dropped: droppedIn(status),
  };
}

/** Whether the server tells of a publisher of that stream. */
export async function hasPublisher(server: string, stream: string): Promise<boolean> {
  return statusIn(await ask(`${server}/api/streams/${stream}`)).publishing === true;
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
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
