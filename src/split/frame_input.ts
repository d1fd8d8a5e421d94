/**
 * The bytes that a splitter works on: where it stands, what it may hold, and how it fails.
 *
 * @module
 */
import { Assembly } from "../bytes/assembly.ts";
import { hex } from "../bytes/text.ts";
import { InputError, type InputFault } from "../errors.ts";
import type { SplitterOptions } from "./splitter.ts";

/** A fault of the current frame, seen `at` bytes after the first unread byte. */
export interface FrameFault
  extends Pick<InputFault, "expected" | "found" | "advice" | "isTooLarge" | "isCutOff"> {
  /** Bytes between the first unread byte and the fault. */
  readonly at: number;
}

/** More than any limit may be: a size above it is no size, but bytes out of step. */
const BELIEVABLE_BYTES = 64 * 1024 * 1024;

/** What is thrown where only that there is a fault is of interest: an error of its own costs much. */
const UNTOLD_FAULT: InputError = new InputError({
  frame: 0,
  offset: 0,
  expected: "a frame",
  found: "something else",
});

/** Unread input of a splitter, with the number and the offset that errors must name. */
export class FrameInput {
  readonly #assembly = new Assembly();
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** As in {@linkcode SplitterOptions}. */
  readonly resyncs: boolean;
  /** Whether nobody reads what a fault is: one error stands for all. */
  isUntold = false;
  #frame = 1;
  #ended = false;

  constructor({ maxFrameBytes, resyncs = false }: SplitterOptions) {
    this.maxFrameBytes = maxFrameBytes;
    this.resyncs = resyncs;
  }

  /** Number of unread bytes. */
  get length(): number {
    return this.#assembly.length;
  }

  /** Offset of the first unread byte from the start of the input. */
  get offset(): number {
    return this.#assembly.offset;
  }

  /** The unread bytes; valid until the next call of `push`, `take` or `skip`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#assembly.bytes;
  }

  /** As many of the unread bytes as the largest frame has. */
  get limitedBytes(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.maxFrameBytes);
  }

  /** Number of frames taken so far. */
  get framesTaken(): number {
    return this.#frame - 1;
  }

  /** True when no more bytes come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True when the input ended with its last byte read; an input without a frame never is. */
  get finished(): boolean {
    return this.#ended && this.#assembly.length === 0 && this.#frame > 1;
  }

  /** Appends a copy of `chunk`. */
  push(chunk: Uint8Array): void {
    if (this.#ended) throw new TypeError("Cannot push bytes: the input has ended");
    this.#assembly.append(chunk);
  }

  /** Says that no more bytes come. */
  end(): void {
    this.#ended = true;
  }

  /** Announces a frame of `count` bytes. */
  expect(count: number): void {
    this.#assembly.expect(count);
  }

  /** Removes `count` bytes that belong to no frame. */
  skip(count: number): void {
    this.#assembly.skip(count);
  }

  /** Removes the first `count` bytes, which are a frame, and counts it. */
  take(count: number): Uint8Array<ArrayBuffer> {
    this.#frame++;
    return this.#assembly.take(count);
  }

  /** Removes `count` bytes, of which `frames` frames were made, and counts these. */
  pass(count: number, frames: number): void {
    this.#frame += frames;
    this.#assembly.skip(count);
  }

  /** Fails when a frame of `count` bytes is over the limit. */
  checkFrameBytes(count: number): void {
    if (count <= this.maxFrameBytes) return;
    this.fail({
      at: 0,
      expected: `at most ${this.maxFrameBytes} bytes (--max-frame)`,
      found: `a frame of ${count}`,
      advice: count > BELIEVABLE_BYTES
        ? "check that the input is complete and has this format: no frame is this large"
        : "raise --max-frame or make the pictures smaller",
      isTooLarge: count <= BELIEVABLE_BYTES,
    });
  }

  /** Fails when a frame that has no end in `count` bytes cannot end within the limit. */
  checkUnfinished(count: number): void {
    if (count < this.maxFrameBytes) return;
    this.fail({
      at: 0,
      expected: `at most ${this.maxFrameBytes} bytes (--max-frame)`,
      found: "a frame that does not end there",
      advice: "raise --max-frame or make the pictures smaller",
      isTooLarge: true,
    });
  }

  /**
   * True when the bytes `at` begin with `prefix`, false when they may once more have come.
   *
   * @throws {InputError} at the first byte that differs.
   */
  startsWith(prefix: Uint8Array, expected: string, options: PrefixOptions = {}): boolean {
    const { at = 0, ...advice } = options;
    const bytes = this.bytes.subarray(at);
    const count = Math.min(bytes.length, prefix.length);
    for (let index = 0; index < count; index++) {
      if (bytes[index] !== prefix[index]) {
        this.fail({ at, expected, found: hex(bytes), ...advice });
      }
    }
    return count === prefix.length;
  }

  /**
   * Says that the unread bytes are not yet what is expected.
   *
   * @throws {InputError} when the input has ended, so that they never will be.
   */
  lack(expected: string, options: LackOptions = {}): undefined {
    if (!this.#ended) return undefined;
    const { headerBytes = 0, ...advice } = options;
    const length = this.#assembly.length - headerBytes;
    this.fail({
      at: this.#assembly.length,
      expected,
      found: length === 0 ? "the end of the input" : `the end of the input after ${length} bytes`,
      advice: "let the program that writes the input finish it",
      ...advice,
      ...(length > 0 && this.framesTaken > 0 ? { isCutOff: true } : {}),
    });
  }

  /**
   * Says that the input ends within something of which all bytes so far have been read.
   *
   * @throws {InputError} always
   */
  cutOff(expected: string): never {
    this.fail({
      at: this.length,
      expected,
      found: "the end of the input",
      advice: "let the program that writes the input finish it",
      ...this.framesTaken > 0 ? { isCutOff: true } : {},
    });
  }

  /** Whether `attempt` throws no fault; nobody is told which. */
  succeeds(attempt: () => void): boolean {
    const wasUntold = this.isUntold;
    this.isUntold = true;
    try {
      attempt();
      return true;
    } catch (error) {
      if (error !== UNTOLD_FAULT) throw error;
      return false;
    } finally {
      this.isUntold = wasUntold;
    }
  }

  /** Throws the fault, with the number of the current frame and its offset. */
  fail(fault: FrameFault): never {
    throw this.isUntold ? UNTOLD_FAULT : new InputError(this.describe(fault));
  }

  /** The fault, with the number of the current frame and its offset. */
  describe({ at, ...fault }: FrameFault): InputFault {
    return {
      frame: this.#frame,
      offset: this.#assembly.offset + at,
      advice: "check the program that writes the input, or name its format with --format",
      ...fault,
    };
  }
}

/** Options of {@linkcode FrameInput.lack}. */
export interface LackOptions {
  /** Unread bytes in front of what is expected. @default {0} */
  readonly headerBytes?: number;
  /** What to do about it, as an imperative clause. */
  readonly advice?: string;
}

/** Options of {@linkcode FrameInput.startsWith}. */
export interface PrefixOptions extends Pick<LackOptions, "advice"> {
  /** Bytes before the prefix. @default {0} */
  readonly at?: number;
}
