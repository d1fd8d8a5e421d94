/**
 * Asks a relay for its numbers and changes its frame rates.
 *
 * @module
 */
import type { FrameRate } from "../core/stream.ts";
import { messageOf, StreamError } from "../errors.ts";
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";

const TIMEOUT_MS = 10_000;

/**
 * All streams of the relay at `server`, its HTTP address.
 *
 * @throws {StreamError} `unreachable` or `failed`
 */
export async function listStreams(server: string, signal: AbortSignal): Promise<StreamStatus[]> {
  return await ask<StreamStatus[]>(`${server}/api/streams`, { signal });
}

/**
 * One stream of the relay.
 *
 * @throws {StreamError} `unreachable`, or `failed` also when there is no such stream
 */
export async function findStream(
  server: string,
  name: string,
  signal: AbortSignal,
): Promise<StreamStatus> {
  return await ask<StreamStatus>(`${server}/api/streams/${name}`, { signal });
}

/**
 * The viewers of one stream, the first thousand.
 *
 * @throws {StreamError} as {@linkcode findStream}
 */
export async function listViewers(
  server: string,
  name: string,
  signal: AbortSignal,
): Promise<ViewerStatus[]> {
  return await ask<ViewerStatus[]>(`${server}/api/streams/${name}/viewers`, { signal });
}

/**
 * Changes a stream's frame rate at once.
 *
 * @throws {StreamError} as {@linkcode findStream}
 */
export async function changeFps(
  server: string,
  name: string,
  fps: FrameRate,
  signal: AbortSignal,
): Promise<StreamStatus> {
  return await ask<StreamStatus>(`${server}/api/streams/${name}`, {
    method: "PATCH",
    body: JSON.stringify({ fps }),
    headers: { "content-type": "application/json" },
    signal,
  });
}

async function ask<T>(url: string, init: RequestInit & { signal: AbortSignal }): Promise<T> {
  const signal = AbortSignal.any([init.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { ...init, signal });
    body = await response.json().catch(() => undefined);
  } catch (cause) {
    const seen = signal.aborted
      ? `no response within ${TIMEOUT_MS / 1000} s`
      : "nothing answers there";
    throw new StreamError(
      "unreachable",
      `Cannot ask ${url}: ${seen}; check the address, or start a relay with "stream serve"`,
      { cause },
    );
  }
  if (response.ok && body !== undefined) return body as T;
  const error = (body as { error?: unknown } | undefined)?.error;
  const seen = typeof error === "string"
    ? error
    : `the server is not a relay (HTTP ${response.status})`;
  const code = response.status === 401 || response.status === 403 ? "refused" : "failed";
  throw new StreamError(code, `Cannot ask ${url}: ${messageOf(seen)}`);
}
