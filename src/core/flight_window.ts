/**
 * How much may be under way to one viewer.
 *
 * @module
 */

/** Frames that may be under way before anything is known about the viewer. */
const FRAMES_UNMEASURED = 4;
/** Frames that may always be under way: one on the wire, one ready behind it. */
const FRAMES_ALWAYS = 2;
/** Most frames under way, whatever their size. */
const MAX_FRAMES = 1024;
/** How long a measured rate counts, in milliseconds. */
const RATE_MEMORY_MS = 5000;

/** Limits of a {@linkcode FlightWindow}. */
export interface FlightWindowOptions {
  /** Longest delay that what is under way may stand for, in milliseconds. */
  readonly maxDelayMs: number;
  /** Most bytes under way, except that one frame may always be. */
  readonly maxBytes: number;
}

interface Flight {
  readonly sequence: number;
  /** Bytes sent up to the end of this frame. */
  readonly endBytes: number;
  readonly sentMs: number;
  /** Bytes delivered when this frame was sent, for the rate. */
  readonly deliveredBytes: number;
}

/**
 * The frames sent to a viewer that it has not yet confirmed, and the rule whether one more may go.
 *
 * The rate is measured as in BBR (delivery rate: bytes confirmed between a frame's sending and its
 * confirmation, by the time between the two); the window is that rate times the delay allowed.
 * While the oldest frame is older than that delay, no third one is sent, whatever the rate was.
 */
export class FlightWindow {
  readonly #options: FlightWindowOptions;
  #flights: Flight[] = [];
  #head = 0;
  #sentBytes = 0;
  #deliveredBytes = 0;
  #rate = 0;
  #olderRate = 0;
  #rateSinceMs = 0;
  #roundTripMs: number | undefined;

  constructor(options: FlightWindowOptions) {
    this.#options = options;
  }

  /** Frames under way. */
  get frames(): number {
    return this.#flights.length - this.#head;
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#sentBytes - this.#deliveredBytes;
  }

  /** Milliseconds from the last confirmed frame's sending to its confirmation. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** How long the oldest frame has been under way, in milliseconds; 0 when none is. */
  ageMs(nowMs: number): number {
    const oldest = this.#flights[this.#head];
    return oldest === undefined ? 0 : nowMs - oldest.sentMs;
  }

  /** Whether a frame may be sent now. */
  isOpen(nowMs: number): boolean {
    const frames = this.frames;
    if (frames === 0) return true;
    if (frames >= MAX_FRAMES || this.bytes >= this.#options.maxBytes) return false;
    const rate = Math.max(this.#rate, this.#olderRate);
    if (frames < (rate === 0 ? FRAMES_UNMEASURED : FRAMES_ALWAYS)) return true;
    if (this.ageMs(nowMs) >= this.#options.maxDelayMs) return false;
    return this.bytes < rate * this.#options.maxDelayMs;
  }

  /** Counts a frame of `bytes` as under way. Sequences grow. */
  sent(sequence: number, bytes: number, nowMs: number): void {
    this.#sentBytes += bytes;
    this.#flights.push({
      sequence,
      endBytes: this.#sentBytes,
      sentMs: nowMs,
      deliveredBytes: this.#deliveredBytes,
    });
  }

  /**
   * The viewer has received every frame up to `sequence`. Returns the bytes that are no longer
   * under way, or `undefined` when no such frame is: a repeated or an invented acknowledgement.
   */
  acknowledge(sequence: number, nowMs: number): number | undefined {
    const oldest = this.#flights[this.#head];
    const newest = this.#flights[this.#flights.length - 1];
    if (oldest === undefined || sequence < oldest.sequence || sequence > newest!.sequence) {
      return undefined;
    }
    return this.#confirm((flight) => flight.sequence <= sequence, nowMs);
  }

  /** All but the last `bytes` bytes have left for the viewer. Returns the bytes newly confirmed. */
  confirmAllBut(bytes: number, nowMs: number): number {
    return this.#confirm((flight) => flight.endBytes <= this.#sentBytes - bytes, nowMs);
  }

  #confirm(isConfirmed: (flight: Flight) => boolean, nowMs: number): number {
    const before = this.#deliveredBytes;
    let last: Flight | undefined;
    while (this.#head < this.#flights.length && isConfirmed(this.#flights[this.#head]!)) {
      last = this.#flights[this.#head++]!;
    }
    if (last === undefined) return 0;
    this.#deliveredBytes = last.endBytes;
    this.#roundTripMs = nowMs - last.sentMs;
    this.#measure((last.endBytes - last.deliveredBytes) / Math.max(this.#roundTripMs, 0.1), nowMs);
    if (this.#head === this.#flights.length || this.#head >= 64) {
      this.#flights = this.#flights.slice(this.#head);
      this.#head = 0;
    }
    return this.#deliveredBytes - before;
  }

  /** Keeps the best rate (bytes a millisecond) of this period and of the one before it. */
  #measure(rate: number, nowMs: number): void {
    if (nowMs - this.#rateSinceMs >= RATE_MEMORY_MS) {
      this.#olderRate = this.#rate;
      this.#rate = 0;
      this.#rateSinceMs = nowMs;
    }
    this.#rate = Math.max(this.#rate, rate);
  }
}
