/**
 * This program beside others that do the same job: `deno task bench peers [ROW …] [--runs 5]
 * [--seconds 6] [--only RELAY]… [--json FILE] [--prepare]`. Installs and builds the peers, and, but
 * with `--prepare`, measures them in turn, again and again, under the same load.
 *
 * @module
 */
// @ts-types="../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { prepare, type Program } from "./compare/contender.ts";
import { type Figures, markdownTable } from "./compare/figures.ts";
import { machineFacts } from "./compare/machine.ts";
import { type Case, type Row, ROWS } from "./compare/row.ts";
import { messageOf } from "../src/errors.ts";
import { startProgram } from "./relay.ts";

/** The figures of one case. */
interface CaseResult {
  readonly name: string;
  readonly runs: readonly Figures[];
  /** Why it did not run, or not to the end. */
  readonly skipped?: string;
}

interface RunOptions {
  readonly runs: number;
  readonly seconds: number;
  /** Names of the cases to measure; all, where it is empty. */
  readonly only: readonly string[];
  /** Why programs cannot run, by their names. */
  readonly missing: ReadonlyMap<string, string>;
}

/** Measures every case of a row in turn, and that several times. */
async function runRow(row: Row, options: RunOptions): Promise<CaseResult[]> {
  const { runs, seconds, only, missing } = options;
  const results = row.cases
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .map((each) => ({
      each,
      name: each.name,
      runs: [] as Figures[],
      skipped: missing.get(row.load?.name ?? "") ?? missing.get(each.contender.name),
    }));
  for (let run = 1; run <= runs; run++) {
    for (const result of results) {
      if (result.skipped !== undefined) continue;
      tell(`${row.name}, run ${run} of ${runs}: ${result.name}`);
      try {
        result.runs.push(await measureOnce(result.each, seconds));
      } catch (error) {
        result.skipped = messageOf(error).trim();
        tell(`  ${result.skipped}`);
      }
    }
  }
  return results.map(({ name, runs, skipped }) => ({
    name,
    runs,
    ...(skipped === undefined ? {} : { skipped }),
  }));
}

async function measureOnce({ contender, measure }: Case, seconds: number): Promise<Figures> {
  await using relay = await startProgram(contender.line);
  return await measure(relay, seconds);
}

/** Prepares what the rows need; returns why some cannot run, by their names. */
async function prepareAll(rows: readonly Row[]): Promise<Map<string, string>> {
  const programs = new Map<string, Program>();
  for (const { cases, load } of rows) {
    if (load !== undefined) programs.set(load.name, load);
    for (const { contender } of cases) programs.set(contender.name, contender);
  }
  const missing = new Map<string, string>();
  for (const program of programs.values()) {
    if (program.preparation !== undefined) tell(`getting ready: ${program.name}`);
    const reason = await prepare(program);
    if (reason === undefined) continue;
    tell(`  ${reason}`);
    missing.set(program.name, reason);
  }
  return missing;
}

function print(text: string): void {
  // deno-lint-ignore no-console
  console.log(text);
}

function tell(text: string): void {
  // deno-lint-ignore no-console
  console.error(text);
}

/** Measures the rows of these names, or all, and prints a table for each. */
export async function benchPeers(args: readonly string[]): Promise<void> {
  const flags = parseArgs([...args], {
    string: ["runs", "seconds", "json", "only"],
    boolean: ["prepare"],
    collect: ["only"],
  });
  const names = flags._.map(String);
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new Error(`Cannot run "${unknown}": rows are ${ROWS.map(({ name }) => name).join(", ")}`);
  }
  const rows = ROWS.filter(({ name }) => names.length === 0 || names.includes(name));
  const missing = await prepareAll(rows);
  if (flags.prepare) return;
  const options = {
    runs: Number(flags.runs ?? 5),
    seconds: Number(flags.seconds ?? 6),
    only: flags.only as string[],
    missing,
  };
  const machine = await machineFacts();
  print(Object.entries(machine).map(([name, fact]) => `- ${name}: ${fact}`).join("\n"));
  const report = { machine, runs: options.runs, seconds: options.seconds, rows: [] as unknown[] };
  for (const row of rows) {
    const cases = await runRow(row, options);
    const notes = cases
      .filter(({ skipped }) => skipped !== undefined)
      .map(({ name, skipped }) => `- ${name} was skipped: ${skipped}`);
    const title = `${row.name}: ${row.title}; ${options.runs} runs of ${options.seconds} s`;
    print(`\n### ${title}\n\n${markdownTable(row.columns, cases)}`);
    if (notes.length > 0) print(`\n${notes.join("\n")}`);
    report.rows.push({ name: row.name, title: row.title, cases });
    if (typeof flags.json === "string") {
      await Deno.writeTextFile(flags.json, JSON.stringify(report, undefined, 2) + "\n");
    }
  }
}

if (import.meta.main) await benchPeers(Deno.args);
