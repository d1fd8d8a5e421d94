/**
 * What publishers and watchers have in common: they stay connected until somebody asks for a stop, and
 * keep the relay's clock.
 *
 * @module
 */
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { findOpener } from "../net/any_socket.ts";
import type { Closed, Connection } from "../net/connection.ts";
import { keepConnected } from "../net/reconnect.ts";
import type { OpenSocket } from "../net/socket.ts";
import type { Wakeup } from "../net/wakeup.ts";

/** Options of every client. */
export interface ClientOptions {
  /** Asks for a stop, as `close` does. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
  /**
   * What opens the WebSocket. @default {`ws` in Deno and Node.js, the platform's own in browsers}
   */
  readonly openSocket?: OpenSocket;
  /** Where instants come from. @default {the clocks of the system} */
  readonly clock?: Clock;
}

/** What happens to the connection of every client. */
export interface RestoredEvent {
  /** There is a connection again. */
  readonly type: "restored";
}

/** What {@linkcode stayConnected} works with. */
export interface ConnectedOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  readonly options: ClientOptions;
  readonly clock: Clock;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
  /** Notified of every message, of the end of a connection, and of `signal`. */
  readonly wakeup: Wakeup;
  /** Called when a stop is asked for. */
  readonly onStop: () => void;
  /** Told of a connection that was lost, and of the time until the next try. */
  readonly onLost: (reason: string, retryMs: number) => void;
  readonly onRestored: () => void;
}

/**
 * Connects and runs `serve`, again and again until it is done.
 *
 * @throws {StreamError} when the relay cannot be reached, is not understood, or closes the connection
 * for good
 */
export async function stayConnected(
  { options, onStop, ...connected }: ConnectedOptions,
  serve: (connection: Connection) => Promise<"done" | Closed>,
): Promise<void> {
  const { signal, wakeup } = connected;
  const wake = () => wakeup.notify();
  options.signal?.addEventListener("abort", onStop);
  signal.addEventListener("abort", wake);
  if (options.signal?.aborted) onStop();
  try {
    const openSocket = options.openSocket ?? await findOpener();
    await keepConnected({ ...connected, openSocket }, serve);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new StreamError("failed", `Cannot understand the relay: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    options.signal?.removeEventListener("abort", onStop);
    signal.removeEventListener("abort", wake);
  }
}

/** A session that compares its clock with the relay's. */
export interface ComparesClocks {
  /** What the relay has said of the stream; `undefined` before it has greeted. */
  readonly welcome: unknown;
  /** Time until the relay is to be asked again, in milliseconds. */
  readonly clockIntervalMs: number;
  /** The message that asks for the relay's time, at `nowUs` of the own clock. */
  askTime(nowUs: number): string;
}

/** How long a relay may take to greet, in milliseconds. */
const GREETING_MS = 10_000;

/** How a connection ends on which the relay does not greet. */
export const NO_GREETING: Closed = {
  // What stands for the code of a connection that ended without one (RFC 6455 section 7.1.5).
  code: 1006,
  reason: `the relay does not greet within ${GREETING_MS / 1000} s`,
};

/** Asks the relay for its time over one connection, as often as the session wants it. */
export class ClockPoll {
  #greetingDueMs: number | undefined;
  #dueMs = -Infinity;

  /** Asks if it is time; returns when it is next, or when the relay has to have greeted. */
  poll(session: ComparesClocks, connection: Pick<Connection, "send">, clock: Clock): number {
    const nowMs = clock.nowMs();
    this.#greetingDueMs ??= nowMs + GREETING_MS;
    if (session.welcome === undefined) return this.#greetingDueMs;
    if (nowMs >= this.#dueMs) {
      connection.send(session.askTime(clock.wallUs()));
      this.#dueMs = nowMs + session.clockIntervalMs;
    }
    return this.#dueMs;
  }

  /** Whether the relay has not greeted in time. */
  isInVain(session: Pick<ComparesClocks, "welcome">, clock: Clock): boolean {
    return session.welcome === undefined && clock.nowMs() >= (this.#greetingDueMs ?? Infinity);
  }
}
