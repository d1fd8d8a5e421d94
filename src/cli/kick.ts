/**
 * `stream kick`.
 *
 * @module
 */
import { endPublisher, endViewer } from "../client/mod.ts";
import { ADDRESS, addressOf } from "./address.ts";
import { PASS_FLAGS, passOf } from "./pass_flags.ts";
import { command, toggle, usage } from "./command.ts";
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
  async run({ flags, operands, host, log }) {
    const { viewer, publisher, reason } = flags;
    if (viewer !== undefined && publisher) {
      throw usage(kickCommand, "--viewer and --publisher are two things to end: choose one");
    }
    const url = addressOf(operands[0], host);
    const { name } = url;
    const pass = await passOf(kickCommand, flags, url);
    host.giveUp(["read"]);
    const options = { ...pass, reason, signal: host.stop };
    if (viewer === undefined) {
      await endPublisher(url.socket, options);
      log.info(`ended the publisher of "${name}"`, { stream: name });
    } else {
      await endViewer(url.socket, viewer, options);
      log.info(`ended the viewer ${viewer} of "${name}"`, { stream: name, viewer });
    }
  },
});

function reasonText(text: string): string {
  if ([...text].length <= MAX_REASON) return text;
  throw new Error(`a text of at most ${MAX_REASON} characters`);
}
