/**
 * The player in Chromium: frames that are not seen, and how right the delay is that it tells. The
 * number and the clock in the test pattern are read from the canvas at each refresh of the screen.
 *
 * @module
 */
import { Browser, untilLive } from "../tests/browser/browser.ts";
import { medianOf, missedIn, watchPattern } from "../tests/browser/pattern.ts";
import { CodedPattern } from "../tests/browser/publishing.ts";
import { start } from "../tests/program.ts";
import { quantile, startRelay } from "./relay.ts";
import { printResults, type Result } from "./table.ts";

const SIZE = { width: 640, height: 360 };
const DURATION_MS = 10_000;
/** The first moments of a player, which has its clock still to compare, in milliseconds. */
const SETTLE_MS = 2000;
const RECENT_MS = 1250;

/** In H.264 the delay that is seen has ffmpeg's part in it, which nobody tells the relay. */
const SOURCES = {
  png: (url: string) => start(["publish", "--test-pattern", "640x360", url]),
  raw: (url: string) => start(["publish", "--test-pattern", "640x360", "--format", "raw", url]),
  "h264, a key frame every 2 s": (url: string) => new CodedPattern(url, { ...SIZE, gop: 60 }),
} as const;

async function measure(browser: Browser, name: keyof typeof SOURCES): Promise<Result[]> {
  await using relay = await startRelay(["--fps", "30"]);
  await using _source = SOURCES[name](relay.url);
  await using page = await browser.open();
  const startMs = performance.now();
  await page.goto(`${relay.http}/live`);
  await untilLive(page);
  const joinMs = performance.now() - startMs;
  await page.keyboard.press("i");
  await watchPattern(page, { ...SIZE, ms: SETTLE_MS });
  const sights = await watchPattern(page, { ...SIZE, ms: DURATION_MS });
  const missed = missedIn(sights);
  const skipped = await page.textContent("#n-skipped");
  // What is told is the median of the last second, and up to half a second old.
  const errors = sights.flatMap(({ atMs, saidMs }) => {
    const recent = sights.filter((sight) => sight.atMs <= atMs && sight.atMs > atMs - RECENT_MS);
    return recent.length < 20
      ? []
      : [Math.abs(saidMs - medianOf(recent.map(({ ageMs }) => ageMs)))];
  });
  const shown = medianOf(sights.map(({ ageMs }) => ageMs));
  const error = `median ${medianOf(errors).toFixed(0)} ms, p95 ${
    quantile(errors, 0.95).toFixed(0)
  } ms`;
  const share = (100 * missed / (sights.length + missed)).toFixed(1);
  return [{
    what: `${name}: not seen of 10 s at 30 fps`,
    target: "1 %",
    measured: `${missed} of ${
      sights.length + missed
    }, ${share} % (skipped since it began: ${skipped})`,
  }, {
    what: `${name}: told delay off by`,
    target: "50 ms",
    measured: `${error} (the delay itself: median ${shown.toFixed(0)} ms)`,
  }, {
    what: `${name}: from the address to a live picture`,
    target: "-",
    measured: `${joinMs.toFixed(0)} ms`,
  }];
}

/** Measures and prints. */
export async function benchBrowser(): Promise<void> {
  await using browser = await Browser.start();
  const results: Result[] = [];
  for (const name of Object.keys(SOURCES) as (keyof typeof SOURCES)[]) {
    results.push(...await measure(browser, name));
  }
  printResults(`the player in Chromium, ${SIZE.width}x${SIZE.height}`, results);
}

if (import.meta.main) await benchBrowser();
