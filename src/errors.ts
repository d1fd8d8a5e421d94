/**
 * The closed set of errors of the program. Every failure that a person can cause is one of these;
 * anything else that is thrown is a defect.
 *
 * A message reads `Cannot <do> <what>: <what was seen>`, with what to do after a semicolon where
 * that is not obvious, and no period at the end.
 *
 * @module
 */

/**
 * What an error means; the command line has one exit code for each.
 *
 * - `failed`: something went wrong while it ran
 * - `usage`: a call, an option or an address makes no sense
 * - `unreachable`: nobody answers, or it is no relay
 * - `refused`: the relay asks for credentials
 * - `bad_input`: frames or their source are broken
 */
export type ErrorCode = "failed" | "usage" | "unreachable" | "refused" | "bad_input";

/**
 * An error that a person can read and act on.
 *
 * @example
 * ```ts
 * import { findStream, StreamError } from "@stream/relay/client";
 *
 * try {
 *   await findStream("ws://127.0.0.1:8080/cam");
 * } catch (error) {
 *   if (!(error instanceof StreamError) || error.code !== "unreachable") throw error;
 *   console.log("no relay is there");
 * }
 * ```
 */
export class StreamError extends Error {
  /** The meaning of the error; stable. */
  readonly code: ErrorCode;
  /** What happened, where a caller can do something about that very case; stable. */
  readonly detail: ErrorDetail | undefined;

  /** `message` reads `Cannot <do> <what>: <what was seen>`. */
  constructor(code: ErrorCode, message: string, options?: StreamErrorOptions) {
    super(message, options);
    this.name = "StreamError";
    this.code = code;
    this.detail = options?.detail;
  }
}

/** The stream has another publisher; or the relay stayed away before it had all frames. */
export type ErrorDetail = "stream_busy" | "not_delivered";

/** Options of a {@linkcode StreamError}. */
export interface StreamErrorOptions extends ErrorOptions {
  /** What happened, more exactly than the code says. @default {undefined} */
  readonly detail?: ErrorDetail | undefined;
}

/** Where and how an input was found to be broken. */
export interface InputFault {
  /** Number of the frame that could not be read, from 1. */
  readonly frame: number;
  /** Offset in bytes from the start of the input at which the fault was seen. */
  readonly offset: number;
  /** What the format demands there. */
  readonly expected: string;
  /** What was there instead. */
  readonly found: string;
  /** What to do about it, as an imperative clause. */
  readonly advice?: string;
  /** True where nothing is known to be wrong but that a frame is over the limit. Absent: false. */
  readonly isTooLarge?: boolean;
  /** True where nothing is known to be wrong but that the input ends within a frame. Absent: false. */
  readonly isCutOff?: boolean;
  /** True where the bytes are of no format that is known by name. Absent: false. */
  readonly isUnknown?: boolean;
  /** True where nothing of the input can be used, whatever follows. Absent: false. */
  readonly isFinal?: boolean;
}

/** Input that is truncated, undetected or malformed. */
export class InputError extends StreamError {
  /** Where and how the input is broken. */
  readonly fault: InputFault;

  constructor(fault: InputFault, options?: ErrorOptions) {
    const advice = fault.advice === undefined ? "" : `; ${fault.advice}`;
    super(
      "bad_input",
      `Cannot read frame ${fault.frame} at byte ${fault.offset}: expected ${fault.expected}, ` +
        `found ${fault.found}${advice}`,
      options,
    );
    this.name = "InputError";
    this.fault = fault;
  }
}

/** A message that breaks the protocol; whoever owns the socket closes it with `closeCode`. */
export class ProtocolError extends Error {
  /** WebSocket close code: RFC 6455 section 7.4.1, or one of the project's own from 4000. */
  readonly closeCode: number;

  constructor(closeCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
    this.closeCode = closeCode;
  }
}

/** The message of whatever was thrown; the platform's flags, which nobody can give, are left out. */
export function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.replace(/, (?:run again|specify)[^,;]*--(?:allow|unstable)[\w-]*[^,;]*/, "");
}
