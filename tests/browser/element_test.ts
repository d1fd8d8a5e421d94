/** `<stream-player>` in a page that is not the project's own. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { needs } from "../ffmpeg.ts";
import { startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";
import { Publishing } from "./publishing.ts";

/** Notes all events of the element that are put into `window.seen`. */
const NOTE = `
  window.seen = [];
  window.note = (player) => {
    const types = ["state", "playing", "waiting", "end", "error", "pause", "play", "resize", "stats"];
    for (const type of types) {
      player.addEventListener(type, ({ detail }) => window.seen.push({ type, detail }));
    }
  };
`;

interface Seen {
  readonly type: string;
  readonly detail: { readonly kind: string; readonly sentence: string };
}

/** What the page's own script would do with the element. */
interface Player extends HTMLElement {
  readonly paused: boolean;
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  stats():
    | { readonly sequence?: number; readonly dropped: Record<string, number> }
    | undefined;
  pause(): void;
  play(): void;
  savePicture(): Promise<Blob | null>;
}

/** Waits until the element has told of something since the last call, and returns all that it told. */
async function untilTold(page: Page, type: string): Promise<readonly Seen[]> {
  const told = await page.waitForFunction((type) => {
    const all = (globalThis as unknown as { seen: Seen[] }).seen;
    return all.some((seen) => seen.type === type) && all.splice(0);
  }, type);
  return await told.jsonValue() as Seen[];
}

Deno.test(needs(NO_CHROMIUM, "stream-player in a page of somebody else"), async (t) => {
  await using relay = await startRelay();
  await using browser = await Browser.start();
  await using page = await browser.open({ script: NOTE });
  // The browser itself wants an icon for it.
  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  // A page without scripts of its own: the one that says that nothing is there.
  await page.goto(`${relay.http}/a/b`);
  const watchers = (name: string, count: number) =>
    relay.until(name, ({ viewers }) => viewers === count);
  const set = (name: string, value: string | null) =>
    page.evaluate(([name, value]) => {
      const player = document.querySelector("stream-player")!;
      if (value === null) player.removeAttribute(name!);
      else player.setAttribute(name!, value!);
    }, [name, value]);

  await t.step("plays the stream that src names, once it is in the document", async () => {
    await using _cam = Publishing.pattern(relay.url("cam"), {
      width: 64,
      height: 48,
      format: "png",
    });
    await page.evaluate(async () => {
      const { defineStreamPlayer } = await import(`${"/assets/player/element.ts"}`);
      defineStreamPlayer();
      defineStreamPlayer();
      const player = document.createElement("stream-player");
      (globalThis as unknown as { note: (player: Element) => void }).note(player);
      player.setAttribute("src", "/cam");
      document.body.append(player);
    });
    const told = await untilTold(page, "playing");
    assertEquals(told[0], {
      type: "state",
      detail: { kind: "connecting", sentence: "Connecting…", isStale: true },
    } as unknown as Seen);
    assert(told.some(({ type }) => type === "waiting"));
    await page.waitForFunction(() => document.querySelector("stream-player:state(playing)"));
    await watchers("cam", 1);
    const size = await page.evaluate(() => {
      const { pictureWidth, pictureHeight } = document.querySelector<Player>("stream-player")!;
      return [pictureWidth, pictureHeight];
    });
    assertEquals(size, [64, 48]);
    const [stats] = (await untilTold(page, "stats")).filter(({ type }) => type === "stats");
    assertEquals((stats!.detail as unknown as { width: number }).width, 64);
    assertEquals(
      await page.getAttribute("stream-player canvas", "aria-label"),
      "Live picture of cam",
    );

    // No more than it is asked for.
    await set("fps", "5");
    await page.waitForFunction(() => {
      const { dropped } = document.querySelector<Player>("stream-player")!.stats() ?? {};
      return Number(dropped?.viewer_fps) > 0;
    });
    await set("fps", null);
    await page.waitForFunction(() => {
      const { sequence = 0, dropped } = document.querySelector<Player>("stream-player")!.stats() ??
        {};
      return sequence > 0 && dropped !== undefined && !dropped.viewer_fps;
    });
    await watchers("cam", 1);

    await page.evaluate(() => document.querySelector<Player>("stream-player")!.pause());
    await untilTold(page, "pause");
    const shown = () =>
      page.evaluate(() => document.querySelector<Player>("stream-player")!.stats()!.sequence!);
    const before = await shown();
    await untilTold(page, "stats");
    assertEquals(await shown(), before);
    await page.evaluate(() => document.querySelector<Player>("stream-player")!.play());
    await untilTold(page, "play");
    await page.waitForFunction(
      (before) => document.querySelector<Player>("stream-player")!.stats()!.sequence! > before,
      before,
    );
    const type = await page.evaluate(async () =>
      (await document.querySelector<Player>("stream-player")!.savePicture())?.type
    );
    assertEquals(type, "image/png");
    await page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen.splice(0));
  });

  await t.step("tells that the publisher has ended the stream", async () => {
    const told = await untilTold(page, "end");
    assertMatch(told.at(-1)!.detail.sentence, /has ended/);
  });

  await t.step("goes to another stream with src, and leaves the first", async () => {
    await using _other = Publishing.pattern(relay.url("other"), {
      width: 32,
      height: 16,
      format: "png",
    });
    await set("src", relay.url("other"));
    await untilTold(page, "resize");
    await watchers("other", 1);
    const size = await page.evaluate(() => {
      const { pictureWidth, pictureHeight } = document.querySelector<Player>("stream-player")!;
      return [pictureWidth, pictureHeight];
    });
    assertEquals(size, [32, 16]);
    await page.evaluate(() => document.querySelector("stream-player")!.remove());
    await watchers("other", 0);
    await page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen.splice(0));
  });

  await t.step("says what is wrong with an address", async () => {
    await page.evaluate(() => {
      const player = document.createElement("stream-player");
      (globalThis as unknown as { note: (player: Element) => void }).note(player);
      document.body.append(player);
      player.setAttribute("src", "mailto:cam");
    });
    assertMatch((await untilTold(page, "error")).at(-1)!.detail.sentence, /“mailto:cam” is not/);
    await set("src", "/not%20a%20name");
    assertMatch((await untilTold(page, "error")).at(-1)!.detail.sentence, /cannot be the name/);
  });

  await t.step("keeps its style to itself, and offers parts", async () => {
    const { sheets, parts } = await page.evaluate(() => ({
      sheets: document.adoptedStyleSheets.length + document.querySelectorAll("style").length,
      parts: [...document.querySelector("stream-player")!.shadowRoot!.querySelectorAll("[part]")]
        .map((element) => element.getAttribute("part")),
    }));
    assertEquals([sheets, parts], [0, ["picture", "fallback", "message"]]);
  });
  assertEquals(page.errors.filter((error) => !error.includes("404 (Not Found)")), []);
});
