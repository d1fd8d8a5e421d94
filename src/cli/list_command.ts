/**
 * What `stream list` is called with, and says of itself.
 *
 * @module
 */
import { DEFAULT_URL } from "../client/mod.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command, toggle } from "./command.ts";

/** The command. */
export const listCommand = command({
  name: "list",
  needs: ["net", "read", "env"],
  summary: "list the streams of a server: format, size, fps, viewers, drops (also as --json)",
  operands: [{
    name: "URL",
    help: `address of the server, or of one stream on it [${DEFAULT_URL}] (STREAM_URL)`,
  }],
  flags: {
    json: toggle("write JSON, the same as the server's /api/streams"),
    viewers: toggle("also list each viewer, with its id and its latency"),
    ...PASS_FLAGS,
  },
  examples: [
    ["stream list", "a table; FPS is measured/target"],
    ["stream list ws://127.0.0.1:8080/door", 'only the stream "door"'],
    ["stream list --json | jq '.[].viewers'", "for programs"],
  ],
});
