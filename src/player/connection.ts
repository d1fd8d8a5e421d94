/**
 * A viewer's connection to one stream, which is made again whenever it is lost.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import { systemClock } from "../host/clock.ts";
import { ATTENDED_MAX_DELAY_MS, Backoff } from "../net/backoff.ts";
import { tokenProtocol } from "../net/token_protocol.ts";
import { CLOSE, mayRetry } from "../wire/close_code.ts";
import type { StatsMessage, Welcome } from "../wire/control_message.ts";
import { type FrameHeader, SUBPROTOCOL } from "../wire/frame_message.ts";
import { type ViewerEvent, ViewerSession } from "../wire/viewer_session.ts";
import { accessOf, type Admission, admissions, type Refusal } from "./admission.ts";

/** How often the connection is looked after, in milliseconds. */
const WATCH_MS = 1000;
/** The relay sends numbers once a second: after so many seconds of silence it is lost. */
const MAX_SILENT_TICKS = 6;
const OPEN_TIMEOUT_MS = 10_000;
/** How long a connection that is given up may take to say goodbye. */
const GOODBYE_MS = 500;
/** What stands for the code of a connection that ended without one (RFC 6455 section 7.1.5). */
const NO_CODE = 1006;

/** A frame as it came. */
export interface ReceivedFrame {
  readonly header: FrameHeader;
  readonly data: Uint8Array<ArrayBuffer>;
  /** This computer's clock. */
  readonly receivedUs: number;
  /**
   * False where an earlier connection has brought it already, also one to another run of the relay:
   * it is then marked as catch-up.
   */
  readonly isNew: boolean;
}

/** How a connection ended. */
export interface Lost {
  /** Of the WebSocket's close. */
  readonly code: number;
  /** The relay's reason, or a word of this module for what it met. */
  readonly why: string;
  /** Whether no other try follows. */
  readonly isFinal: boolean;
  /** How many in a row did not come about. */
  readonly failures: number;
}

/** What the one who uses a connection is told. */
export interface ConnectionEvents {
  readonly onConnecting: () => void;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onConfig: (config: StreamConfig) => void;
  readonly onFrame: (frame: ReceivedFrame) => void;
  readonly onStats: (stats: StatsMessage) => void;
  /** The publisher has ended the stream. */
  readonly onEnd: () => void;
  readonly onLost: (lost: Lost) => void;
}

/** What it needs of the browser; a test brings its own. */
export interface Surroundings {
  readonly open: (url: string, protocols: string | string[]) => WebSocket;
  /** Whether there is a server. */
  readonly answers: (url: string) => Promise<boolean>;
  /** Whether the relay lets whoever has the token watch. */
  readonly admission: (url: string, token: string | undefined) => Promise<Admission>;
  readonly random: () => number;
}

/** Gives the token for one try, at once or later; nothing where there is none. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** Options of a {@linkcode Connection}. */
export interface ConnectionOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** Most frames a second, `null` for all. */
  readonly fps: number | null;
  /** Longest delay in milliseconds that frames under way may stand for. */
  readonly maxDelayMs: number;
  /** The token that lets the viewer in, asked for before each try. @default {none} */
  readonly token?: TokenSource | undefined;
}

const BROWSER: Surroundings = {
  open: (url, protocols) => new WebSocket(url, protocols),
  answers,
  admission: (url, token) => admissions.ask(accessOf(url), token),
  random: Math.random,
};

/** Watches one stream: confirms each frame as soon as it is there, and keeps the relay's clock. */
export class Connection {
  readonly #url: string;
  readonly #token: TokenSource;
  readonly #session: ViewerSession;
  readonly #events: ConnectionEvents;
  readonly #surroundings: Surroundings;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #clockTimer: ReturnType<typeof setTimeout> | undefined;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #backoff = new Backoff(ATTENDED_MAX_DELAY_MS);
  #failures = 0;
  #isRejoining = false;
  #isClosed = false;
  #silentTicks = 0;
  /** Changes with each beginning and end, so that what was waited for knows whether it still counts. */
  #turn = 0;
  #hasOpened = false;

  constructor(
    { url, fps, maxDelayMs, token = () => undefined }: ConnectionOptions,
    events: ConnectionEvents,
    surroundings: Surroundings = BROWSER,
  ) {
    this.#url = url;
    this.#token = token;
    this.#session = new ViewerSession({ fps, maxDelayMs });
    this.#events = events;
    this.#surroundings = surroundings;
  }

  /** The relay's clock. */
  get clock(): ViewerSession["clock"] {
    return this.#session.clock;
  }

