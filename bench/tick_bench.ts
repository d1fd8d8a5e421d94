/**
 * How evenly frames leave at `--fps 50`: raw pictures from a file, and when the first byte of each
 * comes to one viewer.
 *
 * @module
 */
import { firstBytes } from "./raw_viewer.ts";
import { programLine, quantile, startRelay } from "./relay.ts";
import { printResults } from "./table.ts";

const INTERVALS = 500;
/** The first frames pass code and memory that is cold. */
const WARM_UP = 50;
const INTERVAL_MS = 20;

async function measure(width: number, height: number): Promise<void> {
  await using relay = await startRelay(["--fps", "50"]);
  const [command, ...first] = programLine();
  const watching = firstBytes(relay.http, width * height * 3, WARM_UP + INTERVALS + 1);
  const publisher = new Deno.Command(command!, {
    args: [
      ...first,
      "publish",
      ...["--input", "/dev/zero", "--size", `${width}x${height}`, "--pixel-format", "rgb24"],
      relay.url,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const arrivals = await watching;
  publisher.kill("SIGTERM");
  await publisher.status;
  arrivals.splice(0, WARM_UP);
  const intervals = arrivals.slice(1).map((arrival, index) => arrival - arrivals[index]!);
  const mean = (arrivals.at(-1)! - arrivals[0]!) / INTERVALS;
  const off = intervals.map((interval) => Math.abs(interval - INTERVAL_MS));
  printResults(`--fps 50, raw ${width}x${height} from a file, ${INTERVALS} intervals`, [
    {
      what: "mean interval",
      target: "20 ms ± 0.1 %",
      measured: `${mean.toFixed(3)} ms (${((mean / INTERVAL_MS - 1) * 100).toFixed(3)} %)`,
    },
    {
      what: "99 in 100 intervals are off by",
      target: "at most 3 ms",
      measured: `${quantile(off, 0.99).toFixed(2)} ms (median ${quantile(off, 0.5).toFixed(2)} ms)`,
    },
  ]);
}

/** Measures and prints. */
export async function benchTick(): Promise<void> {
  await measure(1920, 1080);
  await measure(320, 240);
}

if (import.meta.main) await benchTick();
