/**
 * How much may be under way to one viewer.
 *
 * @module
 */
import { Deque } from "./deque.ts";
import type { FrameKind } from "./frame.ts";
import type { ViewerDelays } from "./viewer_delays.ts";

/**
 * The part of the allowed delay that frames under way may fill beyond the shortest round trip. The
 * rest is for what cannot be foreseen on the link, such as loss and retransmission.
 */
const FILLED_PART: Readonly<Record<FrameKind, number>> = {
  // A picture that gives way costs no more than itself.
  key: 0.45,
  // A delta frame takes all with it up to the next key frame.
  delta: 0.65,
};
/** Frames that may be under way while no queue has been seen on the link. */
const FRAMES_CALM = 4;
/** One more frame for each of these milliseconds that the oldest frame has been under way. */
const CALM_FRAME_MS = 15;
/** A link counts as free of queues again after this many frames in a row that did not queue. */
const CALM_AFTER_FRAMES = 30;
/** A frame that takes longer than this part of the delay allowed has queued. */
const QUEUED_PART = 0.65;
/** A frame that takes longer than this has queued, too, in milliseconds. */
const MAX_CALM_MS = 350;
/**
 * A frame has queued, too, if it takes longer than the shortest round trip by this part of the
 * allowed delay.
 */
const QUEUED_BEYOND_PART = 0.125;
/** But at most so much longer, in milliseconds. */
const MAX_QUEUED_BEYOND_MS = 100;
/** How much of the delay allowed the oldest frame may take beyond the shortest round trip. */
const LATE_PART = 0.5;
/** The same before the first is confirmed. */
const FIRST_PART = 0.7;
/** But at most this, in milliseconds. */
const MAX_FIRST_MS = 700;
/** The first frames are confirmed one by one. */
const FRAMES_FIRST = 4;
/** The part of the allowed delay for which a viewer may then delay its acknowledgement. */
const HELD_PART = 0.25;
/** Most frames under way, whatever their size. */
const MAX_FRAMES = 1024;
/** How long a round trip counts, in milliseconds. */
const MEMORY_MS = 5000;
/** Shortest time that a rate is measured over, in milliseconds. */
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
  /** When it was sent; later by the times in which the relay stood still. */
  sentMs: number;
  /** Whether nothing was under way before it. */
  readonly isBeginning: boolean;
}

/** Frames that are confirmed together. */
interface Run {
  readonly oldest: Flight;
  readonly last: Flight;
  readonly frames: number;
}

/**
 * The frames sent to a viewer that it has not yet confirmed, and the rule whether one more may go.
 *
 * The rate is what was confirmed in the time in which something was under way: a viewer that could
 * take more shows at least the stream's own rate, one that cannot shows its link's, and a link that
 * lets a burst through does not deceive for long. A frame may go while what is under way takes, at
 * that rate, no longer than the delay allowed, less the time that the frame has waited. Since a
 * viewer does not confirm each frame by itself, some of what counts as under way has arrived: as much
 * as the rate carries in the time since the last frame that is known to have.
 *
 * A rate that is no more than the stream's own says little of a frame larger than the others. So as
 * long as no frame has queued, some frames may be under way whatever the rate is, more of them with
 * time: a round trip that is long is no queue.
 *
 * The age of the oldest frame counts in any case, since it tells of a link that has become slow before
 * anything is confirmed: while it exceeds the shortest round trip by half the delay allowed, a queue
 * stands somewhere on the way, and no second frame is sent, whatever the rate was.
 */
export class FlightWindow {
  readonly #options: FlightWindowOptions;
  readonly #flights = new Deque<Flight>();
  #sentBytes = 0;
  #deliveredBytes = 0;
  /**
   * Bytes confirmed and the time they took, both decaying, and the moment up to which that time is
   * counted.
   */
  #rateBytes = 0;
  #rateMs = 0;
  #countedMs = 0;
  readonly #shortest = new Shortest();
  /** The round trip over the way when it is empty, as far as is known, in milliseconds. */
  #emptyMs = Infinity;
  /** Frames confirmed since one has queued. */
  #calmFrames = Infinity;
  /** The last frame confirmed whose times are known, and when it was. */
  #timed: Flight | undefined;
  #timedMs = 0;
  #confirmedFrames = 0;
  /** When the last confirmed frame arrived, and when that was heard. */
  #arrivedMs = -Infinity;
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

