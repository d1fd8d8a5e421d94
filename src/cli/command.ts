/**
 * What a command is: data, from which its flags are read and its help is written.
 *
 * @module
 */
// @ts-types="../../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { StreamError } from "../errors.ts";
import type { Host, Right } from "../host/host.ts";
import type { Log } from "../host/log.ts";
import { optionHint, type WithOptions } from "./hint.ts";
import { boolean, oneOf, type ReadValue } from "./value.ts";

/** One option of a command. */
export interface Flag<T> {
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string;
  /** One line of help. */
  readonly help: string;
  readonly read: ReadValue<T>;
  /** The value, as it would be written, where neither the line nor the environment has one. */
  readonly fallback?: string;
  /** The value, as it would be written, of the flag alone. */
  readonly alone?: string;
  /** What a value looks like that may stand behind such a flag. */
  readonly aloneUnless?: RegExp;
  /** The environment variable, where it is not `STREAM_` and the flag's name. */
  readonly env?: string;
  /** Whether it may be given more than once; the values are then joined by commas. */
  readonly isList?: boolean;
  /** Whether `--no-` in front of a switch's name turns it off. */
  readonly isNegatable?: boolean;
  /** Whether its value is a secret, which no error repeats. */
  readonly isSecret?: boolean;
  /** A short name of one letter. */
  readonly alias?: string;
}

// deno-lint-ignore no-explicit-any
type Flags = Readonly<Record<string, Flag<any>>>;

/** The values of flags; `undefined` for one without a fallback that was not given. */
export type Values<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T>
    ? F[K] extends { readonly fallback: string } ? T : T | undefined
    : never;
};

/** What stands on a command's line beside its flags. */
export interface Operand {
  /** Its name in the help. */
  readonly name: string;
  readonly help: string;
}

/** A command with its options and its help. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  readonly flags: F;
  /** Rights that it needs; all others are given up before it runs. */
  readonly needs: readonly Right[];
  /** What to say of options that people look for here, and that it does not have; by name. */
  readonly hints?: Readonly<Record<string, string>>;
  /** Lines that a person can run, and what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
}

/** What a command gets. */
export interface CommandInput<F extends Flags = Flags> {
  readonly flags: Values<F>;
  /** As many as were given, at most as many as the command has. */
  readonly operands: readonly string[];
  readonly host: Host;
  readonly log: Log;
}

/** What a command of this kind gets. */
export type InputOf<C> = C extends Command<infer F> ? CommandInput<F> : never;

/** Options that every command has. */
export const COMMON_FLAGS = {
  log: {
    value: "FORMAT",
    help: "how to log on standard error: text or json",
    read: oneOf(["text", "json"]),
    fallback: "text",
  },
  help: { help: "show this help", read: boolean, fallback: "false", alone: "true", alias: "h" },
} as const satisfies Flags;

/** A switch: off unless it is given. */
export function toggle(help: string): Flag<boolean> & { readonly fallback: "false" } {
  return { help, read: boolean, fallback: "false", alone: "true" };
}

/** Gives a command its type. */
export function command<F extends Flags>(definition: Command<F>): Command<F> {
  return definition;
}

/** The environment variable of a flag. */
export function envName(name: string, flag: Flag<unknown>): string {
  return flag.env ?? `STREAM_${name.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Reads a command's line and environment.
 *
 * @param commands those that may have an option that this one does not have
 * @throws {StreamError} (`usage`) naming what is wrong and the nearest right thing
 */
export function readLine<F extends Flags>(
  command: Command<F>,
  args: readonly string[],
  env: (name: string) => string | undefined,
  commands: readonly WithOptions[] = [],
): {
  flags: Values<F> & Values<typeof COMMON_FLAGS>;
  operands: string[];
} {
  const all: Flags = { ...command.flags, ...COMMON_FLAGS };
  const names = Object.keys(all);
  const alias = Object.fromEntries(
    names.flatMap((name) => all[name]!.alias === undefined ? [] : [[all[name]!.alias!, name]]),
  );
  let unknown: string | undefined;
  const parsed = parseArgs(joined(args, all, alias), {
    string: ["_", ...names],
    negatable: names.filter((name) => all[name]!.isNegatable === true),
    alias,
    collect: names.filter((name) => all[name]!.isList === true),
    "--": true,
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown ??= /^--?[^=]*/.exec(arg)![0];
      return false;
    },
  });
  if (unknown !== undefined) {
    const hint = optionHint(unknown, { ...command, flags: all }, commands);
    throw usage(command, `unknown option ${unknown}${hint === "" ? "" : `; ${hint}`}`);
  }
  const operands = [...parsed._.map(String), ...(parsed["--"] ?? [])];
  if (operands.length > command.operands.length) {
    const extra = operands[command.operands.length];
    throw usage(command, `unexpected argument "${extra}"`);
  }
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const flag = all[name]!;
    const written = parsed[name];
    const given = Array.isArray(written) && written.length === 0 ? undefined : written;
    const fromEnv = given === undefined ? env(envName(name, flag)) : undefined;
    const text = given ?? (fromEnv === "" ? undefined : fromEnv) ?? flag.fallback;
    if (text === undefined) continue;
    const source = given !== undefined || fromEnv === undefined ? `--${name}` : envName(name, flag);
    values[name] = readValue(command, flag, source, String(text));
  }
  return { flags: values as Values<F> & Values<typeof COMMON_FLAGS>, operands };
}

/** An error in how a command was called. */
export function usage(command: { readonly name: string }, what: string): StreamError {
  return new StreamError(
    "usage",
    `Cannot run "stream ${command.name}": ${what}; see "stream help ${command.name}"`,
  );
}

function readValue(
  command: { readonly name: string },
  flag: Flag<unknown>,
  source: string,
  text: string,
): unknown {
  try {
    return flag.read(text);
  } catch (cause) {
    const expected = (cause as Error).message;
    throw usage(
      command,
      text === ""
        ? `${source} needs a value: ${expected}`
        : `${source}${flag.isSecret === true ? "" : ` ${text}`} is not ${expected}`,
    );
  }
}

/**
 * Joins flags and values by `=` where it is not plain what belongs together: a flag that may stand
 * alone, and a value that begins with a minus sign.
 */
function joined(args: readonly string[], flags: Flags, alias: Record<string, string>): string[] {
  const result: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") return [...result, ...args.slice(index)];
    const short = /^-([a-zA-Z])$/.exec(arg)?.[1];
    const name = short === undefined ? /^--([^=]+)$/.exec(arg)?.[1] : alias[short] ?? short;
    const flag = name !== undefined && Object.hasOwn(flags, name) ? flags[name] : undefined;
    const next = args[index + 1];
    if (flag === undefined) {
      result.push(arg);
    } else if (flag.alone !== undefined) {
      const hasValue = next !== undefined && flag.aloneUnless?.test(next) === true;
      result.push(`--${name}=${hasValue ? next : flag.alone}`);
      if (hasValue) index++;
    } else if (next !== undefined && (next === "-" || /^-[\d.]/.test(next) || !/^-/.test(next))) {
      result.push(`--${name}=${next}`);
      index++;
    } else {
      result.push(`--${name}=`);
    }
  }
  return result;
}
