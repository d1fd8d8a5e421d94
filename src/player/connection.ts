// @ts-check
/// <reference lib="dom" />
/**
 * A viewer's connection to one stream, which is made again whenever it is lost.
 *
 * @module
 */
import { backoffMs, mayRetry } from "./backoff.js";
import { RelayClock, wallUs } from "./clock.js";
import {
  Acknowledgement,
  decodeControl,
  decodeFrame,
  encodeHello,
  encodeTime,
  SUBPROTOCOL,
  WireError,
} from "./wire.js";

/** @typedef {import("./wire.js").Config} Config */
/** @typedef {import("./wire.js").FrameHeader} FrameHeader */
/** @typedef {import("./wire.js").Stats} Stats */
/** @typedef {import("./wire.js").Welcome} Welcome */

/** How often the connection is looked after, in milliseconds. */
const WATCH_MS = 1000;
/** The relay sends numbers once a second: after so many seconds of silence it is lost. */
const MAX_SILENT_TICKS = 6;
/** The relay's clock is asked for every so many seconds, and more often at first. */
const CLOCK_TICKS = 5;
const FIRST_CLOCK_TICKS = 3;
/** A connection that lasted for so long was a good one: the next delay is the first again. */
const GOOD_MS = 2000;
const OPEN_TIMEOUT_MS = 10_000;
/** How long a connection that is given up may take to say goodbye. */
const GOODBYE_MS = 500;
/** The relay has no viewer to spare: worth another try just after this one has left. */
const FULL = 4005;

/**
 * A frame as it came.
 *
 * @typedef {object} ReceivedFrame
 * @property {FrameHeader} header
 * @property {Uint8Array<ArrayBuffer>} data
 * @property {number} receivedUs this computer's clock
 * @property {boolean} isNew false where an earlier connection has brought it already, also one to
 *   another run of the relay: it is then marked as catch-up
 */

/**
 * How a connection ended: `why` is the relay's reason, or a word of this module for what it met.
 *
 * @typedef {object} Lost
 * @property {number} code of the WebSocket's close
 * @property {string} why
 * @property {boolean} isFinal whether no other try follows
 * @property {number} failures how many in a row did not come about
 */

/**
 * What the one who uses a connection is told.
 *
 * @typedef {object} ConnectionEvents
 * @property {() => void} onConnecting
 * @property {(welcome: Welcome) => void} onWelcome
 * @property {(config: Config) => void} onConfig
 * @property {(frame: ReceivedFrame) => void} onFrame
 * @property {(stats: Stats) => void} onStats
 * @property {() => void} onEnd the publisher has ended the stream
 * @property {(lost: Lost) => void} onLost
 */

/**
 * What it needs of the browser; a test brings its own.
 *
 * @typedef {object} Surroundings
 * @property {(url: string, protocol: string) => WebSocket} open
 * @property {(url: string) => Promise<boolean>} answers whether there is a server
 * @property {() => number} random
 */

/** @type {Surroundings} */
const BROWSER = {
  open: (url, protocol) => new WebSocket(url, protocol),
  answers,
  random: Math.random,
};

/** Watches one stream: confirms each frame as soon as it is there, and keeps the relay's clock. */
export class Connection {
  /** The relay's clock. */
  clock = new RelayClock();
  /** Frames that passed this viewer by, as gaps in the sequences tell. */
  missed = 0;

  /** @readonly */ #url;
  /** @readonly */ #wish;
  /** @readonly @type {ConnectionEvents} */ #events;
  /** @readonly @type {Surroundings} */ #surroundings;
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #watch;
  #attempt = 0;
  #failures = 0;
  #openedMs = 0;
  #isGreeted = false;
  #isRejoining = false;
  #isClosed = false;
  /** @type {Acknowledgement} */ #acknowledgement;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #ackTimer;
  #silentTicks = 0;
  #ticks = 0;
  #run = "";
  #epoch = -1;
  /** Last sequence of the relay's run. */
  #sequence = 0;
  /** @type {string | null} of the publisher of the frames that follow */
  #session = null;
  /** How its sequences differ. */
  #offset = 0;
  /**
   * The session of the last frame that was new, and the sequence under which it was published.
   *
   * @type {{ session: string, sentAs: number } | undefined}
   */
  #last;

