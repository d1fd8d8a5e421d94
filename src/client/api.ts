/**
 * Asks a relay for its numbers and changes its frame rates.
 *
 * @module
 */
import type { FrameRate } from "../core/pacing.ts";
import { messageOf, StreamError } from "../errors.ts";
import { printable } from "../host/printable.ts";
import { readText } from "../net/answer.ts";
import { UNKNOWN_NAME } from "../net/connect_error.ts";
import { parseStreamUrl } from "../net/stream_url.ts";
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";
import { areStreams, areViewers, isStream } from "./answer_shape.ts";

/** How long a relay may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Longest part of a relay's own sentence that is repeated, in characters. */
const MAX_SHOWN = 1000;

/** Options of a question to a relay. */
export interface AskOptions {
  /** Gives the question up, which is then `unreachable`. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/**
 * All streams of the relay at `url`, whatever stream that names.
 *
 * @example
 * ```ts
 * import { listStreams } from "@stream/relay/client";
 *
 * for (const { name, viewers } of await listStreams("ws://127.0.0.1:8080")) {
 *   console.log(name, viewers);
 * }
 * ```
 *
 * @throws {StreamError} `unreachable` when nobody answers within ten seconds, `refused` when the relay
 * asks for credentials, `failed` when it is no relay, `usage` when `url` is no address
 */
export async function listStreams(url: string, options?: AskOptions): Promise<StreamStatus[]> {
  const { server } = parseStreamUrl(url);
  return await ask(`${server}/api/streams`, areStreams, options);
}

/**
 * The stream at `url`.
 *
 * @example
 * ```ts
 * import { findStream } from "@stream/relay/client";
 *
 * const { fps, dropped } = await findStream("ws://127.0.0.1:8080/cam");
 * console.log(fps, dropped);
 * ```
 *
 * @throws {StreamError} as {@linkcode listStreams}, and `failed` when there is no such stream
 */
export async function findStream(url: string, options?: AskOptions): Promise<StreamStatus> {
  return await ask(streamApi(url), isStream, options);
}

/**
 * The viewers of the stream at `url`, the first thousand.
 *
 * @example
 * ```ts
 * import { listViewers } from "@stream/relay/client";
 *
 * for (const { latencyMs } of await listViewers("ws://127.0.0.1:8080/cam")) console.log(latencyMs);
 * ```
 *
 * @throws {StreamError} as {@linkcode findStream}
 */
export async function listViewers(url: string, options?: AskOptions): Promise<ViewerStatus[]> {
  return await ask(`${streamApi(url)}/viewers`, areViewers, options);
}

/**
 * Changes the frame rate of the stream at `url` at once, to frames a second or to `"source"`: as they
 * come. It is kept also before the stream is there.
 *
 * @example
 * ```ts
 * import { changeFps } from "@stream/relay/client";
 *
 * await changeFps("ws://127.0.0.1:8080/cam", 10);
 * ```
 *
 * @throws {StreamError} as {@linkcode findStream}, and `failed` for a rate that cannot be
 */
export async function changeFps(
  url: string,
  fps: FrameRate,
  options?: AskOptions,
): Promise<StreamStatus> {
  return await ask(streamApi(url), isStream, options, {
    method: "PATCH",
    body: JSON.stringify({ fps }),
    headers: { "content-type": "application/json" },
  });
}

/** Reads JSON; `undefined` where an answer is none, or too long. */
async function readAnswer(response: Response): Promise<unknown> {
  const text = await readText(response);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function streamApi(url: string): string {
  const { server, name } = parseStreamUrl(url);
  return `${server}/api/streams/${name}`;
}

async function ask<T>(
  url: string,
  isAnswer: (body: unknown) => body is T,
  options: AskOptions = {},
  init: RequestInit = {},
): Promise<T> {
  const timeUp = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal === undefined ? timeUp : AbortSignal.any([options.signal, timeUp]);
  let response: Response;
  let body: unknown;
  try {
    // Elsewhere may be anybody, who would be asked, or told, what this relay is.
    response = await fetch(url, { ...init, signal, redirect: "manual" });
    body = await readAnswer(response);
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
  if (response.ok && isAnswer(body)) return body;
  // A browser hides where it would go.
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    throw new StreamError(
      "failed",
      `Cannot ask ${url}: the server sends requests elsewhere; give the address of the relay itself`,
    );
  }
  if (response.status === 421) {
    throw new StreamError(
      "failed",
      `Cannot ask ${url}: ${UNKNOWN_NAME}`,
    );
  }
  const error = (body as { error?: unknown } | undefined)?.error;
  const seen = typeof error === "string"
    ? printable(error.slice(0, MAX_SHOWN))
    : `the server is not a relay (HTTP ${response.status})`;
  const code = response.status === 401 || response.status === 403 ? "refused" : "failed";
  throw new StreamError(code, `Cannot ask ${url}: ${messageOf(seen)}`);
}
