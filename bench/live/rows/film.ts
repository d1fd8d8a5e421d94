/**
 * A film with B frames at its own pace: by `publish --input`, and by ffmpeg from a pipe.
 *
 * @module
 */
import { Browser, NO_CHROMIUM, untilLive } from "../../../tests/browser/browser.ts";
import { type BenchRelay, programLine, quantile, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { spread } from "../ledger.ts";
import { pause, piped, Process } from "../process.ts";
import type { LiveRow } from "../row.ts";
import { placeOn, until } from "../run.ts";
import { makeFilm } from "../sources.ts";
import { toldDelays } from "../told_delays.ts";

const FPS = 30;
/** How many frames the film is coded ahead of those shown before them. */
const REORDERED = 2;
const SAMPLE_MS = 500;
/** How long a player may take to begin, in seconds. */
const BEGIN_SECONDS = 5;
const PARTS = ["delay", "publisher", "relay", "network", "viewer"] as const;

/** The row. */
export const film: LiveRow = {
  name: "film",
  title: `a film of 720p at ${FPS} fps with B frames (serve --fps ${FPS})`,
  async measure({ seconds }) {
    const path = await Deno.makeTempFile({ suffix: ".mp4" });
    try {
      await makeFilm(path, seconds + BEGIN_SECONDS);
      const ways: Readonly<Record<string, (url: string) => string[]>> = {
        "publish --input": (url) => [...programLine(), "publish", "--input", path, url],
        "ffmpeg -re -c copy | publish": (url) => piped(ffmpegLine(path), publishLine(url)),
      };
      const results: Result[] = [];
      for (const [what, line] of Object.entries(ways)) {
        results.push(
          { what, target: "relay's median ≤ 5", measured: await measureRelay(line, seconds) },
          {
            what: `${what}, in Chromium`,
            target: `≤ ${60 + Math.round(REORDERED * 1000 / FPS)} from capture to paint`,
            measured: await measurePlayer(line, seconds),
          },
        );
      }
      return results;
    } finally {
      await Deno.remove(path);
    }
  },
};

function ffmpegLine(path: string): string[] {
  const copy = ["-c", "copy", "-f", "h264", "-"];
  return ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", path, ...copy];
}

function publishLine(url: string): string[] {
  return [...programLine(), "publish", url];
}

async function measureRelay(line: (url: string) => string[], seconds: number): Promise<string> {
  await using relay = await startRelay(["--fps", String(FPS)]);
  await using viewer = await startViewer(relay);
  await using _publisher = new Process(line(relay.url));
  await until(placeOn(relay, "live"), ({ publishing }) => publishing, viewer);
  const endMs = performance.now() + seconds * 1000;
  const told = await toldDelays(relay, () => performance.now() > endMs);
  return `in the relay ${spread(told.relayMs)}; capture to watch ${spread(told.latencyMs)}`;
}

async function startViewer(relay: BenchRelay): Promise<Process> {
  const viewer = new Process([...programLine(), "watch", "--output", "/dev/null", relay.url]);
  await until(placeOn(relay, "live"), ({ viewers }) => viewers > 0, viewer);
  return viewer;
}

async function measurePlayer(line: (url: string) => string[], seconds: number): Promise<string> {
  if (NO_CHROMIUM !== undefined) return `not measured: ${NO_CHROMIUM}`;
  await using browser = await Browser.start();
  await using relay = await startRelay(["--fps", String(FPS)]);
  await using page = await browser.open({ url: `${relay.http}/live` });
  await using _publisher = new Process(line(relay.url));
  await untilLive(page);
  await page.keyboard.press("i");
  const seen = Object.fromEntries(PARTS.map((part) => [part, [] as number[]]));
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await pause(SAMPLE_MS);
    for (const part of PARTS) {
      const ms = parseFloat(await page.textContent(`#n-${part}`) ?? "");
      if (!Number.isNaN(ms)) seen[part]!.push(ms);
    }
  }
  const median = (part: string) => quantile(seen[part]!, 0.5).toFixed(0);
  const parts = PARTS.slice(1).map((part) => `${part} ${median(part)}`).join(", ");
  return `median ${median("delay")}, highest ${Math.max(...seen.delay!)} ms (${parts})`;
}