  /** Frames that passed this viewer by, as gaps in the sequences tell. */
  get missed(): number {
    return this.#session.skipped;
  }

  /** Connects, and stays connected until `close`. */
  open(): void {
    this.#isClosed = false;
    this.#backoff.reset();
    this.#connect();
  }

  /** Leaves. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** Tries at once, where it waits for the next try. */
  hurry(): void {
    if (this.#timer === undefined || this.#isClosed || this.#socket !== undefined) return;
    this.#backoff.reset();
    this.#connect();
  }

  /** Leaves and comes again, for the last key frame and all that followed it. */
  rejoin(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#isRejoining || this.#isClosed) return;
    this.#isRejoining = true;
    // The relay may have no place for two: the old connection goes first.
    const next = () => {
      if (this.#socket === socket) this.#connect();
    };
    socket.onmessage = null;
    socket.onclose = next;
    this.#confirmRest(socket);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(next, GOODBYE_MS);
    socket.close(CLOSE.normal);
  }

  #connect(): void {
    this.#drop();
    this.#events.onConnecting();
    this.#withToken((token) => this.#dial(token));
  }

  #connectWith(token: string | undefined): void {
    this.#drop();
    this.#events.onConnecting();
    this.#dial(token);
  }

  /** Goes on once there is a token, unless something else has begun meanwhile. */
  #withToken(next: (token: string | undefined) => void): void {
    const turn = this.#turn;
    const isOver = () => turn !== this.#turn || this.#isClosed;
    let given: ReturnType<TokenSource>;
    try {
      given = this.#token();
    } catch (error) {
      given = Promise.reject(error);
    }
    if (typeof given !== "object") return next(given);
    given.then(
      (token) => isOver() || next(token),
      () => isOver() || this.#lost(NO_CODE, "no token"),
    );
  }

  #dial(token: string | undefined): void {
    // Browsers let pages set nothing else of a WebSocket.
    const socket = this.#surroundings.open(
      this.#url,
      token === undefined ? SUBPROTOCOL : [SUBPROTOCOL, tokenProtocol(token)],
    );
    const hello = this.#session.open();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(socket, hello);
    socket.onmessage = ({ data }) => this.#receive(socket, data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(NO_CODE, "no answer"), OPEN_TIMEOUT_MS);
  }

  /** Forgets the socket and everything that waits. */
  #drop(): void {
    this.#turn++;
    this.#hasOpened = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#clockTimer);
    clearInterval(this.#watch);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    this.#confirmRest(socket);
    if (socket.readyState <= socket.OPEN) socket.close(CLOSE.normal);
  }

  #opened(socket: WebSocket, hello: string): void {
    if (socket.protocol !== SUBPROTOCOL) {
      this.#fail(CLOSE.protocolError, "it does not speak stream.v1");
      return;
    }
    clearTimeout(this.#timer);
    this.#hasOpened = true;
    this.#silentTicks = 0;
    socket.send(hello);
    this.#watch = setInterval(() => this.#tick(), WATCH_MS);
  }

  #tick(): void {
    // Counted in calls, so that a computer that was asleep hears what has come first.
    if (++this.#silentTicks > MAX_SILENT_TICKS) this.#lost(NO_CODE, "the relay is silent");
  }

  /** Asks for the relay's clock, now and again. */
  #askTime(socket: WebSocket): void {
    // A relay may greet again and again.
    clearTimeout(this.#clockTimer);
    socket.send(this.#session.askTime(systemClock.wallUs()));
    this.#clockTimer = setTimeout(() => this.#askTime(socket), this.#session.clockIntervalMs);
  }

  #receive(socket: WebSocket, data: string | ArrayBuffer): void {
    const nowUs = systemClock.wallUs();
    this.#silentTicks = 0;
    try {
      const message = typeof data === "string" ? data : new Uint8Array(data);
      this.#take(socket, this.#session.receive(message, nowUs), nowUs);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error.closeCode, error.message);
    }
  }

  #take(socket: WebSocket, event: ViewerEvent, receivedUs: number): void {
    switch (event.type) {
      case "welcome":
        this.#isRejoining = false;
        this.#backoff.opened(systemClock.nowMs());
        this.#askTime(socket);
        return this.#events.onWelcome(event.welcome);
      case "config":
        return this.#events.onConfig(event.config);
      case "stats":
        return this.#events.onStats(event.stats);
      case "end":
        return this.#events.onEnd();
      case "frame": {
        const { header, data, isNew } = event;
        this.#confirm(socket, header.sequence);
        // A decoder that began anew needs it once more, but it is not to be shown once more.
        const shown = isNew ? header : { ...header, catchUp: true };
        return this.#events.onFrame({ header: shown, data, receivedUs, isNew });
      }
    }
  }

  /** Acknowledges a frame, now or a little later. */
  #confirm(socket: WebSocket, sequence: number): void {
    const session = this.#session;
    const ack = session.confirm(sequence, systemClock.nowMs());
    if (ack !== undefined) socket.send(ack);
    // One timer for many deadlines: it is set again when it has come too early.
    if (session.confirmDeadlineMs === Infinity || this.#ackTimer !== undefined) return;
    const wait = () => {
      const waitMs = session.confirmDeadlineMs - systemClock.nowMs();
      this.#ackTimer = waitMs === Infinity ? undefined : setTimeout(() => {
        const due = session.confirmDue(systemClock.nowMs());
        if (due !== undefined) socket.send(due);
        wait();
      }, waitMs);
    };
    wait();
  }

  /** Acknowledges what is left before it leaves. */
  #confirmRest(socket: WebSocket): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    const ack = this.#session.confirmRest(systemClock.nowMs());
    if (ack !== undefined && socket.readyState === socket.OPEN) socket.send(ack);
  }

  /** Gives up: the relay, or what answers in its place, is not to be understood. */
  #fail(code: number, why: string): void {
    this.#drop();
    this.#events.onLost({ code, why, isFinal: true, failures: this.#failures });
  }

  #lost(code: number, reason: string): void {
    const isGreeted = this.#session.welcome !== undefined;
    // Worth another try just after this viewer has left its place.
    const isFullOfItself = code === CLOSE.full && this.#isRejoining;
    const hasEnded = code === CLOSE.accessEnded;
    const isFinal = !mayRetry(code) && !isFullOfItself && !hasEnded;
    const isDoubtful = !this.#hasOpened || hasEnded;
    this.#isRejoining = isFullOfItself && this.#backoff.attempt < 5;
    this.#drop();
    this.#failures = isGreeted ? 0 : this.#failures + 1;
    if (!isFinal) this.#retry(isDoubtful);
    this.#events.onLost({ code, why: reason, isFinal, failures: this.#failures });
  }

  /**
   * Waits, and connects. Once a try has failed, a plain request asks first whether there is a server:
   * browsers make WebSockets wait for longer and longer after many that failed. Where the WebSocket did
   * not open, or what was permitted has ended, another asks whether the token counts: a wrong one is sent
   * no second time.
   */
  #retry(isDoubtful: boolean): void {
    const delayMs = this.#backoff.lost(systemClock.nowMs(), this.#surroundings.random());
    const isFirst = this.#backoff.attempt === 1;
    this.#wait(delayMs, (token) => {
      if (isFirst && !isDoubtful) this.#connectWith(token);
      else this.#look({ token, isFirst, isDoubtful });
    });
  }

  #wait(delayMs: number, next: (token: string | undefined) => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#withToken(next), delayMs);
  }

  async #look({ token, isFirst, isDoubtful }: {
    readonly token: string | undefined;
    readonly isFirst: boolean;
    readonly isDoubtful: boolean;
  }): Promise<void> {
    const { admission, answers } = this.#surroundings;
    const turn = this.#turn;
    const said = isDoubtful ? await admission(this.#url, token) : "away";
    const isThere = said !== "away" || isFirst || await answers(this.#url);
    if (turn !== this.#turn || this.#isClosed) return;
    if (typeof said === "object") this.#refused(said);
    else if (isThere) this.#connectWith(token);
    else this.#retry(isDoubtful);
  }

  /** The relay does not let this viewer in: another token may help, or time. */
  #refused({ sentence, waitMs }: Refusal): void {
    const isFinal = waitMs === 0;
    const next = isFinal ? "" : ` (the next try is in ${Math.ceil(waitMs / 1000)} s)`;
    const why = sentence.replace(/^Cannot do this: /, "") + next;
    if (isFinal) this.#drop();
    else this.#wait(waitMs, (token) => this.#look({ token, isFirst: false, isDoubtful: true }));
    this.#events.onLost({ code: CLOSE.accessEnded, why, isFinal, failures: this.#failures });
  }
}

/** Whether a server answers beside the stream's address. */
async function answers(url: string): Promise<boolean> {
  const health = new URL("health", url.replace(/^ws/, "http"));
  try {
    const { status } = await fetch(health, {
      cache: "no-store",
      mode: "no-cors",
      signal: AbortSignal.timeout(OPEN_TIMEOUT_MS),
    });
    // 0: another origin, whose answer may not be seen.
    return status < 500;
  } catch {
    // It cannot be reached.
    return false;
  }
}
