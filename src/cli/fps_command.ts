/**
 * What `stream fps` is called with, and says of itself.
 *
 * @module
 */
import { ADDRESS } from "./address.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command } from "./command.ts";

/** The command. */
export const fpsCommand = command({
  name: "fps",
  needs: ["net", "read", "env"],
  summary: "read or change the frame rate of a running stream",
  operands: [
    ADDRESS,
    { name: "RATE", help: "frames per second, or source; leave it out to show the rate" },
  ],
  flags: PASS_FLAGS,
  examples: [
    ["stream fps", "the rate of the default stream"],
    ["stream fps 10", "change it to 10 frames a second"],
    ["stream fps ws://127.0.0.1:8080/door source", 'no tick for the stream "door"'],
  ],
});
