/**
 * The program: finds the command, runs it, and turns what fails into a sentence and an exit code.
 *
 * @module
 */
import { writeError } from "../files/part_file.ts";
import { type ErrorCode, messageOf, StreamError } from "../errors.ts";
import { type Host, ReaderGone, RIGHTS } from "../host/host.ts";
import { createLog } from "../host/log.ts";
import { benchCommand } from "./bench_command.ts";
import { closest } from "./closest.ts";
import { type Command, type CommandInput, type Flag, readLine } from "./command.ts";
import { demoCommand } from "./demo_command.ts";
import { fpsCommand } from "./fps_command.ts";
import { commandHelp, programHelp } from "./help.ts";
import { whose } from "./hint.ts";
import { kickCommand } from "./kick_command.ts";
import { listCommand } from "./list_command.ts";
import { protocolHelp } from "./protocol.ts";
import { publishCommand } from "./publish_command.ts";
import { serveCommand } from "./serve_command.ts";
import { tokenCommand } from "./token_command.ts";
import { watchCommand } from "./watch_command.ts";

/** The modules of a command. */
type Load = () => Promise<{ readonly run: (input: CommandInput) => Promise<void> }>;

/** The commands, and what does their work, which is loaded when one is called: most of it is slow. */
const LOADS: ReadonlyMap<Command, Load> = new Map([
  row(serveCommand, () => import("./serve.ts")),
  row(publishCommand, () => import("./publish.ts")),
  row(watchCommand, () => import("./watch.ts")),
  row(fpsCommand, () => import("./fps.ts")),
  row(listCommand, () => import("./list.ts")),
  row(kickCommand, () => import("./kick.ts")),
  row(benchCommand, () => import("./bench.ts")),
  row(demoCommand, () => import("./demo.ts")),
  row(tokenCommand, () => import("./token.ts")),
]);
const COMMANDS: readonly Command[] = [...LOADS.keys()];

/** Sees to it that a command and its modules are of one kind. */
// deno-lint-ignore no-explicit-any
function row<F extends Readonly<Record<string, Flag<any>>>>(
  command: Command<F>,
  load: () => Promise<{ readonly run: (input: CommandInput<F>) => Promise<void> }>,
): readonly [Command, Load] {
  return [command, load as unknown as Load];
}

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  bad_input: 5,
};

/** Runs the program and returns its exit code. Nothing is thrown. */
export async function run(args: readonly string[], host: Host, version: string): Promise<number> {
  const isJson = wantsJson(args, host);
  const log = createLog({
    format: isJson ? "json" : "text",
    write: host.writeStderr,
    isTerminal: host.terminals.stderr,
    columns: () => host.columns?.(),
    wallMs: () => host.clock.wallUs() / 1000,
  });
  const writeStdout = async (bytes: Uint8Array) => {
    try {
      await host.writeStdout(bytes);
    } catch (error) {
      throw writeError("standard output", error);
    }
  };
  try {
    const [name, ...rest] = args;
    const show = (text: string) => writeStdout(new TextEncoder().encode(text));
    if (name === undefined || name === "--help" || name === "-h") {
      await show(programHelp(COMMANDS, version));
    } else if (name === "help") {
      const [topic, ...options] = rest;
      await show(
        topic === undefined
          ? programHelp(COMMANDS, version)
          : topic === "protocol"
          ? await protocolHelp(options)
          : commandHelp(findCommand(topic)),
      );
    } else if (name === "--version" || name === "-V") {
      await show(`stream ${version}\n`);
    } else {
      const command = findCommand(name);
      if (rest.includes("--help") || rest.includes("-h")) {
        await show(commandHelp(command));
      } else {
        const { flags, operands } = readLine(command, rest, host.env, COMMANDS);
        // Modules are read while everything may be read.
        const work = await LOADS.get(command)!();
        host.giveUp(RIGHTS.filter((right) => !command.needs.includes(right)));
        await work.run({ flags, operands, host: { ...host, writeStdout }, log });
      }
    }
    return 0;
  } catch (error) {
    // As with `| head`: the reader had what it wanted.
    if (error instanceof ReaderGone) return 0;
    if (error instanceof StreamError) {
      log.error(error.message, { code: error.code });
      return EXIT_CODES[error.code];
    }
    log.error(`Cannot continue: ${messageOf(error)}; this is a bug in stream`, {
      code: "defect",
    });
    return EXIT_CODES.failed;
  }
}

function findCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found;
  throw new StreamError(
    "usage",
    `Cannot run "stream ${name}": there is no such command; ${commandHint(name)}`,
  );
}

/** A clause that says what may be meant by a command that is not there. */
function commandHint(name: string): string {
  const option = name.replace(/^-+/, "").replace(/=.*/, "");
  if (name.startsWith("-") && COMMANDS.some(({ flags }) => Object.hasOwn(flags, option))) {
    return `${whose(option, COMMANDS)}, and belongs after its name`;
  }
  const words = [...COMMANDS.map((command) => command.name), "help", "--version", "--help"];
  const near = name === "version" ? "--version" : closest(name, words);
  return near === undefined
    ? '"stream help" shows those there are'
    : `did you mean "stream ${near}"?`;
}

/** Also a line that cannot be read is answered in the format that it asks for. */
function wantsJson(args: readonly string[], host: Host): boolean {
  const at = args.findIndex((arg) => arg === "--log" || arg.startsWith("--log="));
  const given = at < 0 ? undefined : args[at]!.includes("=") ? args[at]!.slice(6) : args[at + 1];
  return (given ?? host.env("STREAM_LOG")) === "json";
}
