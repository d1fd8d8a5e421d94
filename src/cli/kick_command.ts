/**
 * What `stream kick` is called with, and says of itself.
 *
 * @module
 */
import { ADDRESS } from "./address.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command, toggle } from "./command.ts";
import { integer } from "./value.ts";

/** Longest reason in characters; the relay passes on no more. */
const MAX_REASON = 80;

/** The command. */
export const kickCommand = command({
  name: "kick",
  needs: ["net", "read", "env"],
  summary: "end whoever publishes a stream, or one of its viewers",
  operands: [ADDRESS],
  flags: {
    viewer: {
      value: "ID",
      help: 'end this viewer; "stream list --viewers" shows the ids',
      read: integer(1, Number.MAX_SAFE_INTEGER),
    },
    publisher: toggle("end whoever publishes, which is also the default"),
    reason: {
      value: "TEXT",
      help: "why, for whoever is ended",
      read: reasonText,
    },
    ...PASS_FLAGS,
  },
  examples: [
    ["stream kick ws://127.0.0.1:8080/door", 'end the publisher of the stream "door"'],
    ['stream kick --viewer 7 --reason "too slow"', "end one viewer of the default stream"],
  ],
});

function reasonText(text: string): string {
  if ([...text].length <= MAX_REASON) return text;
  throw new Error(`a text of at most ${MAX_REASON} characters`);
}
