/**
 * What may be meant by an option that is not known.
 *
 * @module
 */
import { closest } from "./closest.ts";

/** What is asked of a command here. */
export interface WithOptions {
  readonly name: string;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly hints?: Readonly<Record<string, string>>;
}

/**
 * A clause that says what `option` may be: one that looks like it, one of another command, or
 * nothing (an empty text) where nobody can tell.
 */
export function optionHint(
  option: string,
  command: WithOptions,
  commands: readonly WithOptions[],
): string {
  const written = option.replace(/^-+/, "");
  if (command.hints !== undefined && Object.hasOwn(command.hints, written)) {
    return command.hints[written]!;
  }
  if (/^(?:V|version)$/.test(written)) return 'the version is shown by "stream --version"';
  const name = written.replace(/^no-/, "");
  const own = Object.keys(command.flags);
  if (own.includes(name)) return `did you mean --${name}?`;
  const others = commands.filter((other) => other.name !== command.name);
  const elsewhere = others.flatMap(({ flags }) => Object.keys(flags));
  const longer = own.find((each) => each.split("-").includes(name) || each === `${name}s`);
  if (longer !== undefined) return `did you mean --${longer}?`;
  if (elsewhere.includes(name)) return whose(name, others);
  if (name.length === 1) {
    const likely = own.filter((each) => each.startsWith(name.toLowerCase()) && each !== "help");
    if (likely.length === 0) return "";
    return `did you mean ${inWords(likely.map((each) => `--${each}`), "or")}?`;
  }
  const near = closest(name, own);
  if (near !== undefined) return `did you mean --${near}?`;
  const far = closest(name, elsewhere);
  return far === undefined ? "" : whose(far, others);
}

/** Says which commands have an option. */
export function whose(name: string, commands: readonly WithOptions[]): string {
  const owners = commands.filter(({ flags }) => Object.hasOwn(flags, name)).map((each) =>
    each.name
  );
  return `--${name} is an option of ${inWords(owners, "and")}`;
}

function inWords(words: readonly string[], last: "and" | "or"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
