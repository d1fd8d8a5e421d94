/**
 * The whole way with large frames: `publish --input FILE`, `serve --fps source`, `watch`, each a
 * process, from the start of `publish` to the end of `watch`.
 *
 * @module
 */
import { programLine, quantile, startRelay } from "./relay.ts";
import { printResults } from "./table.ts";

const FRAME_BYTES = 1920 * 1080 * 3;
const FRAMES = 150;
const RUNS = 5;

async function measure(file: string): Promise<number> {
  await using relay = await startRelay(["--fps", "source"]);
  const [command, ...first] = programLine();
  const spawn = (...args: string[]) =>
    new Deno.Command(command!, {
      args: [...first, ...args, relay.url],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  const watching = spawn("watch", "--output", "/dev/null", "--log", "json");
  const wrote = new Response(watching.stderr).text();
  while ((await (await fetch(`${relay.http}/api/streams`)).json())[0]?.viewers !== 1);
  const startMs = performance.now();
  const publishing = spawn(
    ...["publish", "--input", file, "--size", "1920x1080", "--pixel-format", "rgb24"],
  );
  const published = new Response(publishing.stderr).text();
  await Promise.all([watching.status, publishing.status]);
  const seconds = (performance.now() - startMs) / 1000;
  const frames = Number(/"frames":(\d+)[^\n]*\n$/.exec(await wrote)?.[1]);
  if (frames !== FRAMES) throw new Error(`${frames} frames came: ${await published}`);
  return FRAMES / seconds;
}

/** Measures and prints. */
export async function benchPipeline(): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".rgb" });
  try {
    const frame = new Uint8Array(FRAME_BYTES);
    for (let start = 0; start < FRAME_BYTES; start += 65_536) {
      crypto.getRandomValues(frame.subarray(start, start + 65_536));
    }
    for (let count = 0; count < FRAMES; count++) {
      await Deno.writeFile(file, frame, { append: true });
    }
    const rates: number[] = [];
    for (let run = 0; run < RUNS; run++) rates.push(await measure(file));
    const median = quantile(rates, 0.5);
    printResults("publish, serve, watch: raw 1080p (6.2 MB), --fps source", [{
      what: `frames a second, median of ${RUNS} runs of ${FRAMES}`,
      target: "at least 60",
      measured: `${median.toFixed(0)} (${(median * FRAME_BYTES / 1e6).toFixed(0)} MB/s); ` +
        `all: ${rates.map((rate) => rate.toFixed(0)).join(", ")}`,
    }]);
  } finally {
    await Deno.remove(file);
  }
}

if (import.meta.main) await benchPipeline();
