/**
 * Keeps a client connected: the only place that tries again.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { CLOSE, mayRetry } from "../wire/close_code.ts";
import { Backoff } from "./backoff.ts";
import { type Closed, connect, type Connection } from "./connection.ts";
import type { Pass } from "./pass.ts";
import type { OpenSocket } from "./socket.ts";
import type { Wakeup } from "./wakeup.ts";

/** Options of {@linkcode keepConnected}. */
export interface ReconnectOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** What connects. */
  readonly openSocket: OpenSocket;
  /** Gives what goes with the next connection. @default {nothing} */
  readonly pass?: () => Promise<Pass>;
  readonly clock: Clock;
  /** Ends everything, also a delay. */
  readonly signal: AbortSignal;
  /** Notified of every message and of the end of a connection. */
  readonly wakeup: Wakeup;
  /** Told of a connection that was lost, and of the time until the next try. */
  readonly onLost: (why: string, delayMs: number) => void;
  /** Told of a connection that replaces a lost one. */
  readonly onRestored: () => void;
}

/**
 * Connects and runs `use`, again and again until `use` returns `done`, the signal comes, or the
 * relay closes the connection for good. The first connection is tried once.
 *
 * @throws {StreamError} when the first connection fails, or the relay says that another try is of
 * no use
 */
export async function keepConnected(
  options: ReconnectOptions,
  use: (connection: Connection) => Promise<"done" | Closed>,
): Promise<void> {
  const { clock, signal, pass: nextPass = noPass } = options;
  const backoff = new Backoff();
  let wasConnected = false;
  /** Whether there is something else to be let in by than what was refused. */
  const hasFresh = async (refused: Pass) =>
    !signal.aborted && (await nextPass()).authorization !== refused.authorization;
  while (!signal.aborted) {
    let why = "the relay does not answer";
    const pass = await nextPass();
    const connection = await connect({ ...options, pass }).catch(async (error) => {
      const isRefused = error instanceof StreamError && error.code === "refused";
      if (isRefused && await hasFresh(pass)) {
        why = "the relay refused the credentials, and there are others by now";
        return undefined;
      }
      const isPassing = error instanceof StreamError && error.code === "unreachable";
      if (!signal.aborted && (!isPassing || !wasConnected)) throw error;
      return undefined;
    });
    if (connection !== undefined) {
      if (wasConnected) options.onRestored();
      wasConnected = true;
      backoff.opened(clock.nowMs());
      const end = await use(connection).catch((error) => {
        if (signal.aborted) return "done" as const;
        throw error;
      });
      if (end === "done") return;
      // A relay that is full is no passing thing, though it cannot be reached either.
      const isRefused = end.code === CLOSE.refused || end.code === CLOSE.accessEnded;
      if (!mayRetry(end.code) && !(isRefused && await hasFresh(pass))) {
        throw closedError(options.url, end);
      }
      why = end.reason === "" ? "the connection was lost" : end.reason;
    }
    if (signal.aborted) return;
    const delayMs = backoff.lost(clock.nowMs(), Math.random());
    options.onLost(why, delayMs);
    await delay(delayMs, signal);
  }
}

function closedError(url: string, { code, reason }: Closed): StreamError {
  const seen = reason === "" ? `the relay closed the connection with code ${code}` : reason;
  const meaning = code === CLOSE.full
    ? "unreachable"
    : code === CLOSE.refused || code === CLOSE.accessEnded
    ? "refused"
    : "failed";
  const isBusy = code === CLOSE.busy;
  const advice = isBusy ? "; choose another name, or take the stream over" : "";
  return new StreamError(meaning, `Cannot stay connected to ${url}: ${seen}${advice}`, {
    detail: isBusy ? "stream_busy" : undefined,
  });
}

async function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

function noPass(): Promise<Pass> {
  return Promise.resolve({});
}
