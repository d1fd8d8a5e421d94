/** Frame after frame: none backwards, few missed, never an old one, and the delay as it is told. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM, type OpenPage, untilLive } from "./browser.ts";
import { medianOf, missedIn, type Sight, watchPattern } from "./pattern.ts";
import { CodedPattern } from "./publishing.ts";

const SIZE = { width: 320, height: 180 };
/** The oldest picture that may be seen a second after the player could draw again. */
const FRESH_MS = 300;

function assertForward(sights: readonly Sight[]): void {
  for (const [index, { counter }] of sights.entries()) {
    const before = sights[index - 1]?.counter ?? -1;
    assert(counter > before, `frame ${counter} was seen after frame ${before}`);
  }
}

/** Does as if the page were hidden, or shown again. */
async function setHidden(page: OpenPage, isHidden: boolean): Promise<void> {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Waits until the stream has gone on for so many frames. */
async function passed(page: OpenPage, frames: number): Promise<void> {
  await page.evaluate(
    async (ms) => await new Promise((resolve) => setTimeout(resolve, ms)),
    frames / 30 * 1000,
  );
}

/**
 * What takes time is tried again where it took too long: the machine has other things to do, too.
 * `attempt` returns what is wrong; what is wrong however fast the machine is, it throws.
 */
async function inOneOfTen(attempt: () => Promise<string | false>): Promise<void> {
  let wrong: string | false = "";
  for (let count = 0; count < 10 && wrong !== false; count++) wrong = await attempt();
  assertEquals(wrong, false);
}

/** Tells of a picture that was not the last: a slow decoder may have had more than one under way. */
function stands(before: Sight | undefined, still: Sight | undefined): string | false {
  if (still?.counter === before?.counter) return false;
  return `frame ${still?.counter} was shown after frame ${before?.counter} all the same`;
}

/** Tells how old the pictures are where none that is young enough is seen within a second. */
async function jumps(page: OpenPage): Promise<string | false> {
  const sights = await watchPattern(page, { ...SIZE, ms: 1000 });
  assertForward(sights);
  const youngest = Math.min(...sights.slice(1).map(({ ageMs }) => ageMs));
  return !(youngest < FRESH_MS) && `after a second the picture is ${youngest} ms old`;
}

Deno.test(needs(NO_CHROMIUM, "the player shows a test pattern frame by frame"), async () => {
  await using relay = await startRelay();
  await using _publisher = start(["publish", "--test-pattern", "320x180", relay.url()]);
  await using browser = await Browser.start();
  await using page = await browser.open({ url: `${relay.http}/live` });
  await untilLive(page);
  await page.keyboard.press("i");
  await inOneOfTen(async () => {
    const sights = await watchPattern(page, { ...SIZE, ms: 2500 });
    assertForward(sights);
    const told = sights.filter(({ saidMs }) => !Number.isNaN(saidMs)).slice(-30);
    const error = medianOf(told.map(({ ageMs, saidMs }) => saidMs - ageMs));
    if (!(Math.abs(error) < 100)) return `the delay is told ${error} ms too long`;
    // The benchmark holds it to 1 %; other tests run beside this one.
    const missed = missedIn(sights);
    return missed > sights.length / 4 && `${missed} missed of ${sights.length}`;
  });
  assertEquals(page.errors, []);
});

Deno.test(needs(NO_CHROMIUM ?? NO_FFMPEG, "the player of video"), async (t) => {
  await using relay = await startRelay(["--fps", "source"]);
  // A key frame every ten seconds: waiting for the next one would take too long.
  await using _pattern = new CodedPattern(relay.url(), { ...SIZE, gop: 300 });
  await relay.until("live", ({ received }) => received.frames > 30);
  await using browser = await Browser.start();
  await using page = await browser.open({ url: `${relay.http}/live` });
  await untilLive(page);

  await t.step("catches up, and shows frame by frame", async () => {
    await inOneOfTen(async () => {
      const sights = await watchPattern(page, { ...SIZE, ms: 2000 });
      assertForward(sights);
      if (sights.length <= 20) return `${sights.length} pictures seen in 2 s`;
      const age = medianOf(sights.map(({ ageMs }) => ageMs));
      return !(age < FRESH_MS) && `the pictures are ${age} ms old`;
    });
  });

  await t.step("jumps to the newest picture when the page is no more hidden", async () => {
    await inOneOfTen(async () => {
      await setHidden(page, true);
      // What is being decoded may still be shown.
      await passed(page, 5);
      const [before] = await watchPattern(page, { ...SIZE, ms: 200, count: 1 });
      await passed(page, 45);
      const [still] = await watchPattern(page, { ...SIZE, ms: 200, count: 1 });
      await setHidden(page, false);
      return stands(before, still) || await jumps(page);
    });
  });

  await t.step("jumps to the newest picture after the page has hung", async () => {
    await inOneOfTen(async () => {
      await page.evaluate(() => {
        const untilMs = performance.now() + 2000;
        while (performance.now() < untilMs);
      });
      return await jumps(page);
    });
  });

  await t.step("goes on live after a pause", async () => {
    await inOneOfTen(async () => {
      await page.keyboard.press(" ");
      const [before] = await watchPattern(page, { ...SIZE, ms: 200, count: 1 });
      await passed(page, 20);
      const [still] = await watchPattern(page, { ...SIZE, ms: 200, count: 1 });
      await page.keyboard.press(" ");
      return stands(before, still) || await jumps(page);
    });
  });
  assertEquals(page.errors, []);
});
