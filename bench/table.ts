/**
 * Results for people.
 *
 * @module
 */

/** One line of results. */
export interface Result {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
}

/** Prints a table. */
export function printResults(title: string, results: readonly Result[]): void {
  const rows = [{ what: title, target: "target", measured: "measured" }, ...results];
  const width = (field: keyof Result) => Math.max(...rows.map((row) => row[field].length));
  const [what, target] = [width("what"), width("target")];
  for (const row of rows) {
    // deno-lint-ignore no-console
    console.log(`${row.what.padEnd(what)}  ${row.target.padEnd(target)}  ${row.measured}`);
  }
  // deno-lint-ignore no-console
  console.log();
}
