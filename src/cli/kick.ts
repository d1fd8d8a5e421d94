/**
 * What `stream kick` does.
 *
 * @module
 */
import { endPublisher, endViewer } from "../client/mod.ts";
import { addressOf } from "./address.ts";
import { passOf } from "./pass.ts";
import { type InputOf, usage } from "./command.ts";
import { kickCommand } from "./kick_command.ts";

/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host, log }: InputOf<typeof kickCommand>,
): Promise<void> {
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
}
