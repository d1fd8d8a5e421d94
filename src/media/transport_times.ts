/**
 * The times of a stream in MPEG-TS, which may begin anew at any place.
 *
 * @module
 */
import type { PesTimes } from "./transport_stream.ts";

/** Units of time in a second, and how many there are before they begin again at 0. */
const UNITS_PER_SECOND = 90_000;
const MODULUS = 2 ** 33;
/** A step that is longer, or back by more, is one of the clock and not of the film. */
const MAX_STEP = 10 * UNITS_PER_SECOND;
const MAX_STEP_BACK = UNITS_PER_SECOND / 10;
/** Step where nothing tells it. */
const DEFAULT_STEP = UNITS_PER_SECOND / 25;
/** Steps that are believed to be those from one frame to the next. */
const MAX_FRAME_STEP = UNITS_PER_SECOND;

/** When a frame is decoded and shown, in microseconds. */
export interface TransportTime {
  readonly dtsUs: number;
  readonly ptsUs: number;
}

/** Makes times of a film of those of its frames, in the order in which they are decoded. */
export class TransportTimes {
  /** What is added to times of the file. */
  #shift = 0;
  #last: number | undefined;
  #step = DEFAULT_STEP;

  next({ pts, dts = pts }: Partial<PesTimes>): TransportTime {
    const last = this.#last;
    const expected = last === undefined ? 0 : last + this.#step;
    if (dts === undefined) {
      this.#last = expected;
      return inMicroseconds(expected, expected);
    }
    let decode = last === undefined ? dts : last + signed(dts + this.#shift - last);
    if (last !== undefined && (decode - last > MAX_STEP || last - decode > MAX_STEP_BACK)) {
      this.#shift += expected - decode;
      decode = expected;
    }
    if (last !== undefined) {
      if (decode > last && decode - last <= MAX_FRAME_STEP) this.#step = decode - last;
      decode = Math.max(decode, last);
    }
    this.#last = decode;
    const order = pts === undefined ? 0 : signed(pts - dts);
    return inMicroseconds(decode, decode + (Math.abs(order) > MAX_STEP ? 0 : order));
  }
}

function inMicroseconds(dts: number, pts: number): TransportTime {
  const scale = 1_000_000 / UNITS_PER_SECOND;
  return { dtsUs: Math.round(dts * scale), ptsUs: Math.round(pts * scale) };
}

/** The difference of two times on the shorter way round. */
function signed(difference: number): number {
  const rest = ((difference % MODULUS) + MODULUS) % MODULUS;
  return rest >= MODULUS / 2 ? rest - MODULUS : rest;
}
