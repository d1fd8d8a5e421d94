/**
 * How much may be under way to one viewer.
 *
 * @module
 */
import { Deque } from "./deque.ts";
import type { ViewerDelays } from "./viewer_delays.ts";

/** Frames that may be under way before anything is known about the viewer. */
const FRAMES_UNMEASURED = 4;
/** Frames that may always be under way: one on the wire, one ready behind it. */
const FRAMES_ALWAYS = 2;
/** How much of the delay allowed may come from frames queued on the way, beyond the round trip. */
const QUEUED_PART = 0.5;
/** Most frames under way, whatever their size. */
const MAX_FRAMES = 1024;
/** How long a round trip counts, in milliseconds. */
const MEMORY_MS = 5000;
/** Less time than this is not told from none, in milliseconds. */
const MIN_RATE_MS = 0.1;
/** Time with frames under way after which a measured rate counts for a third, in milliseconds. */
const RATE_MEMORY_MS = 1000;

/** Limits of a {@linkcode FlightWindow}. */
export interface FlightWindowOptions {
  /** Longest delay that what is under way may stand for, in milliseconds. */
  readonly maxDelayMs: number;
  /** Most bytes under way, except that one frame may always be. */
  readonly maxBytes: number;
  /** Where the delay of each frame confirmed is counted whose times are known. */
  readonly delays?: ViewerDelays;
}

/** When a frame was where, for the latency of its viewer. */
export interface FrameTimes {
  /** When the relay received the frame, in milliseconds of its monotonic clock. */
  readonly receivedMs: number;
  /** How old the frame was then, in milliseconds since its capture. */
  readonly captureAgeMs: number;
}

/** How long frames take to a viewer, in milliseconds. */
export interface Latency {
  /** From the publisher's capture to the viewer's acknowledgement of the last frame. */
  readonly totalMs: number;
  /** The relay's part: from its receipt of that frame to the moment it was sent. */
  readonly relayMs: number;
  /** From that moment to the acknowledgement. */
  readonly roundTripMs: number;
}

interface Flight {
  readonly sequence: number;
  /** `null` for a frame whose age says nothing of the way it took. */
  readonly times: FrameTimes | null;
  /** Bytes sent up to the end of this frame. */
  readonly endBytes: number;
  readonly sentMs: number;
}

/**
 * The frames sent to a viewer that it has not yet confirmed, and the rule whether one more may go.
 *
 * The rate is what was confirmed in the time in which something was under way: a viewer that could
 * take more shows at least the stream's own rate, one that cannot shows its link's, and a link that
 * lets a burst through does not deceive for long. The window is that rate times the delay allowed.
 * The age of the oldest frame counts as well, since it tells of a link that has become slow before
 * anything is confirmed: while it exceeds the shortest round trip by half the delay allowed, a queue
 * stands somewhere on the way, and no third frame is sent, whatever the rate was.
 */
export class FlightWindow {
  readonly #options: FlightWindowOptions;
  readonly #flights = new Deque<Flight>();
  #sentBytes = 0;
  #deliveredBytes = 0;
  /** Bytes confirmed and the time it took, both fading; and up to when that time is counted. */
  #rateBytes = 0;
  #rateMs = 0;
  #countedMs = 0;
  readonly #shortest = new Shortest();
  /** The last frame confirmed whose times are known, and when it was. */
  #timed: Flight | undefined;
  #timedMs = 0;
  #confirmedMs = -Infinity;

  constructor(options: FlightWindowOptions) {
    this.#options = options;
  }

  /** Frames under way. */
  get frames(): number {
    return this.#flights.length;
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#sentBytes - this.#deliveredBytes;
  }

  /** The rate of the way to the viewer in bytes a millisecond; 0 before it is measured. */
  get rate(): number {
    return this.#rateBytes / Math.max(this.#rateMs, MIN_RATE_MS);
  }