  /** Whether a frame of this kind may be sent now that has waited for `waitedMs` already. */
  isOpen(nowMs: number, waitedMs = 0, kind: FrameKind = "key"): boolean {
    if (this.frames === 0) return true;
    if (!this.#isYoung(nowMs)) return false;
    if (this.#isCalm && this.frames < this.#calmLimit(nowMs)) return true;
    const leftMs = this.#filledMs(kind) - waitedMs;
    return leftMs > 0 && this.#bytesAhead(nowMs) < this.rate * leftMs;
  }

  /**
   * The same for a frame from before the viewer joined. How long that frame has waited does not
   * matter. There may be many of them at once, and they must not fill a link of which nothing is
   * known yet.
   */
  isOpenForCatchUp(nowMs: number): boolean {
    if (this.frames === 0) return true;
    if (!this.#isYoung(nowMs)) return false;
    if (this.rate === 0) return this.frames < FRAMES_CALM;
    return this.#bytesAhead(nowMs) < this.rate * this.#filledMs("delta");
  }

  /** A frame that takes longer than the shortest round trip by this has queued, in milliseconds. */
  get #queuedBeyondMs(): number {
    return Math.min(this.#options.maxDelayMs * QUEUED_BEYOND_PART, MAX_QUEUED_BEYOND_MS);
  }

  /** Whether no frame has queued of late. */
  get #isCalm(): boolean {
    return this.#calmFrames >= CALM_AFTER_FRAMES;
  }

  /** How long what is under way may take, in milliseconds. */
  #filledMs(kind: FrameKind): number {
    const { maxDelayMs } = this.#options;
    const filledMs = maxDelayMs * FILLED_PART[kind];
    return Math.min(maxDelayMs, this.#emptyMs + filledMs);
  }

  /** Frames that may be under way as long as none has queued. */
  #calmLimit(nowMs: number): number {
    const ageMs = this.ageMs(nowMs);
    const shortestMs = this.#shortest.get(nowMs) ?? MAX_FIRST_MS;
    const heldMs = this.#confirmedFrames < FRAMES_FIRST ? 0 : this.#options.maxDelayMs * HELD_PART;
    const calmMs = shortestMs + heldMs + this.#queuedBeyondMs;
    return ageMs < calmMs ? FRAMES_CALM + Math.floor(ageMs / CALM_FRAME_MS) : 0;
  }

  /**
   * Whether another frame may be sent as far as the number, bytes and age of those under way are
   * concerned.
   */
  #isYoung(nowMs: number): boolean {
    const { maxDelayMs, maxBytes } = this.#options;
    if (this.frames >= MAX_FRAMES || this.bytes >= maxBytes) return false;
    const shortestMs = this.#shortest.get(nowMs);
    const mostMs = shortestMs === undefined
      ? Math.min(maxDelayMs * FIRST_PART, MAX_FIRST_MS)
      : shortestMs + maxDelayMs * LATE_PART;
    return this.ageMs(nowMs) < mostMs;
  }