  /**
   * @param {object} options
   * @param {string} options.url the stream's WebSocket address
   * @param {number | null} options.fps most frames a second, `null` for all
   * @param {number} options.maxDelayMs longest delay that frames under way may stand for
   * @param {ConnectionEvents} events
   * @param {Surroundings} [surroundings]
   */
  constructor({ url, fps, maxDelayMs }, events, surroundings = BROWSER) {
    this.#url = url;
    this.#wish = { fps, maxDelayMs };
    this.#acknowledgement = new Acknowledgement(maxDelayMs);
    this.#events = events;
    this.#surroundings = surroundings;
  }

  /** Connects, and stays connected until `close`. */
  open() {
    this.#isClosed = false;
    this.#attempt = 0;
    this.#connect();
  }

  /** Leaves. */
  close() {
    this.#isClosed = true;
    this.#drop();
  }

  /** Tries at once, where it waits for the next try. */
  hurry() {
    if (this.#timer === undefined || this.#isClosed || this.#socket !== undefined) return;
    this.#attempt = 0;
    this.#connect();
  }

  /** Leaves and comes again, for the last key frame and all that followed it. */
  rejoin() {
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
    socket.close(1000);
  }

  #connect() {
    this.#drop();
    this.#events.onConnecting();
    const socket = this.#surroundings.open(this.#url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#receive(socket, data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#socket = socket;
    this.#isGreeted = false;
    this.#acknowledgement = new Acknowledgement(this.#wish.maxDelayMs);
    this.#epoch = -1;
    this.#timer = setTimeout(() => this.#lost(1006, "no answer"), OPEN_TIMEOUT_MS);
  }

