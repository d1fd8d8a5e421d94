/**
 * The viewers of one thread.
 *
 * @module
 */
import type { StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { ClockOffset } from "../wire/clock_offset.ts";
import { decodeServerMessage, encodeControl } from "../wire/control_message.ts";
import type { Pass } from "../net/pass.ts";
import { Histogram, type HistogramData } from "./histogram.ts";
import { readSentMs } from "./stamp.ts";
import { type Arrival, Viewer } from "./viewer.ts";
import { type Received, type Window, WindowCounts } from "./window.ts";

/** Viewers that join at the same time. */
const JOINING = 32;
/** How long a viewer that is connected and has no frame yet keeps the next from joining, in ms. */
const FRAMELESS_MS = 250;
/** How often slow viewers are looked after, in milliseconds. */
const SLOW_STEP_MS = 5;
/** How often viewers are asked for what they are to acknowledge, in milliseconds. */
const ACK_STEP_MS = 10;
/** What viewers that read all they can read into. */
const BUFFER_BYTES = 256 * 1024;
/** The same for a slow one: what it reads at once should be little. */
const SLOW_BUFFER_BYTES = 16 * 1024;

/** How a viewer reads: all it can, at half of the stream's rate, or nothing. */
export type Pace = "reading" | "slow" | "stalled";

/** Options of a {@linkcode Crowd}. */
export interface CrowdOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** What goes with every connection. @default {nothing} */
  readonly pass?: Pass;
  readonly isBare: boolean;
  /** How many viewers there are of each pace. */
  readonly viewers: Readonly<Record<Pace, number>>;
  /** The stream's frames a second; slow viewers take half of them. */
  readonly fps: number;
  /** Whether frames have stamps; else their header's capture time, if any, is that of sending. */
  readonly isStamped: boolean;
}

/** Everything that a crowd has counted. */
export interface CrowdResult {
  readonly received: Received;
  /** Milliseconds from the beginning of a connection to the first whole frame. */
  readonly join: HistogramData;
  /** Viewers that could not connect or were closed. */
  readonly failed: number;
}

/** A viewer and where it stands. */
interface Seat {
  readonly pace: Pace;
  readonly beganMs: number;
  viewer: Viewer | undefined;
  /** Whether it keeps another one from joining, and until when at most. */
  hasSlot: boolean;
  slotTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether it has a frame, or will not get one. */
  isJoined: boolean;
  /** When its last frame arrived, in ms since the Unix epoch; 0 before the first. */
  lastMs: number;
  /** Whether it has had a frame that was sent behind the window. */
  isThrough: boolean;
  /** When a slow one may read again, in ms of the clock. */
  dueMs: number;
  isPaused: boolean;
}

