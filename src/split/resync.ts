/**
 * Going on behind bytes of which no frame can be made.
 *
 * @module
 */
import { InputError, type InputFault } from "../errors.ts";
import type { FrameInput } from "./frame_input.ts";
import type { SplitFrame, Splitter } from "./splitter.ts";

/** Fewest bytes in which a first frame is looked for; more where a frame may have more. */
export const MIN_SEARCH_BYTES: number = 4 * 1024 * 1024;

/** A splitter that can begin again at any frame. */
export interface FrameFinder extends Splitter {
  /** Its unread bytes. */
  readonly input: FrameInput;
  /**
   * Once `next` has thrown: the number of unread bytes within which no other frame begins. It must
   * not depend on how the input was cut.
   */
  readonly passed: number;
  /**
   * Offset of the first unread byte, at `from` or behind it, where a frame begins or may turn out
   * to begin once more bytes have come; the number of unread bytes where there is none.
   */
  findStart(from: number): number;
  /** Gets ready for a frame that begins at the first unread byte. */
  restart(): void;
}

/**
 * Gives the whole frames of an input in which other bytes stand, too. A frame that turns out to be
 * broken is left out with what follows it, up to where the next frame begins that is whole.
 *
 * Every byte is searched once: the search goes on where the last attempt is known to hold nothing.
 */
export class ResyncSplitter implements Splitter {
  readonly #finder: FrameFinder;
  #damaged = 0;
  #fault: InputFault | undefined;
  #firstError: InputError | undefined;
  /** Whether the bytes in front of the unread ones were left out. */
  #isLost = false;
  /** Where the search for the next frame goes on, while there is none. */
  #from: number | undefined;
  /** Offset of the last place at which the search found what may be a frame. */
  #triedAt = -1;
  /** Bytes left out in front of the first frame, but for frames that were too large. */
  #junkBytes = 0;

  constructor(finder: FrameFinder) {
    this.#finder = finder;
  }

  get damaged(): number {
    return this.#damaged + (this.#finder.damaged ?? 0);
  }

  get fault(): InputFault | undefined {
    return this.#fault;
  }

  push(chunk: Uint8Array): void {
    this.#finder.push(chunk);
  }

  end(): void {
    this.#finder.end();
  }

  idle(): void {
    this.#finder.idle?.();
  }

  next(): SplitFrame | undefined {
    for (;;) {
      if (!this.#findStart()) return undefined;
      try {
        const frame = this.#finder.next();
        if (frame !== undefined) this.#isLost = this.#finder.input.isUntold = false;
        return frame;
      } catch (error) {
        if (!(error instanceof InputError) || error.fault.isFinal === true) throw error;
        this.#lose(error);
      }
    }
  }

  #lose(error: InputError): void {
    const { input, passed } = this.#finder;
    // What failed where it began is not tried again.
    const from = input.offset === this.#triedAt ? Math.max(1, passed) : passed;
    this.#from = Math.min(from, input.length);
    if (this.#isLost) return;
    this.#isLost = input.isUntold = true;
    this.#damaged++;
    this.#fault = error.fault;
    this.#firstError ??= error;
  }

  /** Passes over what is no frame; false when nothing is left. */
  #findStart(): boolean {
    if (this.#from === undefined) return true;
    const { input } = this.#finder;
    const at = this.#finder.findStart(this.#from);
    this.#from = 0;
    input.skip(at);
    if (this.#fault?.isTooLarge !== true) this.#junkBytes += at;
    const mayGoOn = input.framesTaken > 0 ||
      this.#junkBytes <= Math.max(MIN_SEARCH_BYTES, input.maxFrameBytes);
    if (!mayGoOn || (input.length === 0 && input.ended && input.framesTaken === 0)) {
      throw this.#firstError;
    }
    if (input.length === 0) return false;
    this.#from = undefined;
    this.#triedAt = input.offset;
    this.#finder.restart();
    return true;
  }
}

/**
 * Whether a frame of which only the length is told is whole. It was cut off where another begins
 * within it and none where it should end; nothing needs to have come behind a frame that has none
 * within it.
 *
 * @param behind what stands where it should end: another frame, the end of the input, something
 * else, or too little to tell.
 * @param findWithin the offset of a frame that begins within it, if there is one.
 */
export function frameEnd(
  behind: "frame" | "end" | "other" | "unknown",
  findWithin: () => number | undefined,
): { readonly state: "whole" | "unknown" } | { readonly state: "cut off"; readonly at: number } {
  if (behind === "frame" || behind === "end") return { state: "whole" };
  const at = findWithin();
  if (at === undefined) return { state: "whole" };
  return behind === "unknown" ? { state: "unknown" } : { state: "cut off", at };
}
