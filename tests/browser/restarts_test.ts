/// <reference lib="dom" />
/** The player comes back by itself: after the relay, after the publisher, in another size. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { needs } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM, untilLive, untilSaid } from "./browser.ts";

/** How long the picture may take to come back, in milliseconds. */
const BACK_MS = 3000;

Deno.test(
  needs(NO_CHROMIUM, "the player comes back after the relay and the publisher"),
  async () => {
    await using browser = await Browser.start();
    await using first = await startRelay();
    await using page = await browser.open({ url: `${first.http}/live` });
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
    await using second = await startRelay([], { port: Number(new URL(first.http).port) });
    await second.until("live", ({ publishing, sent }) => publishing && sent.frames > 0);
    const serverMs = performance.now();
    await untilLive(page);
    const backMs = performance.now() - serverMs;
    assert(backMs < BACK_MS, `after the relay was there, the picture took ${backMs} ms`);

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
