/**
 * `stream fps`.
 *
 * @module
 */
import { changeFps, DEFAULT_URL, findStream, looksLikeAddress } from "../client/mod.ts";
import { ADDRESS, addressOf } from "./address.ts";
import { PASS_FLAGS, passOf } from "./pass_flags.ts";
import { command, usage } from "./command.ts";
import { frameRate } from "./value.ts";

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
  async run({ flags, operands, host }) {
    const [first, second] = operands;
    const urlText = first !== undefined && looksLikeAddress(first) ? first : undefined;
    const rateText = urlText === undefined ? first : second;
    if (urlText === undefined && second !== undefined) {
      throw usage(fpsCommand, `"${first}" is not an address such as ${DEFAULT_URL}`);
    }
    const url = addressOf(urlText, host);
    const pass = await passOf(fpsCommand, flags, url);
    host.giveUp(["read"]);
    const options = { ...pass, signal: host.stop };
    const status = rateText === undefined
      ? await findStream(url.socket, options)
      : await changeFps(url.socket, readRate(rateText), options);
    await host.writeStdout(new TextEncoder().encode(`${status.fps}\n`));
  },
});

function readRate(text: string): ReturnType<typeof frameRate> {
  try {
    return frameRate(text);
  } catch (error) {
    throw usage(fpsCommand, `the rate ${text} is not ${(error as Error).message}`);
  }
}