  /** Forgets the socket and everything that waits. */
  #drop() {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    this.#confirmRest(socket);
    if (socket.readyState <= socket.OPEN) socket.close(1000);
  }

  /** @param {WebSocket} socket */
  #opened(socket) {
    if (socket.protocol !== SUBPROTOCOL) {
      this.#fail(1002, "it does not speak stream.v1");
      return;
    }
    clearTimeout(this.#timer);
    this.#openedMs = performance.now();
    this.#silentTicks = 0;
    this.#ticks = 0;
    socket.send(encodeHello(this.#wish));
    this.#watch = setInterval(() => this.#tick(socket), WATCH_MS);
  }

  /** @param {WebSocket} socket */
  #tick(socket) {
    this.#ticks++;
    // Counted in calls, so that a computer that was asleep hears what has come first.
    if (++this.#silentTicks > MAX_SILENT_TICKS) {
      this.#lost(1006, "the relay is silent");
      return;
    }
    const isClockDue = this.#ticks <= FIRST_CLOCK_TICKS || this.#ticks % CLOCK_TICKS === 0;
    if (this.#isGreeted && isClockDue) socket.send(encodeTime(wallUs()));
  }

  /**
   * @param {WebSocket} socket
   * @param {string | ArrayBuffer} data
   */
  #receive(socket, data) {
    const nowUs = wallUs();
    this.#silentTicks = 0;
    try {
      if (typeof data === "string") this.#control(socket, data, nowUs);
      else this.#frame(socket, new Uint8Array(data), nowUs);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail(error.closeCode, error.message);
    }
  }

  /**
   * @param {WebSocket} socket
   * @param {string} text
   * @param {number} nowUs
   */
  #control(socket, text, nowUs) {
    const message = decodeControl(text);
    switch (message.type) {
      case "welcome":
        this.#isGreeted = true;
        this.#isRejoining = false;
        if (message.run !== this.#run) this.#sequence = 0;
        this.#run = message.run;
        socket.send(encodeTime(wallUs()));
        return this.#events.onWelcome(message);
      case "config":
        this.#epoch = message.epoch;
        this.#session = message.session;
        this.#offset = message.offset;
        return this.#events.onConfig(message);
      case "stats":
        return this.#events.onStats(message);
      case "time":
        return this.clock.answer(message, nowUs);
      case "end":
        return this.#events.onEnd();
      default:
        throw new WireError(1002, `the relay sent ${message.type} to a viewer`);
    }
  }

  /**
   * @param {WebSocket} socket
   * @param {Uint8Array<ArrayBuffer>} message
   * @param {number} receivedUs
   */
  #frame(socket, message, receivedUs) {
    const { header, data } = decodeFrame(message);
    if (header.epoch !== this.#epoch) throw new WireError(1002, "a frame without a configuration");
    this.#confirm(socket, header.sequence);
    const isNew = this.#take(header.sequence);
    // A decoder that began anew needs it once more, but it is not to be shown once more.
    header.catchUp ||= !isNew;
    this.#events.onFrame({ header, data, receivedUs, isNew });
  }

  /**
   * Whether the frame of this sequence has not come before: its publisher's sequences tell, also
   * across runs of the relay, where it is known whose they are.
   *
   * @param {number} sequence
   * @returns {boolean}
   */
  #take(sequence) {
    const session = this.#session;
    const sentAs = sequence - this.#offset;
    const isSame = session !== null && session === this.#last?.session;
    const last = isSame ? this.#last?.sentAs : this.#sequence > 0 ? this.#sequence : undefined;
    const gap = last === undefined ? 1 : (isSame ? sentAs : sequence) - last;
    this.#sequence = Math.max(this.#sequence, sequence);
    if (gap <= 0) return false;
    this.missed += gap - 1;
    this.#last = session === null ? undefined : { session, sentAs };
    return true;
  }

  /**
   * Acknowledges a frame, now or a little later.
   *
   * @param {WebSocket} socket
   * @param {number} sequence
   */
  #confirm(socket, sequence) {
    const acknowledgement = this.#acknowledgement;
    const ack = acknowledgement.received(sequence, performance.now());
    if (ack !== undefined) socket.send(ack);
    // One timer for many deadlines: it is set again when it has come too early.
    if (acknowledgement.deadlineMs === Infinity || this.#ackTimer !== undefined) return;
    const wait = () => {
      const waitMs = acknowledgement.deadlineMs - performance.now();
      this.#ackTimer = waitMs === Infinity ? undefined : setTimeout(() => {
        const due = acknowledgement.due(performance.now());
        if (due !== undefined) socket.send(due);
        wait();
      }, waitMs);
    };
    wait();
  }

  /**
   * Acknowledges what is left before it leaves.
   *
   * @param {WebSocket} socket
   */
  #confirmRest(socket) {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    const ack = this.#acknowledgement.flush(performance.now());
    if (ack !== undefined && socket.readyState === socket.OPEN) socket.send(ack);
  }

  /**
   * Gives up: the relay, or what answers in its place, is not to be understood.
   *
   * @param {number} code
   * @param {string} why
   */
  #fail(code, why) {
    this.#drop();
    this.#events.onLost({ code, why, isFinal: true, failures: this.#failures });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const wasGood = this.#isGreeted && performance.now() - this.#openedMs >= GOOD_MS;
    const isFinal = !mayRetry(code) && !(code === FULL && this.#isRejoining);
    this.#isRejoining = this.#isRejoining && code === FULL && this.#attempt < 5;
    this.#drop();
    if (wasGood) this.#attempt = 0;
    this.#failures = this.#isGreeted ? 0 : this.#failures + 1;
    if (!isFinal) this.#retry();
    this.#events.onLost({ code, why: reason, isFinal, failures: this.#failures });
  }

  /**
   * Waits, and connects. Once a try has failed, a plain request asks first whether there is a server:
   * browsers make WebSockets wait for longer and longer after many that failed.
   */
  #retry() {
    const attempt = this.#attempt++;
    const delayMs = backoffMs(attempt, this.#surroundings.random());
    this.#timer = setTimeout(async () => {
      const timer = this.#timer;
      const isThere = attempt === 0 || await this.#surroundings.answers(this.#url);
      if (this.#timer !== timer || this.#isClosed) return;
      if (isThere) this.#connect();
      else this.#retry();
    }, delayMs);
  }
}

/**
 * Whether a server answers beside the stream's address.
 *
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function answers(url) {
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
