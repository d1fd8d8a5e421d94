/**
 * This program beside others that do the same job: `deno task bench peers [ROW …] [--runs 5]
 * [--seconds 6] [--only RELAY]… [--json FILE] [--prepare]`. Installs and builds the peers, and, but
 * with `--prepare`, measures them in turn, again and again, under the same load.
 *
 * @module
 */
import { benchArguments } from "./compare/arguments.ts";
import { prepare, type Program } from "./compare/contender.ts";
import { type Figures, markdownTable } from "./compare/figures.ts";
import { machineFacts } from "./compare/machine.ts";
import type { Case, Row } from "./compare/row.ts";
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

function isAsked({ name }: Case, only: readonly string[]): boolean {
  return only.length === 0 || only.includes(name);
}

/** Measures every case of a row in turn, and that several times. */
async function runRow(row: Row, options: RunOptions): Promise<CaseResult[]> {
  const { runs, seconds, only, missing } = options;
  const results = row.cases
    .filter((each) => isAsked(each, only))
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

/** Prepares what is to be measured; returns why some cannot run, by their names. */
async function prepareAll(
  rows: readonly Row[],
  only: readonly string[],
): Promise<Map<string, string>> {
  const programs = new Map<string, Program>();
  for (const { cases, load } of rows) {
    if (load !== undefined) programs.set(load.name, load);
    for (const each of cases) {
      if (isAsked(each, only)) programs.set(each.contender.name, each.contender);
    }
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
  const { rows, json, preparesOnly, ...asked } = benchArguments(args);
  const options = { ...asked, missing: await prepareAll(rows, asked.only) };
  if (preparesOnly) return;
  const machine = await machineFacts();
  print(Object.entries(machine).map(([name, fact]) => `- ${name}: ${fact}`).join("\n"));
  const report = { machine, runs: options.runs, seconds: options.seconds, rows: [] as unknown[] };
  for (const row of rows) {
    const cases = await runRow(row, options);
    if (cases.length === 0) continue;
    const notes = cases
      .filter(({ skipped }) => skipped !== undefined)
      .map(({ name, runs, skipped }) =>
        runs.length === 0
          ? `- ${name} was skipped: ${skipped}`
          : `- ${name} ended after ${runs.length} of ${options.runs} runs: ${skipped}`
      );
    const title = `${row.name}: ${row.title}; ${options.runs} runs of ${options.seconds} s`;
    print(`\n### ${title}\n\n${markdownTable(row.columns, cases)}`);
    if (notes.length > 0) print(`\n${notes.join("\n")}`);
    report.rows.push({ name: row.name, title: row.title, cases });
    if (json !== undefined) {
      await Deno.writeTextFile(json, JSON.stringify(report, undefined, 2) + "\n");
    }
  }
}

if (import.meta.main) await benchPeers(Deno.args);
