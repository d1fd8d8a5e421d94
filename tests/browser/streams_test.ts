/** The page of all streams: what comes, goes and changes on it, and what it costs. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import type { StreamStatus } from "../../src/wire/control_message.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { type RunningRelay, startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";
import { Publishing } from "./publishing.ts";
import { eventually } from "../waiting.ts";

/** A name that is not this computer: a page from there is not secure. */
const INSECURE_HOST = "relay.test";
const SMALL = { width: 160, height: 90, format: "png" } as const;

/** Waits until the page has these streams, in this order. */
async function untilStreams(page: Page, names: readonly string[]): Promise<void> {
  await page.waitForFunction(
    (names) =>
      [...document.querySelectorAll(".card .name")].map((link) => link.textContent).join() ===
        names,
    names.join(),
  );
}

/** Waits until a stream's card matches, and returns its text. */
async function untilCard(page: Page, name: string, pattern: RegExp): Promise<string> {
  const seen = await page.waitForFunction(
    ({ name, source }) => {
      const link = [...document.querySelectorAll(".name")].find((link) =>
        link.textContent === name
      );
      const text = link?.closest<HTMLElement>(".card")?.innerText.replaceAll("\n", " ") ?? "";
      return new RegExp(source).test(text) && text;
    },
    { name, source: pattern.source },
  );
  return await seen.jsonValue() as string;
}

/** Waits until every card has a picture in which something is to be seen. */
async function untilPictures(page: Page, count: number): Promise<void> {
  await page.waitForFunction((count) => {
    const canvases = [...document.querySelectorAll<HTMLCanvasElement>(".picture canvas")];
    return canvases.length === count && canvases.every((canvas) => {
      if (canvas.width < 20) return false;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, index) => index % 4 < 3 && value > 40);
    });
  }, count);
}

/** Waits until the names of the relay's streams are as wanted, and returns them. */
async function untilWatched(
  relay: RunningRelay,
  isReached: (names: readonly string[]) => boolean,
): Promise<readonly string[]> {
  return await eventually(`the streams to be as in ${isReached}`, async () => {
    const response = await fetch(`${relay.http}/api/streams`);
    const names = (await response.json() as StreamStatus[]).map(({ name }) => name);
    return isReached(names) && names;
  });
}

/** What the API says of streams that nobody has to publish. */
function apiStreams(count: number, fields: Record<string, unknown> = {}): unknown[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `s-${String(index).padStart(3, "0")}`,
    fps: 30,
    publishing: true,
    viewers: 0,
    ...fields,
  }));
}

