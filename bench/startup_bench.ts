/**
 * How long the compiled executable takes to show its help.
 *
 * @module
 */
import { programLine, quantile } from "./relay.ts";
import { printResults } from "./table.ts";

const RUNS = 15;

/** Measures and prints. */
export async function benchStartup(): Promise<void> {
  const [command, ...first] = programLine();
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startMs = performance.now();
    await new Deno.Command(command!, { args: [...first, "--help"], stdout: "null" }).output();
    times.push(performance.now() - startMs);
  }
  const isCompiled = first.length === 0;
  printResults(`start-up, ${isCompiled ? "compiled" : "from sources: set STREAM_PROGRAM"}`, [{
    what: `stream --help, median of ${RUNS} runs`,
    target: isCompiled ? "under 150 ms" : "-",
    measured: `${quantile(times, 0.5).toFixed(0)} ms`,
  }]);
}

if (import.meta.main) await benchStartup();