  /** Bytes under way that have, as far as can be known, not arrived. */
  #bytesAhead(nowMs: number): number {
    const onWayMs = nowMs - Math.max(this.#arrivedMs, this.#flights.first?.sentMs ?? nowMs);
    return this.bytes - this.rate * Math.min(onWayMs, this.#options.maxDelayMs * HELD_PART);
  }

  /** Counts a frame of `bytes` as under way. Sequences grow. */
  sent(sequence: number, bytes: number, nowMs: number, times: FrameTimes | null = null): void {
    if (this.frames === 0) this.#countedMs = nowMs;
    this.#sentBytes += bytes;
    const isBeginning = this.frames === 0;
    this.#flights.push({ sequence, times, endBytes: this.#sentBytes, sentMs: nowMs, isBeginning });
  }

  /** The relay stood still: for so long nobody could take what was confirmed. */
  stoodStill(ms: number): void {
    for (let index = 0; index < this.frames; index++) this.#flights.at(index)!.sentMs += ms;
    this.#countedMs += ms;
    this.#confirmedMs += ms;
  }

  /**
   * The viewer has received every frame up to `sequence`, and that one `heldMs` before it said so.
   * Returns the bytes that are no longer under way, or `undefined` when no such frame is: a repeated
   * or an invented acknowledgement.
   */
  acknowledge(sequence: number, nowMs: number, heldMs = 0): number | undefined {
    const oldest = this.#flights.first;
    const newest = this.#flights.last;
    if (oldest === undefined || sequence < oldest.sequence || sequence > newest!.sequence) {
      return undefined;
    }
    let frames = 0;
    let last = oldest;
    while (this.#flights.first !== undefined && this.#flights.first.sequence <= sequence) {
      last = this.#flights.shift();
      frames++;
    }
    // Only an acknowledgement tells that a frame is there, not that it has left the socket.
    const confirmed = this.#confirm({ oldest, last, frames }, nowMs, heldMs);
    if (last.times !== null) this.#options.delays?.viewer.add(this.#arrivedMs - last.sentMs);
    return confirmed;
  }

  /** All but the last `bytes` bytes have left for the viewer. Returns the bytes newly confirmed. */
  confirmAllBut(bytes: number, nowMs: number): number {
    const confirmedBytes = this.#sentBytes - bytes;
    const oldest = this.#flights.first;
    let frames = 0;
    let last: Flight | undefined;
    while (this.#flights.first !== undefined && this.#flights.first.endBytes <= confirmedBytes) {
      last = this.#flights.shift();
      frames++;
    }
    return last === undefined ? 0 : this.#confirm({ oldest: oldest!, last, frames }, nowMs, 0);
  }

  /** Frames that are no longer under way are confirmed; returns their bytes. */
  #confirm(run: Run, nowMs: number, heldMs: number): number {
    const { last } = run;
    const bytes = last.endBytes - this.#deliveredBytes;
    this.#deliveredBytes = last.endBytes;
    this.#confirmedMs = nowMs;
    // A viewer may say anything.
    this.#arrivedMs = Math.max(nowMs - heldMs, last.sentMs, this.#arrivedMs);
    if (last.times !== null) {
      this.#timed = last;
      this.#timedMs = this.#arrivedMs;
      this.#options.delays?.relay.add(last.sentMs - last.times.receivedMs);
    }
    this.#judge(run, nowMs);
    // The first of many has taken a round trip as well, or has passed an idle link in a burst.
    const isUnfit = this.frames > 0 || (!this.#isCalm && this.rate > 0);
    if (!run.oldest.isBeginning || !isUnfit) this.#measure(bytes);
    this.#countedMs = Math.max(this.#arrivedMs, this.#flights.first?.sentMs ?? 0);
    return bytes;
  }

  /** Finds out whether the frames of `run` have queued on the way. */
  #judge({ last, frames }: Run, nowMs: number): void {
    const roundTripMs = this.#arrivedMs - last.sentMs;
    this.#shortest.add(roundTripMs, nowMs);
    const { maxDelayMs } = this.#options;
    const mostMs = this.#shortest.get(nowMs)! + this.#queuedBeyondMs;
    const hasQueued = roundTripMs > Math.min(mostMs, maxDelayMs * QUEUED_PART, MAX_CALM_MS);
    // What was measured while nothing queued may be far from what the way can carry.
    if (hasQueued && this.#isCalm) this.#rateBytes = this.#rateMs = 0;
    this.#calmFrames = hasQueued ? 0 : this.#calmFrames + frames;
    this.#confirmedFrames += frames;
    // Over a way that is full for long, all round trips are longer than over the empty one.
    this.#emptyMs = this.#isCalm
      ? this.#shortest.get(nowMs)!
      : Math.min(this.#emptyMs, roundTripMs);
  }

  #measure(bytes: number): void {
    const elapsedMs = Math.max(0, this.#arrivedMs - this.#countedMs);
    const kept = Math.exp(-elapsedMs / RATE_MEMORY_MS);
    this.#rateBytes = this.#rateBytes * kept + bytes;
    this.#rateMs = this.#rateMs * kept + elapsedMs;
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
