/**
 * What `stream fps` does.
 *
 * @module
 */
import { changeFps, DEFAULT_URL, findStream, looksLikeAddress } from "../client/mod.ts";
import { addressOf } from "./address.ts";
import { passOf } from "./pass.ts";
import { type InputOf, usage } from "./command.ts";
import { fpsCommand } from "./fps_command.ts";
import { frameRate } from "./value.ts";

/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host }: InputOf<typeof fpsCommand>,
): Promise<void> {
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
}

function readRate(text: string): ReturnType<typeof frameRate> {
  try {
    return frameRate(text);
  } catch (error) {
    throw usage(fpsCommand, `the rate ${text} is not ${(error as Error).message}`);
  }
}