Deno.test(needs(NO_CHROMIUM, "the page of all streams"), async (t) => {
  await using browser = await Browser.start({
    args: [`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  });
  await using relay = await startRelay(["--host-name", INSECURE_HOST]);

  await t.step("says how to make a stream while there is none", async () => {
    await using page = await browser.open({ url: relay.http });
    const command = `stream publish --test-pattern ${relay.url()}`;
    await page.getByText("No stream yet").waitFor();
    const lines = await page.locator(".command code").allTextContents();
    assertEquals(lines[0], command);
    assertMatch(lines[1]!, /^ffmpeg .*\| stream publish ws:\/\/127\.0\.0\.1:\d+\/live$/);
    await page.getByRole("button", { name: /Copy the command: A test pattern/ }).click();
    await page.getByText("Copied").waitFor();
    assertEquals(await page.evaluate(() => navigator.clipboard.readText()), command);
    assertEquals(page.errors, []);
  });

  await t.step(
    "copies a command for the host that it is from, or selects it where it may not copy it",
    async () => {
      const host = `${INSECURE_HOST}:${new URL(relay.http).port}`;
      await using page = await browser.open({ url: `http://${host}` });
      const command = `stream publish --test-pattern ws://${host}/live`;
      const button = page.getByRole("button", { name: /Copy the command: A test pattern/ });
      await button.click();
      await page.getByText("Copied").waitFor();
      // A page that is not secure may not read the clipboard.
      await using secure = await browser.open({ url: relay.http });
      assertEquals(await secure.evaluate(() => navigator.clipboard.readText()), command);
      await page.bringToFront();
      await page.evaluate(() => document.execCommand = () => false);
      await button.click();
      await page.getByText("Press Ctrl+C").waitFor();
      assertEquals(await page.evaluate(() => String(getSelection())), command);
      assertEquals([page.errors, secure.errors], [[], []]);
    },
  );

  await t.step("shows streams that come and go, without a reload", async () => {
    await using page = await browser.open({ url: relay.http });
    await page.getByText("No stream yet").waitFor();
    {
      await using _b = Publishing.pattern(relay.url("b"), SMALL);
      await untilStreams(page, ["b"]);
      assert(!await page.getByText("No stream yet").isVisible());
      // The card of a stream stays the same element.
      await page.locator(".card").evaluate((card) => card.dataset.mark = "first");
      {
        await using _a = Publishing.pattern(relay.url("a"), SMALL);
        await using _c = Publishing.pattern(relay.url("c"), SMALL);
        await untilStreams(page, ["a", "b", "c"]);
        await untilPictures(page, 3);
        await untilCard(page, "b", /Live.*PNG · 160×90.*\d+\.\d \/ 30.*1 \(1 here\)/);
        assertEquals(await page.title(), "Streams (3)");
        await page.waitForFunction(() =>
          document.getElementById("total-viewers")?.textContent === "3 (3 here)" &&
          /^[1-9].*B\/s$/.test(document.getElementById("total-sent")?.textContent ?? "")
        );
        assertMatch((await page.textContent("#news"))!, /a|c/);
        const list = page.getByRole("list", { name: "Streams" });
        assertEquals(await list.getByRole("listitem").count(), 3);
        const link = page.getByRole("link", { name: "c" });
        assertEquals(await link.getAttribute("href"), `${relay.http}/c`);
        await link.focus();
      }
      // The stream goes although this page watches it, and the focus goes to its neighbour.
      await untilStreams(page, ["b"]);
      assertEquals(await page.evaluate(() => document.activeElement?.textContent), "b");
      assertEquals(await page.locator(".card").getAttribute("data-mark"), "first");
    }
    await page.getByText("No stream yet").waitFor();
    assertEquals(page.errors, []);
  });

  await t.step("changes the frame rate, and says why not", async () => {
    await using _publishing = Publishing.pattern(relay.url("live"), SMALL);
    await using page = await browser.open({ url: relay.http });
    await untilCard(page, "live", /\/ 30/);
    await page.getByText("Frame rate: 30 fps").focus();
    await page.keyboard.press("Enter");
    const input = page.getByRole("spinbutton", { name: "Frames a second of live" });
    assertEquals(await input.inputValue(), "30");
    await input.fill("5");
    await input.press("Enter");
    await page.getByText("Now at 5 fps.").waitFor();
    await relay.until("live", ({ fps }) => fps === 5);
    // The figures follow: what is measured too.
    await untilCard(page, "live", /[45]\.\d \/ 5 .*Frame rate: 5 fps/);

    await input.fill("-3");
    await page.getByRole("button", { name: "Set" }).click();
    const answer = page.locator(".rate-answer");
    await page.getByText("fps is -3, not a number from").waitFor();
    assert(await answer.evaluate(({ classList }) => classList.contains("is-error")));
    assertEquals(await input.getAttribute("aria-invalid"), "true");
    await input.fill("");
    assertEquals(await answer.textContent(), "");
    await input.press("Enter");
    await page.getByText("fps is null, not a number").waitFor();
    assertEquals((await relay.until("live", () => true)).fps, 5);

    await page.getByRole("button", { name: "Source" }).click();
    await relay.until("live", ({ fps }) => fps === "source");
    await untilCard(page, "live", /\/ source/);
    // Chromium itself says this of an answer with an error.
    assertEquals(page.errors.filter((error) => !/status of 400/.test(error)), []);
  });

  await t.step("takes everything from the API for text", async () => {
    const markup = `<img src=x onerror="document.title='injected'"><b>bold</b>`;
    const text = Object.fromEntries(
      ["format", "codec", "width", "height", "pixelFormat", "fps", "viewers", "queue", "rate"]
        .concat(["sent", "received", "latency", "tick", "epoch"])
        .map((field) => [field, markup]),
    );
    const streams = [
      { ...text, name: markup, dropped: { [markup]: 3 } },
      { name: "javascript:alert(1)", publishing: true, format: markup, dropped: markup },
      { ...text, name: "../..//example.org", publishing: markup },
    ];
    await using page = await browser.open();
    await page.route("**/api/streams", (route) => route.fulfill({ json: streams }));
    await page.route(
      "**/api/streams/**",
      (route) => route.fulfill({ status: 400, json: { error: markup } }),
    );
    await page.goto(relay.http);
    await untilStreams(page, streams.map(({ name }) => name));
    await untilCard(page, "javascript:alert(1)", /cannot be the name/);
    await page.locator("summary").first().click();
    await page.getByRole("button", { name: "Source" }).first().click();
    await page.locator(".rate-answer.is-error").first().waitFor();
    assertEquals(await page.locator(".rate-answer").first().textContent(), markup);
    assertEquals(await page.locator(".reasons").first().textContent(), `3 ${markup}`);
    assertEquals(await page.locator(".card img, .card b, img[src=x]").count(), 0);
    assertEquals(await page.title(), "Streams (3)");
    const links = await page.locator(".card a").evaluateAll((all) =>
      all.map((link) => (link as HTMLAnchorElement).href)
    );
    assert(links.every((href) => href.startsWith(`${relay.http}/`)), links.join(" "));
    assertEquals(page.errors.filter((error) => !/status of 400/.test(error)), []);
  });

  await t.step("watches only what is in view, in a tab that is seen", async () => {
    await using page = await browser.open();
    await page.route("**/api/streams", (route) => route.fulfill({ json: apiStreams(100) }));
    await page.goto(relay.http);
    await relay.until("s-000", ({ viewers }) => viewers === 1);
    assertEquals(await page.locator(".card").count(), 100);
    await page.locator(".card").last().scrollIntoViewIfNeeded();
    await relay.until("s-099", ({ viewers }) => viewers === 1);
    // Here nobody publishes: a stream is there for as long as the page watches it.
    const watched = await untilWatched(relay, (names) => !names.includes("s-000"));
    assert(watched.length > 2 && watched.length < 20, watched.join(" "));
    // Another tab in front.
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await untilWatched(relay, (names) => names.length === 0);
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: false });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await relay.until("s-099", ({ viewers }) => viewers === 1);
    assertEquals(page.errors, []);
  });
});

