/**
 * The command line of `deno task bench peers`.
 *
 * @module
 */
// @ts-types="../../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { type Row, ROWS } from "./row.ts";

/** What is to be measured. */
export interface BenchArguments {
  readonly rows: readonly Row[];
  /** How often each case is measured. @default {5} */
  readonly runs: number;
  /** Length of a measured window. @default {6} */
  readonly seconds: number;
  /** Names of the cases to measure; all, where it is empty. */
  readonly only: readonly string[];
  /** The file that all figures go to. */
  readonly json: string | undefined;
  /** Whether all is only installed and built. */
  readonly preparesOnly: boolean;
}

/** Reads the command line; throws where it asks for what is not there. */
export function benchArguments(args: readonly string[]): BenchArguments {
  const flags = parseArgs([...args], {
    string: ["runs", "seconds", "json", "only"],
    boolean: ["prepare"],
    collect: ["only"],
    unknown: (arg, key) => {
      if (key !== undefined) throw new Error(`Cannot read "${arg}": no such option`);
    },
  });
  const names = flags._.map(String);
  const only = flags.only as string[];
  checkNames(names, ROWS.map(({ name }) => name), "rows");
  const rows = ROWS.filter(({ name }) => names.length === 0 || names.includes(name));
  checkNames(only, rows.flatMap(({ cases }) => cases.map(({ name }) => name)), "relays");
  return {
    rows,
    runs: wholeNumber("runs", flags.runs ?? 5),
    seconds: wholeNumber("seconds", flags.seconds ?? 6),
    only,
    json: flags.json as string | undefined,
    preparesOnly: flags.prepare === true,
  };
}

function checkNames(names: readonly string[], known: readonly string[], what: string): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new Error(`Cannot run "${unknown}": ${what} are ${[...new Set(known)].join("; ")}`);
}

function wholeNumber(flag: string, value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`Cannot read --${flag} "${value}": it is a whole number of at least 1`);
}
