/**
 * Strangers do their worst beside a stream of 30 × 50 kB a second that must notice nothing of it:
 * `deno task bench attacks [NAME …] [--listener node|deno] [--workers N] [--seconds N] [--small] [--json]`.
 * Prints the table of docs/security.md. Needs Linux.
 *
 * @module
 */
// @ts-types="../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import type { ListenerKind } from "../src/listen/listener.ts";
import type { Attack } from "../tests/attacks/attack.ts";
import { ATTACKS } from "../tests/attacks/attacks.ts";
import { type Outcome, siege } from "../tests/attacks/siege.ts";

/** How long an attack that has no end of its own goes on, unless told otherwise, in seconds. */
const SECONDS = 10;
/** How long files and memory may take to be given back, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What is measured. */
export interface AttacksOptions {
  readonly listener: ListenerKind;
  readonly workers: number;
  readonly seconds: number;
  readonly scale: "small" | "full";
}

const HEAD = [
  ...["attack", "how it ended", "lost", "longest gap (of it our own)", "MB before, peak, after"],
  "files before, peak, after",
];

/** A line of the table. */
export function tableRow({ name, what }: Attack, outcome: Outcome): string[] {
  const { end, witness, before, peak, after, backMs } = outcome;
  const megabytes = [before, peak, after].map(({ residentMB }) => residentMB.toFixed(0)).join(", ");
  const files = [before, peak, after].map((each) => each.files).join(", ");
  return [
    `\`${name}\`: ${what}`,
    end,
    `${witness.lost}${witness.ended === null ? "" : ` (${witness.ended})`}`,
    `${witness.gapMs.toFixed(0)} ms (${witness.lateMs.toFixed(0)})`,
    `${megabytes}${backMs === undefined ? " (not given back)" : ""}`,
    files,
  ];
}

/** A line of a table in Markdown. */
export function markdown(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Makes the attacks in turn; tells each as it is over. */
export async function benchAttacks(
  attacks: readonly Attack[],
  { listener, workers, seconds, scale }: AttacksOptions,
  onRow: (attack: Attack, outcome: Outcome) => void,
): Promise<void> {
  for (const attack of attacks) {
    const size = { scale, holdMs: seconds * 1000 };
    onRow(attack, await siege(attack, { listener, workers, size, patienceMs: PATIENCE_MS }));
  }
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["listener", "workers", "seconds"],
    boolean: ["json", "small"],
  });
  const listener = flags.listener === "deno" ? "deno" : "node";
  const names = flags._.map(String);
  const unknown = names.filter((name) => !ATTACKS.some((attack) => attack.name === name));
  if (unknown.length > 0) {
    const known = ATTACKS.map(({ name }) => name).join(", ");
    // deno-lint-ignore no-console
    console.error(`Cannot run "${unknown[0]}": the attacks are ${known}`);
    Deno.exit(2);
  }
  const attacks = ATTACKS.filter(({ name }) => names.length === 0 || names.includes(name));
  // deno-lint-ignore no-console
  const print = console.log;
  if (!flags.json) [HEAD, HEAD.map(() => "---")].forEach((cells) => print(markdown(cells)));
  const options = {
    listener,
    workers: Number(flags.workers ?? 1),
    seconds: Number(flags.seconds ?? SECONDS),
    scale: flags["small"] ? "small" : "full",
  } as const;
  await benchAttacks(attacks, options, (attack, outcome) => {
    const { log: _, ...figures } = outcome;
    if (flags.json) print(JSON.stringify({ attack: attack.name, listener, ...figures }));
    else print(markdown(tableRow(attack, outcome)));
  });
}
