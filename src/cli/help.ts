/**
 * Help, written from the commands themselves.
 *
 * @module
 */
import { DEFAULT_URL } from "../client/mod.ts";
import { type Command, COMMON_FLAGS, envName, type Flag } from "./command.ts";

const EXIT_CODES = "exit codes: 0 done, 1 failed while running, 2 usage, 3 cannot connect or " +
  "bind,\n  4 refused (credentials), 5 bad input";

/** Help of the program. */
export function programHelp(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const rows = commands.map(({ name, summary }) => `  stream ${name.padEnd(width)}  ${summary}\n`);
  return `stream ${version}: a live video frame relay\n\n` +
    `commands:\n${rows.join("")}\n` +
    `  stream help COMMAND   options and examples of a command\n` +
    `  stream help protocol  how to write a client; --vectors: its test vectors, as JSON\n` +
    `  stream --version      the version\n\n` +
    `Addresses have the form ws://HOST:PORT/NAME; the default is ${DEFAULT_URL}.\n` +
    `NAME may have a path in front of it, and the scheme may be left out.\n\n${EXIT_CODES}\n`;
}

/** Help of one command. */
export function commandHelp(command: Command): string {
  const operands = command.operands.map(({ name }) => ` [${name}]`).join("");
  const flags: [string, Flag<unknown>][] = Object.entries({ ...command.flags, ...COMMON_FLAGS });
  const left = flags.map(([name, { value, alias, alone, isNegatable }]) => {
    const short = alias === undefined ? "" : `-${alias}, `;
    const shown = value === undefined ? "" : alone === undefined ? ` ${value}` : ` [${value}]`;
    const off = isNegatable ? `, --no-${name}` : "";
    return `${short}--${name}${shown}${off}`;
  });
  const width = Math.max(...left.map((text) => text.length));
  const rows = flags.map(([name, flag], index) => {
    const isSwitch = flag.value === undefined;
    const fallback = flag.fallback === undefined || isSwitch ? "" : ` [${flag.fallback}]`;
    const env = name === "help" ? "" : ` (${envName(name, flag)})`;
    return `  ${left[index]!.padEnd(width)}  ${flag.help}${fallback}${env}\n`;
  });
  const about = command.operands.map(({ name, help }) => `  ${name}  ${help}\n`).join("");
  const examples = command.examples.map(([line, does]) => `  # ${does}\n  ${line}\n`).join("");
  return `${command.summary}\n\nusage: stream ${command.name}${operands} [options]\n` +
    `${about === "" ? "" : `\n${about}`}\n` +
    `options, with [default] and (environment variable):\n${rows.join("")}\n` +
    `examples:\n${examples}\n${EXIT_CODES}\n`;
}
