/**
 * The address that a command works on.
 *
 * @module
 */
import { pipeLine } from "../files/foreign_source.ts";
import { StreamError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { DEFAULT_URL, looksLikeAddress, parseStreamUrl, type StreamUrl } from "../client/mod.ts";
import type { Operand } from "./command.ts";

/** The operand that names a stream, or the server that it is on. */
export const ADDRESS: Operand = {
  name: "URL",
  help: `the stream's address [${DEFAULT_URL}] (STREAM_URL)`,
};

/**
 * The address given on the line, in the environment, or by default.
 *
 * @param option the command's option for a file, which may be meant by what is no address
 * @throws {StreamError} (`usage`) when it is none
 */
export function addressOf(
  operand: string | undefined,
  host: Host,
  option?: "--input" | "--output",
): StreamUrl {
  if (operand !== undefined && option !== undefined) refuseFile(operand, option);
  return parseStreamUrl(operand ?? (host.env("STREAM_URL") || DEFAULT_URL));
}

/** Says what somebody wants to hear who gave a file, or a camera, where an address stands. */
function refuseFile(operand: string, option: "--input" | "--output"): void {
  const isSource = /^(?:rtsps?|rtmps?|srt|udp|rtp|tcp|hls|file):/i.test(operand);
  if (!isSource && (looksLikeAddress(operand) || !/^-$|[./\\]/.test(operand))) return;
  const isFile = /^file:/i.test(operand);
  const advice = operand === "-"
    ? `"-" belongs after ${option}`
    : isSource && !isFile
    ? option === "--input"
      ? `pipe it in: ${pipeLine(operand)}`
      : `pipe the output on: stream watch --output - | ffmpeg -i - -c copy -f FORMAT ${operand}`
    : `use ${option} for a file: ${option} ${operand.replace(/^file:(?:\/\/)?/i, "")}`;
  throw new StreamError(
    "usage",
    `Cannot use "${operand}" as the relay's address: ${advice}; ` +
      `an address looks like ${DEFAULT_URL}`,
  );
}
