/** The player comes back by itself: after the relay, after the publisher, in another size. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { needs } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { eventually } from "../waiting.ts";
import { Browser, NO_CHROMIUM, untilLive, untilSaid } from "./browser.ts";

/** How long the player may wait before it tries again, in milliseconds. */
const LONGEST_WAIT_MS = 2000;
/** Notes how long the page's timers are. */
const NOTE_TIMERS = `
  globalThis.timersMs = [];
  const set = setTimeout;
  globalThis.setTimeout = (run, ms, ...more) => {
    timersMs.push(ms);
    return set(run, ms, ...more);
  };
`;

/** How long the timers of the page are that were set since this was asked before. */
async function timersMs(page: Page): Promise<readonly number[]> {
  return await page.evaluate(() =>
    (globalThis as unknown as { timersMs: number[] }).timersMs.splice(0)
  );
}

Deno.test(
  needs(NO_CHROMIUM, "the player comes back after the relay and the publisher"),
  async () => {
    await using browser = await Browser.start();
    await using first = await startRelay();
    await using page = await browser.open({ url: `${first.http}/live`, script: NOTE_TIMERS });
    assertEquals(
      await untilSaid(page, /is publishing/),
      "Nobody is publishing “live” yet. The picture appears when somebody does.",
    );
    const url = first.url();
    await using before = start(["publish", "--test-pattern", "320x180", url]);
    await untilLive(page);

    // The relay is killed, and there again on the same port.
    first.process.kill("SIGKILL");
    await untilSaid(page, /connection was lost|does not answer/);
    assert(
      await page.locator("stream-player").evaluate((player) => player.matches(":state(stale)")),
    );
    await before.said(/lost the relay/);
    await untilSaid(page, /does not answer/);
    await timersMs(page);
    const waitsMs = await eventually("the player to try again", async () => {
      const waits = await timersMs(page);
      return waits.length > 0 && waits;
    });
    assert(Math.max(...waitsMs) <= LONGEST_WAIT_MS, `it tries again after ${waitsMs} ms`);
    await using second = await startRelay([], { port: Number(new URL(first.http).port) });
    await second.until("live", ({ publishing, sent }) => publishing && sent.frames > 0);
    await untilLive(page);

    // The publisher is killed, and another comes with another size.
    before.kill("SIGKILL");
    await untilSaid(page, /publisher is gone/);
    await using after = start(["publish", "--test-pattern", "240x160", url]);
    await page.waitForFunction(() => {
      const { width, height } = document.querySelector("stream-player")!.shadowRoot!.querySelector(
        "canvas",
      )!;
      return width === 240 && height === 160;
    });
    await untilLive(page);

    // It ends the stream, and the next one goes on.
    after.kill("SIGTERM");
    await untilSaid(page, /The stream has ended/);
    await using _last = start(["publish", "--test-pattern", "320x180", url]);
    await untilLive(page);

    // The relay stops in peace.
    second.process.kill("SIGTERM");
    await untilSaid(page, /relay was stopped|does not answer/);
    assertEquals(page.errors, []);
  },
);
