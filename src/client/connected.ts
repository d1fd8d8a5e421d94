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
import { passOf, type PassOptions } from "../net/pass.ts";
import { keepConnected } from "../net/reconnect.ts";
import type { OpenSocket } from "../net/socket.ts";
import type { Wakeup } from "../net/wakeup.ts";

/** Options of every client. */
export interface ClientOptions extends PassOptions {
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
  /** What the address has to be let in by. */
  readonly authorization: string | undefined;
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
  { options, authorization, onStop, ...connected }: ConnectedOptions,
  serve: (connection: Connection) => Promise<"done" | Closed>,
): Promise<void> {
  const { signal, wakeup } = connected;
  const wake = () => wakeup.notify();
  options.signal?.addEventListener("abort", onStop);
  signal.addEventListener("abort", wake);
  if (options.signal?.aborted) onStop();
  try {
    const openSocket = options.openSocket ?? await findOpener();
    const pass = () => passOf(options, authorization);
    await keepConnected({ ...connected, openSocket, pass }, serve);
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
/** How often it is looked whether anything has come, in milliseconds. */
const LISTEN_MS = 1000;
/**
 * A relay of which nothing comes so often is lost: it sends numbers once a second, and to a viewer that
 * does not keep up at least its time, for which it is asked every five seconds.
 */
const MAX_SILENCES = 10;
/** What stands for the code of a connection that ended without one (RFC 6455 section 7.1.5). */
const NO_CODE = 1006;

/** How a connection ends on which the relay does not greet. */
export const NO_GREETING: Closed = {
  code: NO_CODE,
  reason: `the relay does not greet within ${GREETING_MS / 1000} s`,
};
/** How a connection ends on which nothing comes any more. */
export const SILENT: Closed = {
  code: NO_CODE,
  reason: `the relay has been silent for ${MAX_SILENCES * LISTEN_MS / 1000} s`,
};

/**
 * Asks the relay for its time over one connection, as often as the session wants it, and notices a relay
 * that is gone without a word.
 */
export class Lifeline {
  #greetingDueMs: number | undefined;
  #dueMs = -Infinity;
  #listenDueMs = -Infinity;
  #heard = -1;
  #silences = 0;
  #lost: Closed | undefined;

  /** How the connection is to end, once the relay is lost. */
  get lost(): Closed | undefined {
    return this.#lost;
  }

  /** Asks if it is time, and listens; returns when that is next. */
  poll(
    session: ComparesClocks,
    connection: Pick<Connection, "send" | "heard" | "waiting">,
    clock: Clock,
  ): number {
    const nowMs = clock.nowMs();
    this.#listen(connection, nowMs);
    this.#greetingDueMs ??= nowMs + GREETING_MS;
    this.#lost = this.#silences >= MAX_SILENCES ? SILENT : undefined;
    if (session.welcome === undefined) {
      if (nowMs >= this.#greetingDueMs) this.#lost = NO_GREETING;
      return Math.min(this.#greetingDueMs, this.#listenDueMs);
    }
    if (nowMs >= this.#dueMs) {
      connection.send(session.askTime(clock.wallUs()));
      this.#dueMs = nowMs + session.clockIntervalMs;
    }
    return Math.min(this.#dueMs, this.#listenDueMs);
  }

  #listen({ heard, waiting }: Pick<Connection, "heard" | "waiting">, nowMs: number): void {
    if (nowMs < this.#listenDueMs) return;
    this.#listenDueMs = nowMs + LISTEN_MS;
    // Counted in looks, so that a computer that was asleep hears what has come first.
    this.#silences = waiting > 0 || heard !== this.#heard ? 0 : this.#silences + 1;
    this.#heard = heard;
  }
}
