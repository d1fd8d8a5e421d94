/**
 * An input of which the first bytes show what it is split by.
 *
 * @module
 */
import { Assembly } from "../bytes/assembly.ts";
import type { InputFault } from "../errors.ts";
import type { SplitFrame, Splitter } from "./splitter.ts";

/** A splitter for an input, and the number of its first bytes that are passed over. */
export interface Detected {
  readonly splitter: Splitter;
  readonly skip?: number;
}

/**
 * What an input that begins with these bytes is split by; `undefined` where more must come.
 *
 * @throws {InputError} when it is nothing that can be split
 */
export type Detect = (bytes: Uint8Array, state: InputState) => Detected | undefined;

/** Whether more of an input comes, as far as is known. */
export interface InputState {
  /** Nothing more comes. */
  readonly isEnded: boolean;
  /** Nothing has come for a while. */
  readonly isIdle: boolean;
}

/** Keeps the first bytes until they show what the input is. */
export class DetectingSplitter implements Splitter {
  readonly #detect: Detect;
  readonly #first = new Assembly();
  #splitter: Splitter | undefined;
  #isEnded = false;
  #isIdle = false;

  /** `detect` is asked with all that has come until it knows. */
  constructor(detect: Detect) {
    this.#detect = detect;
  }

  get damaged(): number {
    return this.#splitter?.damaged ?? 0;
  }

  get fault(): InputFault | undefined {
    return this.#splitter?.fault;
  }

  push(chunk: Uint8Array): void {
    if (this.#splitter !== undefined) return this.#splitter.push(chunk);
    if (this.#isEnded) throw new TypeError("Cannot push bytes: the input has ended");
    this.#first.append(chunk);
    this.#isIdle = false;
  }

  end(): void {
    this.#isEnded = true;
    this.#splitter?.end();
  }

  idle(): void {
    this.#isIdle = true;
    this.#splitter?.idle?.();
  }

  next(): SplitFrame | undefined {
    this.#splitter ??= this.#open();
    return this.#splitter?.next();
  }

  #open(): Splitter | undefined {
    const { bytes } = this.#first;
    const found = this.#detect(bytes, { isEnded: this.#isEnded, isIdle: this.#isIdle });
    if (found === undefined) return undefined;
    const { splitter, skip = 0 } = found;
    if (bytes.length > skip) splitter.push(bytes.subarray(skip));
    this.#first.skip(bytes.length);
    if (this.#isEnded) splitter.end();
    return splitter;
  }
}
