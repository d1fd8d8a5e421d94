/**
 * The format of an input, found from its first bytes.
 *
 * @module
 */
import { hex } from "../bytes/text.ts";
import { InputError, type InputFault } from "../errors.ts";
import { INPUT_FORMATS, type InputFormat } from "./formats.ts";
import { describeText } from "./foreign_text.ts";
import type { Pattern } from "./pattern.ts";
import { type Signature, SIGNATURES } from "./signatures.ts";

export { INPUT_FORMATS, type InputFormat } from "./formats.ts";
export { sniffFrame, sniffKind } from "./sniff.ts";

/** Most bytes that {@linkcode detectFormat} needs to decide. */
export const MAX_SIGNATURE_BYTES: number = Math.max(
  ...SIGNATURES.flatMap(({ patterns }) => patterns.map(({ at, bytes }) => at + bytes.length)),
);

/** The first byte of a length, big endian, of 64 MiB: no frame is so long. */
const MAX_LENGTH_START = 4;

/** Containers that are read in `src/media`, before or in place of what is here. */
const OTHERWISE_READ = ["Matroska (WebM)", "MP4", "MPEG-TS"];

const NO_SIGNATURE_ADVICE =
  "give --format raw --size WxH --pixel-format NAME, or --format lp32 for length-prefixed frames";

/**
 * The format of an input that begins with `firstBytes`, or `undefined` when more bytes are needed.
 *
 * @param atEnd true when no more bytes come.
 * @throws {InputError} when the input is empty, or is not of a format that is split here.
 */
export function detectFormat(firstBytes: Uint8Array, atEnd: boolean): InputFormat | undefined {
  for (const { patterns, meaning } of SIGNATURES) {
    const match = matchSignature(patterns, firstBytes);
    // A signature before others wins, however little of the input has come.
    if (match === "more" && !atEnd) return undefined;
    if (match !== "yes") continue;
    if ("format" in meaning) return meaning.format;
    if (meaning.isGuess === true) continue;
    // Line breaks, zeros or bytes ff in front of an image are no length.
    if (meaning.hasLength === true && !beginsWithLength(firstBytes)) continue;
    failToDetect({ found: meaning.name, advice: meaning.advice });
  }
  if (firstBytes.length === 0) {
    failToDetect({ found: "an empty input", advice: "check the program that writes to the pipe" });
  }
  throw unknownInput(firstBytes);
}

/** The error for an input that begins with `firstBytes` and is of no format that is known. */
export function unknownInput(firstBytes: Uint8Array): InputError {
  return undetected({ ...guessAt(firstBytes), isUnknown: true });
}

function guessAt(firstBytes: Uint8Array): Pick<InputFault, "found" | "advice"> {
  for (const { patterns, meaning } of SIGNATURES) {
    const isGuess = "isGuess" in meaning && meaning.isGuess === true;
    if (isGuess && matchSignature(patterns, firstBytes) === "yes") {
      return { found: meaning.name, advice: meaning.advice };
    }
  }
  return describeText(firstBytes) ??
    { found: `the bytes ${hex(firstBytes)}`, advice: NO_SIGNATURE_ADVICE };
}

function beginsWithLength(bytes: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  return first < MAX_LENGTH_START && (first | second | third | fourth) !== 0;
}

/** Whether a file that begins with `firstBytes` is a container of which the video can be read. */
export function isMediaFile(firstBytes: Uint8Array): boolean {
  const found = SIGNATURES.find(({ patterns }) => matchSignature(patterns, firstBytes) === "yes");
  return found !== undefined && "isMedia" in found.meaning && found.meaning.isMedia;
}

function failToDetect(fault: Pick<InputFault, "found" | "advice">): never {
  throw undetected(fault);
}

function undetected(fault: Pick<InputFault, "found" | "advice" | "isUnknown">): InputError {
  const names = [...INPUT_FORMATS.filter(hasSignature), ...OTHERWISE_READ];
  const expected = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  return new InputError({ frame: 1, offset: 0, expected, ...fault });
}

function hasSignature(format: InputFormat): boolean {
  return SIGNATURES.some(({ meaning }) => "format" in meaning && meaning.format === format);
}

function matchSignature(
  patterns: Signature["patterns"],
  firstBytes: Uint8Array,
): "yes" | "no" | "more" {
  let result: "yes" | "more" = "yes";
  for (const pattern of patterns) {
    const match = matchPattern(pattern, firstBytes);
    if (match === "no") return "no";
    if (match === "more") result = "more";
  }
  return result;
}

function matchPattern({ at, bytes }: Pattern, firstBytes: Uint8Array): "yes" | "no" | "more" {
  for (let index = 0; index < bytes.length; index++) {
    const byte = firstBytes[at + index];
    if (byte === undefined) return "more";
    if (byte !== bytes[index]) return "no";
  }
  return firstBytes.length < at ? "more" : "yes";
}