  /** How long the last confirmed frame took whose times are known. */
  get latency(): Latency | undefined {
    if (this.#timed === undefined) return undefined;
    const { times, sentMs } = this.#timed;
    const { receivedMs, captureAgeMs } = times!;
    const confirmedMs = this.#timedMs;
    return {
      totalMs: captureAgeMs + confirmedMs - receivedMs,
      relayMs: sentMs - receivedMs,
      roundTripMs: confirmedMs - sentMs,
    };
  }

  /** How long the oldest frame has been under way, in milliseconds; 0 when none is. */
  ageMs(nowMs: number): number {
    const oldest = this.#flights.first;
    return oldest === undefined ? 0 : nowMs - oldest.sentMs;
  }

  /** How long nothing has been confirmed while something was under way, in milliseconds. */
  stalledMs(nowMs: number): number {
    const oldest = this.#flights.first;
    return oldest === undefined ? 0 : nowMs - Math.max(oldest.sentMs, this.#confirmedMs);
  }

  /** Whether a frame may be sent now that has waited for `waitedMs` already. */
  isOpen(nowMs: number, waitedMs = 0): boolean {
    const frames = this.frames;
    if (frames === 0) return true;
    if (frames >= MAX_FRAMES || this.bytes >= this.#options.maxBytes) return false;
    const { rate } = this;
    const { maxDelayMs } = this.#options;
    if (frames < (rate === 0 ? FRAMES_UNMEASURED : FRAMES_ALWAYS)) return true;
    const shortestMs = this.#shortest.get(nowMs) ?? 0;
    if (this.ageMs(nowMs) >= Math.min(maxDelayMs, shortestMs + maxDelayMs * QUEUED_PART)) {
      return false;
    }
    return this.bytes < rate * (maxDelayMs - Math.min(waitedMs, maxDelayMs));
  }

  /** Counts a frame of `bytes` as under way. Sequences grow. */
  sent(sequence: number, bytes: number, nowMs: number, times: FrameTimes | null = null): void {
    if (this.frames === 0) this.#countedMs = nowMs;
    this.#sentBytes += bytes;
    this.#flights.push({ sequence, times, endBytes: this.#sentBytes, sentMs: nowMs });
  }

  /**
   * The viewer has received every frame up to `sequence`. Returns the bytes that are no longer
   * under way, or `undefined` when no such frame is: a repeated or an invented acknowledgement.
   */
  acknowledge(sequence: number, nowMs: number): number | undefined {
    const oldest = this.#flights.first;
    const newest = this.#flights.last;
    if (oldest === undefined || sequence < oldest.sequence || sequence > newest!.sequence) {
      return undefined;
    }
    let last = oldest;
    while (this.#flights.first !== undefined && this.#flights.first.sequence <= sequence) {
      last = this.#flights.shift();
    }
    // Only an acknowledgement tells that a frame is there, not that it has left the socket.
    if (last.times !== null) this.#options.delays?.viewer.add(nowMs - last.sentMs);
    return this.#confirm(last, nowMs);
  }

  /** All but the last `bytes` bytes have left for the viewer. Returns the bytes newly confirmed. */
  confirmAllBut(bytes: number, nowMs: number): number {
    const confirmedBytes = this.#sentBytes - bytes;
    let last: Flight | undefined;
    while (this.#flights.first !== undefined && this.#flights.first.endBytes <= confirmedBytes) {
      last = this.#flights.shift();
    }
    return last === undefined ? 0 : this.#confirm(last, nowMs);
  }

  /** Everything up to `last`, which is no longer under way, is confirmed; returns its bytes. */
  #confirm(last: Flight, nowMs: number): number {
    const before = this.#deliveredBytes;
    this.#deliveredBytes = last.endBytes;
    this.#confirmedMs = nowMs;
    const roundTripMs = nowMs - last.sentMs;
    if (last.times !== null) {
      this.#timed = last;
      this.#timedMs = nowMs;
      this.#options.delays?.relay.add(last.sentMs - last.times.receivedMs);
    }
    this.#shortest.add(roundTripMs, nowMs);
    this.#measure(this.#deliveredBytes - before, nowMs);
    return this.#deliveredBytes - before;
  }

  #measure(bytes: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#countedMs;
    const kept = Math.exp(-elapsedMs / RATE_MEMORY_MS);
    this.#rateBytes = this.#rateBytes * kept + bytes;
    this.#rateMs = this.#rateMs * kept + elapsedMs;
    this.#countedMs = nowMs;
  }
}

/** The shortest round trip of this period and of the one before it, in milliseconds. */
class Shortest {
  #ms = Infinity;
  #olderMs = Infinity;
  #sinceMs = 0;

  get(nowMs: number): number | undefined {
    this.#roll(nowMs);
    const ms = Math.min(this.#ms, this.#olderMs);
    return ms === Infinity ? undefined : ms;
  }

  add(ms: number, nowMs: number): void {
    this.#roll(nowMs);
    this.#ms = Math.min(this.#ms, ms);
  }

  #roll(nowMs: number): void {
    // A period without a measurement says nothing: the last one that has any goes on counting.
    if (nowMs - this.#sinceMs < MEMORY_MS || this.#ms === Infinity) return;
    this.#olderMs = this.#ms;
    this.#ms = Infinity;
    this.#sinceMs = nowMs;
  }
}
