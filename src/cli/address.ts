/**
 * The address that a command works on.
 *
 * @module
 */
import type { Host } from "../host/host.ts";
import { DEFAULT_URL, parseStreamUrl, type StreamUrl } from "../net/stream_url.ts";
import type { Operand } from "./command.ts";

/** The operand that names a stream, or the server that it is on. */
export const ADDRESS: Operand = {
  name: "URL",
  help: `the stream's address [${DEFAULT_URL}] (STREAM_URL)`,
};

/**
 * The address given on the line, in the environment, or by default.
 *
 * @throws {StreamError} (`usage`) when it is none
 */
export function addressOf(operand: string | undefined, host: Host): StreamUrl {
  return parseStreamUrl(operand ?? (host.env("STREAM_URL") || DEFAULT_URL));
}
