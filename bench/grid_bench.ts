/**
 * What the page of all streams costs: twenty streams are published, one is watched by a player, and
 * then the page is open beside it with all of them in view.
 *
 * @module
 */
import type { CDPSession, Page } from "playwright-core";
import type { FrameSource } from "../src/files/frame_source.ts";
import { bareConfig } from "../src/core/frame.ts";
import { Tick } from "../src/core/tick.ts";
import { encodePng } from "../src/picture/png.ts";
import { TestPattern } from "../src/picture/test_pattern.ts";
import { Browser, NO_CHROMIUM, untilLive } from "../tests/browser/browser.ts";
import type { StreamStatus } from "../src/wire/control_message.ts";
import { clock, publish } from "./clients.ts";
import { type BenchRelay, quantile, startRelay, usageOf } from "./relay.ts";
import { printResults } from "./table.ts";

const STREAMS = 20;
const FPS = 30;
const SIZE = { width: 640, height: 360 };
/** As large as all cards are together. */
const WINDOW = { width: 1600, height: 1900 };
/** Pictures of the test pattern that are published in turn. */
const PICTURES = 30;
const MEASURED_MS = 10_000;
/** Before that: code and memory get warm. */
const SETTLE_MS = 3000;

/** The same pictures again and again, at an even rate, until it is stopped. */
class Round implements FrameSource {
  readonly #pictures: readonly Uint8Array<ArrayBuffer>[];
  readonly #tick = new Tick(FPS, clock.nowMs());
  #frame = 0;
  #isStopped = false;

  constructor(pictures: readonly Uint8Array<ArrayBuffer>[]) {
    this.#pictures = pictures;
  }

