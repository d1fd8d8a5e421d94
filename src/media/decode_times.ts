/**
 * Times of decoding, made of times of presentation.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import type { StreamFormat } from "../core/stream_format.ts";

/** Time between two pictures where nothing tells it, in microseconds. */
const DEFAULT_STEP_US = 33_333;

/**
 * How many pictures may be decoded before one that is shown earlier: encoders use 2 or 3. Where it is
 * less, pictures are said to be decoded earlier than they must be, which does no harm.
 */
const REORDER_DEPTH = 4;
/** Where the times of a codec can be out of order at all. */
const REORDERED: readonly StreamFormat[] = ["h264", "hevc"];

/** The times of decoding of a stream that nobody can look ahead in. */
export function liveTimes({ config: { format, frameRate }, hasTimes }: {
  readonly config: Pick<StreamConfig, "format" | "frameRate">;
  /** Whether frames have times of presentation, and so may come in another order than that of those. */
  readonly hasTimes: boolean;
}): DecodeTimes {
  const depth = hasTimes && REORDERED.includes(format) ? REORDER_DEPTH : 0;
  return frameRate === null
    ? new DecodeTimes(depth)
    : new DecodeTimes(depth, Math.max(1, Math.round(1e6 / frameRate)));
}

/**
 * Gives each frame a time of decoding that grows from frame to frame and is not after the time at
 * which it is shown.
 *
 * The times of decoding are the times of presentation in order, as many frames late as pictures are
 * shown out of order; how many that is, the first frames show, where they are there.
 */
export class DecodeTimes {
  /** Time between two pictures at the beginning, in microseconds. */
  readonly stepUs: number;
  /** How much later everything is shown than it would be without pictures out of order. */
  readonly delayUs: number;
  readonly #depth: number;
  /** Times of presentation that have not become times of decoding yet, in order. */
  #waiting: number[] = [];
  #count = 0;
  #lastUs = -1;

  /** `depth` is how many pictures may be decoded before one that is shown earlier. */
  constructor(depth: number, stepUs: number = DEFAULT_STEP_US) {
    this.stepUs = stepUs;
    this.#depth = depth;
    this.delayUs = depth * stepUs;
  }

  /** `firstUs` are times of presentation of the first frames, in the order of decoding. */
  static of(firstUs: readonly number[]): DecodeTimes {
    const ordered = [...firstUs].sort((one, other) => one - other);
    const stepUs = ordered.length > 1 ? Math.max(1, ordered[1]! - ordered[0]!) : DEFAULT_STEP_US;
    const depth = firstUs.reduce((depth, timeUs, index) => {
      const later = firstUs.slice(0, index).filter((earlier) => earlier > timeUs).length;
      return Math.max(depth, later);
    }, 0);
    return new DecodeTimes(depth, stepUs);
  }

  /** The time of decoding of the next frame; `timeUs` is when it is shown. */
  next(timeUs: number): number {
    const { decodeUs, waiting } = this.#after(timeUs);
    this.#waiting = waiting;
    this.#count++;
    this.#lastUs = decodeUs;
    return decodeUs;
  }

  /** What {@linkcode next} would give. */
  peek(timeUs: number): number {
    return this.#after(timeUs).decodeUs;
  }

  #after(timeUs: number): { readonly decodeUs: number; readonly waiting: number[] } {
    const waiting = [...this.#waiting, timeUs + this.delayUs].sort((one, other) => one - other);
    const inOrderUs = this.#count < this.#depth ? this.#count * this.stepUs : waiting.shift()!;
    return { decodeUs: Math.max(inOrderUs, this.#lastUs + 1), waiting };
  }
}
