/**
 * Live streams from end to end, in real processes: how late frames are, and how soon a stream is live
 * again when something stood still. `deno task bench live [ROW …] [--seconds N]`.
 *
 * @module
 */
// @ts-types="../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { messageOf } from "../src/errors.ts";
import { endAll } from "./live/process.ts";
import type { LiveRow } from "./live/row.ts";
import { endings } from "./live/rows/endings.ts";
import { far } from "./live/rows/far.ts";
import { fast } from "./live/rows/fast.ts";
import { file } from "./live/rows/file.ts";
import { film } from "./live/rows/film.ts";
import { network } from "./live/rows/network.ts";
import { longPause, shortPause } from "./live/rows/pause.ts";
import { python } from "./live/rows/python.ts";
import { slowReader } from "./live/rows/slow_reader.ts";
import { starts } from "./live/rows/starts.ts";
import { steady } from "./live/rows/steady.ts";
import { printResults } from "./table.ts";

const ROWS: readonly LiveRow[] = [
  steady,
  shortPause,
  longPause,
  network,
  fast,
  file,
  film,
  far,
  python,
  slowReader,
  starts,
  endings,
];
const SECONDS = 8;

/** Measures the rows of these names, or all, and prints a table for each. */
export async function benchLive(args: readonly string[]): Promise<void> {
  const flags = parseArgs([...args], {
    string: ["seconds"],
    unknown: (arg, key) => {
      if (key !== undefined) throw new Error(`Cannot read "${arg}": the only option is --seconds`);
    },
  });
  const names = flags._.map(String);
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) {
    const known = ROWS.map(({ name }) => name).join(", ");
    throw new Error(`Cannot run "${unknown}": the rows are ${known}`);
  }
  const seconds = Number(flags.seconds ?? SECONDS);
  if (!(seconds >= 3)) {
    throw new Error(`Cannot read --seconds "${flags.seconds}": it is a number of at least 3`);
  }
  for (const row of ROWS) {
    if (names.length > 0 && !names.includes(row.name)) continue;
    const title = `${row.name}: ${row.title}`;
    // What runs beside it is in every figure.
    const [load = NaN] = Deno.loadavg();
    // deno-lint-ignore no-console
    console.error(`measuring ${row.name}, load average ${load.toFixed(1)}`);
    try {
      printResults(title, await row.measure({ seconds }));
    } catch (error) {
      printResults(title, [{ what: "-", target: "-", measured: messageOf(error) }]);
    }
  }
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      endAll();
      Deno.exit(1);
    });
  }
  try {
    await benchLive(Deno.args);
    Deno.exit();
  } catch (error) {
    // deno-lint-ignore no-console
    console.error(messageOf(error));
    Deno.exit(2);
  }
}