  async next() {
    while (this.#tick.fire(clock.nowMs()) === undefined) await pause(this.#waitMs());
    if (this.#isStopped) return undefined;
    const data = this.#pictures[this.#frame++ % PICTURES]!;
    const config = { ...bareConfig("png"), codec: "png", ...SIZE };
    return { data, kind: "key" as const, ptsUs: null, config };
  }

  stop(): void {
    this.#isStopped = true;
  }

  #waitMs(): number {
    return Math.max(0, this.#tick.deadlineMs - clock.nowMs());
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function pictures(): Uint8Array<ArrayBuffer>[] {
  const pattern = new TestPattern(SIZE);
  return Array.from({ length: PICTURES }, (_, frame) => {
    const data = pattern.render({ frame, wallMs: frame * 1000 / FPS });
    return encodePng({ ...SIZE, data, channels: 3 });
  });
}

/** What was used over the time of a measurement. */
interface Cost {
  /** Of one core. */
  readonly relayCpu: number;
  readonly bytesPerSecond: number;
  /** What the player says that it draws. */
  readonly playerFps: number;
  /** Of one core, all processes of the page's browser. */
  readonly browserCpu: number | undefined;
  /** Of the page's main thread. */
  readonly pageCpu: number | undefined;
}

async function sentBytes(relay: BenchRelay): Promise<number> {
  const streams: StreamStatus[] = await (await fetch(`${relay.http}/api/streams`)).json();
  return streams.reduce((sum, { sent }) => sum + sent.bytes, 0);
}

/** Seconds of CPU of a page: its main thread, and all processes of its browser. */
async function pageSeconds(
  { page, browser }: Sessions,
): Promise<{ page: number; browser: number }> {
  const { metrics } = await page.send("Performance.getMetrics");
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  return {
    page: metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN,
    browser: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0),
  };
}

interface Sessions {
  readonly page: CDPSession;
  readonly browser: CDPSession;
}

async function sessionsOf(page: Page): Promise<Sessions> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  return { page: session, browser: await page.context().browser()!.newBrowserCDPSession() };
}

async function measure(relay: BenchRelay, player: Page, grid: Page | undefined): Promise<Cost> {
  const sessions = grid === undefined ? undefined : await sessionsOf(grid);
  await pause(SETTLE_MS);
  const read = async () => ({
    atMs: performance.now(),
    relay: (await usageOf(relay.pid)).cpuSeconds,
    sent: await sentBytes(relay),
    page: sessions === undefined ? undefined : await pageSeconds(sessions),
  });
  const before = await read();
  const rates: number[] = [];
  while (performance.now() - before.atMs < MEASURED_MS) {
    await pause(500);
    rates.push(parseFloat(await player.textContent("#n-fps") ?? ""));
  }
  const after = await read();
  const seconds = (after.atMs - before.atMs) / 1000;
  const share = (end: number | undefined, begin: number | undefined) =>
    end === undefined || begin === undefined ? undefined : (end - begin) / seconds;
  return {
    relayCpu: share(after.relay, before.relay)!,
    bytesPerSecond: share(after.sent, before.sent)!,
    playerFps: quantile(rates, 0.5),
    browserCpu: share(after.page?.browser, before.page?.browser),
    pageCpu: share(after.page?.page, before.page?.page),
  };
}

function percent(share: number | undefined): string {
  return share === undefined ? "-" : `${(share * 100).toFixed(1)} %`;
}

/** Measures and prints. */
export async function benchGrid(): Promise<void> {
  if (NO_CHROMIUM !== undefined) {
    // deno-lint-ignore no-console
    console.log(`the page of all streams: not measured, ${NO_CHROMIUM}`);
    return;
  }
  const round = pictures();
  await using relay = await startRelay(["--fps", String(FPS)]);
  const base = relay.url.replace(/live$/, "");
  const sources = Array.from({ length: STREAMS }, () => new Round(round));
  const publishing = Promise.all(
    sources.map((source, index) => publish(`${base}s-${index}`, source)),
  );
  {
    await using playing = await Browser.start();
    await using player = await playing.open({ url: `${relay.http}/s-0` });
    await untilLive(player);
    await player.keyboard.press("i");
    const without = await measure(relay, player, undefined);

    // A browser of its own: its processes are those of the page alone.
    await using browser = await Browser.start();
    await using grid = await browser.open();
    await grid.setViewportSize(WINDOW);
    await grid.goto(relay.http);
    await grid.waitForFunction(
      (streams) =>
        document.getElementById("total-viewers")?.textContent?.includes(`(${streams} here)`),
      STREAMS,
    );
    const open = await measure(relay, player, grid);
    print(without, open, Math.round(round[0]!.length / 1000));
  }
  for (const source of sources) source.stop();
  await publishing;
}

function print(without: Cost, open: Cost, kilobytes: number): void {
  const more = open.bytesPerSecond - without.bytesPerSecond;
  const streams = `${STREAMS} streams of PNG ${SIZE.width}x${SIZE.height} (${kilobytes} kB)`;
  printResults(`the page of all streams: ${streams} at ${FPS} fps, one player`, [
    {
      what: "the relay's CPU, of a core, without and with the page open",
      target: "-",
      measured: `${percent(without.relayCpu)}, ${percent(open.relayCpu)}`,
    },
    {
      what: "bytes a second from the relay, without and with",
      target: "-",
      measured: `${kilobytesOf(without.bytesPerSecond)}, ${kilobytesOf(open.bytesPerSecond)}`,
    },
    {
      what: "the page's pictures, as a part of all that is published",
      target: "1/30",
      measured: `1/${(kilobytes * 1000 * FPS * STREAMS / more).toFixed(1)}`,
    },
    {
      what: "CPU of the page's main thread, and of its whole browser, of a core",
      target: "-",
      measured: `${percent(open.pageCpu)}, ${percent(open.browserCpu)}`,
    },
    {
      what: "frames a second of the player, without and with",
      target: "30, 30",
      measured: `${without.playerFps.toFixed(1)}, ${open.playerFps.toFixed(1)}`,
    },
  ]);
}

function kilobytesOf(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

if (import.meta.main) await benchGrid();
