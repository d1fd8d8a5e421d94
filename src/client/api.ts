/**
 * Asks a relay for its numbers, changes its frame rates, and ends its peers.
 *
 * @module
 */
import type { FrameRate } from "../core/pacing.ts";
import { messageOf, StreamError } from "../errors.ts";
import { printable } from "../host/printable.ts";
import { readText } from "../net/answer.ts";
import { answerFault, findFetch } from "../net/any_fetch.ts";
import { refusal, UNKNOWN_NAME } from "../net/connect_error.ts";
import { passOf, type PassOptions } from "../net/pass.ts";
import { parseStreamUrl } from "../net/stream_url.ts";
import type { ListedViewer, StreamStatus } from "../wire/control_message.ts";
import { areStreams, areViewers, isEnd, isStream } from "./answer_shape.ts";

/** How long a relay may take to answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Longest part of a relay's own sentence that is repeated, in characters. */
const MAX_SHOWN = 1000;

/** Options of a question to a relay. */
export interface AskOptions extends PassOptions {
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
  const { server, authorization } = parseStreamUrl(url);
  return await ask({ url: `${server}/api/streams`, authorization }, areStreams, options);
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
 * for (const { id, latencyMs } of await listViewers("ws://127.0.0.1:8080/cam")) {
 *   console.log(id, latencyMs);
 * }
 * ```
 *
 * @throws {StreamError} as {@linkcode findStream}
 */
export async function listViewers(url: string, options?: AskOptions): Promise<ListedViewer[]> {
  const place = streamApi(url);
  return await ask({ ...place, url: `${place.url}/viewers` }, areViewers, options);
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

/** Options of ending somebody. */
export interface EndOptions extends AskOptions {
  /** Why, for whoever is ended: at most 80 characters of it. @default {undefined} */
  readonly reason?: string | undefined;
}

/**
 * Ends whoever publishes the stream at `url`: the connection is closed (4009), and not made again by
 * itself.
 *
 * @example
 * ```ts
 * import { endPublisher } from "@stream/relay/client";
 *
 * await endPublisher("ws://127.0.0.1:8080/cam", { reason: "wrong camera" });
 * ```
 *
 * @throws {StreamError} as {@linkcode findStream}, and `failed` when nobody publishes
 */
export async function endPublisher(url: string, options: EndOptions = {}): Promise<void> {
  await end(streamApi(url), "publisher", options);
}

/**
 * Ends the viewer of the stream at `url` that has this id (see {@linkcode listViewers}): its connection is
 * closed (4009), and not made again by itself.
 *
 * @example
 * ```ts
 * import { endViewer, listViewers } from "@stream/relay/client";
 *
 * const url = "ws://127.0.0.1:8080/cam";
 * for (const { id } of await listViewers(url)) await endViewer(url, id, { reason: "good night" });
 * ```
 *
 * @throws {StreamError} as {@linkcode findStream}, and `failed` when the stream has no such viewer
 */
export async function endViewer(url: string, id: number, options: EndOptions = {}): Promise<void> {
  await end(streamApi(url), `viewers/${id}`, options);
}

async function end(place: Place, who: string, { reason, ...options }: EndOptions): Promise<void> {
  const query = reason === undefined ? "" : `?${new URLSearchParams({ reason })}`;
  const init = { method: "DELETE", query };
  await ask({ ...place, url: `${place.url}/${who}` }, isEnd, options, init);
}

/** Reads JSON; `undefined` where a text is none, or was too long. */
function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is asked, and what the address has to be let in by. */
interface Place {
  readonly url: string;
  readonly authorization: string | undefined;
}

function streamApi(url: string): Place {
  const { server, name, authorization } = parseStreamUrl(url);
  return { url: `${server}/api/streams/${name}`, authorization };
}

/** How it is asked, beside what goes with it. */
interface AskInit {
  readonly method?: string;
  /** What follows the address, with its `?`; errors do not repeat it. */
  readonly query?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask<T>(
  place: Place,
  isAnswer: (body: unknown) => body is T,
  options: AskOptions = {},
  { query = "", ...init }: AskInit = {},
): Promise<T> {
  const { url } = place;
  const timeUp = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal === undefined ? timeUp : AbortSignal.any([options.signal, timeUp]);
  let response: Response;
  let text: string | undefined;
  try {
    const pass = await passOf(options, place.authorization);
    const { authorization } = pass;
    const headers = {
      ...init.headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    const fetchIt = await findFetch(url);
    // Elsewhere may be anybody, who would be asked, or told, what this relay is.
    response = await fetchIt(url + query, { ...init, headers, signal, redirect: "manual" }, pass);
    text = await readText(response);
  } catch (cause) {
    const fault = signal.aborted ? undefined : answerFault(cause);
    if (fault !== undefined) {
      throw new StreamError("unreachable", `Cannot ask ${url}: ${fault}`, { cause });
    }
    const seen = signal.aborted
      ? `no response within ${TIMEOUT_MS / 1000} s`
      : "nothing answers there";
    throw new StreamError(
      "unreachable",
      `Cannot ask ${url}: ${seen}; check the address, or start a relay with "stream serve"`,
      { cause },
    );
  }
  const body = jsonOf(text);
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
  if (response.status === 401 || response.status === 403) {
    const said = typeof error === "string" ? error : text?.split("\n")[0];
    throw new StreamError("refused", `Cannot ask ${url}: ${refusal(`${response.status}`, said)}`);
  }
  const seen = typeof error === "string"
    ? printable(error.slice(0, MAX_SHOWN))
    : `the server is not a relay (HTTP ${response.status})`;
  throw new StreamError("failed", `Cannot ask ${url}: ${messageOf(seen)}`);
}