/** Joins viewers, and counts what they receive. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #clock: Clock;
  readonly #onLost: (error: StreamError) => void;
  readonly #counts = new WindowCounts();
  readonly #join = new Histogram();
  readonly #offset = new ClockOffset();
  readonly #seats = new Set<Seat>();
  readonly #slowSeats = new Set<Seat>();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #slowBuffer = new Uint8Array(SLOW_BUFFER_BYTES);
  readonly #waiting: Pace[];
  readonly #joined = Promise.withResolvers<void>();
  #slots = JOINING;
  /** Viewers that have not joined yet, connected or not. */
  #missing: number;
  #connected = 0;
  #listening = 0;
  #failed = 0;
  #window: Window = { beginMs: Infinity, endMs: Infinity };
  #slowTimer: ReturnType<typeof setInterval> | undefined;
  #ackTimer: ReturnType<typeof setInterval> | undefined;
  #clockTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CrowdOptions, clock: Clock, onLost: (error: StreamError) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#onLost = onLost;
    const { reading, slow, stalled } = options.viewers;
    // Taken from the end: those that never read have then been there longest.
    this.#waiting = [
      ...Array<Pace>(reading).fill("reading"),
      ...Array<Pace>(slow).fill("slow"),
      ...Array<Pace>(stalled).fill("stalled"),
    ];
    this.#missing = this.#waiting.length;
  }

  /** Viewers that are connected. */
  get connected(): number {
    return this.#connected;
  }

  /** Those of them that are not stalled: only they notice the end of their connection. */
  get listening(): number {
    return this.#listening;
  }

  /** Joins all viewers; settles when each has its first frame, is stalled or lost. */
  async join(): Promise<void> {
    this.#slowTimer = setInterval(() => this.#resumeSlow(), SLOW_STEP_MS);
    this.#ackTimer = setInterval(() => this.#acknowledge(), ACK_STEP_MS);
    this.#fill();
    if (this.#missing > 0) await this.#joined.promise;
  }

  /** Sets what is measured; who has not connected by then has failed. */
  set window(window: Window) {
    this.#window = window;
    this.#counts.window = window;
    this.#failed += this.#waiting.splice(0).length;
    for (const seat of this.#seats) {
      if (seat.viewer?.isConnected) continue;
      seat.viewer?.close();
      this.#seats.delete(seat);
      this.#failed++;
    }
    this.#joined.resolve();
  }

  /** Whether every viewer that reads has had a frame that was sent behind the window. */
  get isThrough(): boolean {
    return [...this.#seats].every(({ pace, isThrough }) => pace !== "reading" || isThrough);
  }

  /** Everything counted so far. */
  result(): CrowdResult {
    return {
      received: this.#counts.received(),
      join: this.#join.data(),
      failed: this.#failed,
    };
  }

  /** Closes all viewers. */
  close(): void {
    this.#waiting.length = 0;
    clearInterval(this.#slowTimer);
    clearInterval(this.#ackTimer);
    clearTimeout(this.#clockTimer);
    for (const { viewer, slotTimer } of this.#seats) {
      clearTimeout(slotTimer);
      viewer?.close();
    }
    this.#seats.clear();
  }

  #fill(): void {
    while (this.#slots > 0 && this.#waiting.length > 0) {
      this.#slots--;
      this.#open(this.#waiting.pop()!);
    }
  }

  #open(pace: Pace): void {
    const seat: Seat = {
      pace,
      beganMs: this.#clock.nowMs(),
      viewer: undefined,
      hasSlot: true,
      slotTimer: undefined,
      isJoined: false,
      lastMs: 0,
      isThrough: false,
      dueMs: 0,
      isPaused: false,
    };
    this.#seats.add(seat);
    if (pace === "slow") this.#slowSeats.add(seat);
    seat.viewer = new Viewer({
      url: this.#options.url,
      pass: this.#options.pass ?? {},
      isBare: this.#options.isBare,
      isStalled: pace === "stalled",
      buffer: pace === "slow" ? this.#slowBuffer : this.#buffer,
      clock: this.#clock,
    }, {
      connected: () => {
        this.#connected++;
        if (pace !== "stalled") this.#listening++;
        if (pace === "stalled") this.#joinedBy(seat);
        else seat.slotTimer = setTimeout(() => this.#release(seat), FRAMELESS_MS);
      },
      frame: (arrival) => this.#frame(seat, arrival),
      text: (text) => this.#text(text),
      lost: (error) => this.#lost(seat, error),
    });
  }

  #frame(seat: Seat, { head, bytes, captureUs }: Arrival): void {
    if (!seat.isJoined) {
      this.#join.add(this.#clock.nowMs() - seat.beganMs);
      this.#joinedBy(seat);
      const needsClock = !this.#options.isBare && !this.#options.isStamped;
      if (needsClock && this.#clockTimer === undefined) this.#askTime();
    }
    const arrivedMs = this.#clock.wallUs() / 1000;
    if (seat.pace === "slow") {
      this.#counts.addSlow(arrivedMs);
      const nowMs = this.#clock.nowMs();
      seat.dueMs = Math.max(seat.dueMs, nowMs) + 2000 / this.#options.fps;
      if (!seat.isPaused) seat.viewer!.pause();
      seat.isPaused = true;
    } else {
      const sentMs = this.#options.isStamped
        ? readSentMs(head)
        : captureUs === null || !this.#offset.isKnown
        ? undefined
        : (captureUs - this.#offset.offsetUs) / 1000;
      this.#counts.add({ sentMs, arrivedMs, lastMs: seat.lastMs, bytes });
      if ((sentMs ?? arrivedMs) >= this.#window.endMs) seat.isThrough = true;
    }
    seat.lastMs = arrivedMs;
  }

  #acknowledge(): void {
    if (this.#options.isBare) return;
    const nowMs = this.#clock.nowMs();
    for (const { viewer, pace } of this.#seats) {
      if (pace !== "stalled") viewer?.acknowledgeDue(nowMs);
    }
  }

  #resumeSlow(): void {
    const nowMs = this.#clock.nowMs();
    for (const seat of this.#slowSeats) {
      if (!seat.isPaused || seat.dueMs > nowMs) continue;
      seat.isPaused = false;
      seat.viewer!.resume();
    }
  }

  /** Asks for the relay's clock through any viewer that reads: it is the same for all. */
  #askTime(): void {
    const asked = [...this.#seats].find(({ pace, isJoined }) => pace === "reading" && isJoined);
    if (asked !== undefined) {
      asked.viewer!.send(encodeControl(this.#offset.request(this.#clock.wallUs())));
    }
    this.#clockTimer = setTimeout(() => this.#askTime(), this.#offset.intervalMs);
  }

  #text(text: string): void {
    // Nothing else is of interest, and to read all numbers of all viewers would cost.
    if (!text.startsWith('{"type":"time"')) return;
    const message = decodeServerMessage(text);
    if (message.type === "time") this.#offset.answer(message, this.#clock.wallUs());
  }

  #lost(seat: Seat, error: StreamError): void {
    this.#seats.delete(seat);
    this.#slowSeats.delete(seat);
    this.#failed++;
    if (seat.viewer!.isConnected) {
      this.#connected--;
      if (seat.pace !== "stalled") this.#listening--;
    } else if (this.#connected === 0) {
      // Nobody is there for the others, either.
      const { length } = this.#waiting.splice(0);
      this.#failed += length;
      this.#missing -= length;
    }
    this.#joinedBy(seat);
    this.#onLost(error);
  }

  #joinedBy(seat: Seat): void {
    if (seat.isJoined) return;
    seat.isJoined = true;
    this.#release(seat);
    if (--this.#missing === 0) this.#joined.resolve();
  }

  #release(seat: Seat): void {
    if (!seat.hasSlot) return;
    seat.hasSlot = false;
    clearTimeout(seat.slotTimer);
    this.#slots++;
    this.#fill();
  }
}