Deno.test(
  needs(NO_CHROMIUM, "the page of all streams goes on by itself when the relay is back"),
  async () => {
    await using browser = await Browser.start();
    await using first = await startRelay();
    await using page = await browser.open({ url: first.http });
    await using _publishing = Publishing.pattern(first.url("live"), SMALL);
    await untilPictures(page, 1);
    await page.locator(".card").evaluate((card) => card.dataset.mark = "first");
    first.process.kill("SIGKILL");
    await page.getByText("The relay does not answer. The page will continue").waitFor();
    assert(await page.evaluate(() => document.body.classList.contains("is-away")));
    await untilStreams(page, ["live"]);
    await using second = await startRelay([], { port: Number(new URL(first.http).port) });
    await page.waitForFunction(() => document.getElementById("away")?.textContent === "");
    // The publisher comes back to its card, which has waited for it.
    await untilCard(page, "live", /Live.*1 \(1 here\)/);
    assertEquals(await page.locator(".card").getAttribute("data-mark"), "first");
    await second.until("live", ({ sent }) => sent.frames > 0);
    assert(!await page.evaluate(() => document.body.classList.contains("is-away")));
    assertEquals(page.errors, []);
  },
);

Deno.test(
  needs(NO_CHROMIUM ?? NO_FFMPEG, "the page of all streams shows video by its key frames"),
  async () => {
    const encode = async (...args: string[]) =>
      await ffmpeg([
        ...["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=30", "-frames:v", "20", "-g", "10"],
        ...["-pix_fmt", "yuv420p", ...args, "-"],
      ]);
    await using browser = await Browser.start();
    await using relay = await startRelay();
    const [h264, vp8, vp9, hevc] = await Promise.all([
      encode("-c:v", "libx264", "-bf", "2", "-f", "h264"),
      encode("-c:v", "libvpx", "-f", "ivf"),
      encode("-c:v", "libvpx-vp9", "-cpu-used", "8", "-f", "ivf"),
      encode("-c:v", "libx265", "-x265-params", "log-level=none", "-f", "hevc"),
    ]);
    await using _h264 = Publishing.still(relay.url("h264"), h264, { format: "h264" });
    await using _vp8 = Publishing.still(relay.url("vp8"), vp8, { format: "ivf" });
    await using _vp9 = Publishing.still(relay.url("vp9"), vp9, { format: "ivf" });
    await using page = await browser.open({ url: relay.http });
    await untilStreams(page, ["h264", "vp8", "vp9"]);
    await untilPictures(page, 3);
    await using _hevc = Publishing.still(relay.url("hevc"), hevc, { format: "hevc" });
    // Chromium of Debian has no decoder for it.
    await untilCard(page, "hevc", /This browser cannot decode H\.265/);
    assertEquals(page.errors, []);
  },
);
