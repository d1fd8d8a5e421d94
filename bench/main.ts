/**
 * Runs all benchmarks in turn: `deno task bench [NAME …]`, a name being one of the list. Those
 * that take long run by their names only: `live`, `attacks`, `soak`, and `peers`, which installs other
 * programs:
 * `deno task bench live [ROW …] [OPTION …]`.
 *
 * The relay and its clients run from the sources, or as the executable that `STREAM_PROGRAM` names.
 *
 * @module
 */

const BENCHES: Readonly<Record<string, readonly string[]>> = {
  split: ["run", "bench/split_bench.ts"],
  core: ["bench", "--quiet", "bench/core_bench.ts"],
  startup: ["run", "--allow-all", "bench/startup_bench.ts"],
  delay: ["run", "--allow-all", "bench/delay_bench.ts"],
  tick: ["run", "--allow-all", "bench/tick_bench.ts"],
  pipeline: ["run", "--allow-all", "bench/pipeline_bench.ts"],
  stalled: ["run", "--allow-all", "bench/stalled_bench.ts"],
  join: ["run", "--allow-all", "bench/join_bench.ts"],
  chaos: ["run", "--allow-all", "bench/chaos_bench.ts"],
  "slow-link": ["run", "--allow-all", "bench/slow_link_bench.ts"],
  browser: ["run", "--allow-all", "bench/browser_bench.ts"],
  grid: ["run", "--allow-all", "bench/grid_bench.ts"],
};

/** Those that run alone, with arguments of their own. */
const ALONE: Readonly<Record<string, string>> = {
  live: "bench/live_bench.ts",
  peers: "bench/peers_bench.ts",
  attacks: "bench/attacks_bench.ts",
  soak: "bench/soak_bench.ts",
};

async function run(args: readonly string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: new URL("..", import.meta.url),
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}

const [first, ...rest] = Deno.args;
const alone = ALONE[first ?? ""];
if (alone !== undefined) {
  await run(["run", "--allow-all", alone, ...rest]);
} else {
  for (const name of Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES)) {
    const args = BENCHES[name];
    if (args === undefined) {
      const names = [...Object.keys(BENCHES), ...Object.keys(ALONE)].join(", ");
      // deno-lint-ignore no-console
      console.error(`Cannot run "${name}": the benchmarks are ${names}`);
      Deno.exit(2);
    }
    await run(args);
  }
}
