/** Pages whose token ends while they are open: signed tokens of a few seconds, or revoked ones. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { needs } from "../ffmpeg.ts";
import { eventually } from "../waiting.ts";
import { Browser, NO_CHROMIUM, type OpenPage } from "./browser.ts";
import { SignedRelay, STREAM } from "./signed.ts";

/** How long a first token holds, in seconds; doubled where the page was not there in time. */
const SECONDS = 4;
/** Longer than any page waits between two requests, in milliseconds. */
const QUIET_MS = 3500;

/** Every address that a page asks for, its WebSockets' too. */
function addressesOf(page: OpenPage): string[] {
  const all: string[] = [];
  page.on("request", (request) => all.push(request.url()));
  page.on("websocket", (socket) => all.push(socket.url()));
  return all;
}

/** Whether the page shows the stream of now. */
async function isLive(page: OpenPage, relay: SignedRelay): Promise<boolean> {
  const isShown = await page.evaluate(() => {
    const element = document.querySelector("stream-player");
    if (element !== null) return element.matches(":state(playing)");
    const canvas = document.querySelector<HTMLCanvasElement>(".card canvas");
    return canvas?.width === 64 && !document.body.classList.contains("is-away");
  });
  return isShown && await relay.viewers() === 1;
}

const asks = (page: OpenPage) => page.locator("#entry").isVisible();

async function give(page: OpenPage, token: string): Promise<void> {
  await page.locator("#entry input").fill(token);
  await page.locator("#entry button").click();
  await page.waitForFunction((token) => {
    const field = document.querySelector<HTMLInputElement>("#entry input");
    return field?.value !== token;
  }, token);
}

/** Has the page play by a token of a few seconds, which holds until it does. */
async function playFor(page: OpenPage, relay: SignedRelay, seconds = SECONDS): Promise<void> {
  await give(page, (await relay.token(seconds)).token);
  const isThere = await eventually("the page to play, or ask", async () => {
    if (await isLive(page, relay)) return "live";
    return await asks(page) && "asked";
  });
  if (isThere === "asked") await playFor(page, relay, seconds * 2);
}

async function untilAsked(page: OpenPage, pattern: RegExp): Promise<void> {
  await page.locator("#entry").waitFor();
  assertMatch(await page.locator("#entry p").innerText(), pattern);
}

/** Holds that the page asks the relay for nothing while it waits for somebody. */
async function staysQuiet(page: OpenPage, addresses: readonly string[]): Promise<void> {
  const before = addresses.length;
  await page.waitForTimeout(QUIET_MS);
  assertEquals(addresses.slice(before), []);
  assert(await asks(page));
}

for (const path of [`/${STREAM}`, "/"]) {
  Deno.test(
    needs(
      NO_CHROMIUM,
      `The page ${path} asks for another token when its own has ended, and goes on`,
    ),
    async (t) => {
      await using relay = await SignedRelay.start();
      await using browser = await Browser.start();
      await using page = await browser.open();
      const addresses = addressesOf(page);
      const said = () => page.locator(path === "/" ? "#away" : "#sentence").innerText();

      await t.step("without a token, and without a request until there is one", async () => {
        await page.goto(relay.http + path);
        await untilAsked(page, /watch needs a token, and none came/);
        await staysQuiet(page, addresses);
      });

      await t.step("a wrong one", async () => {
        await give(page, "wrong");
        await untilAsked(page, /the token is wrong/);
        await staysQuiet(page, addresses);
      });

      await t.step("expired", async () => {
        await playFor(page, relay);
        await untilAsked(page, /the token has expired/);
        assertEquals(await said(), "This page may not watch: the token has expired.");
        await staysQuiet(page, addresses);
        await eventually("the viewer to be gone", async () => await relay.viewers() === 0);
      });

      const { token, tokenId } = await relay.token();
      await t.step("revoked", async () => {
        await give(page, token);
        await eventually("the page to play", () => isLive(page, relay));
        relay.revoke(tokenId);
        await untilAsked(page, /the token was revoked/);
        assertEquals(await said(), "This page may not watch: the token was revoked.");
        await staysQuiet(page, addresses);
      });

      await t.step("given by the fragment, while it asks and while it plays", async () => {
        const next = await relay.token();
        await page.evaluate((token) => void (location.hash = `token=${token}`), next.token);
        await eventually("the page to play", () => isLive(page, relay));
        assertEquals(await asks(page), false);
        const last = await relay.token();
        await page.evaluate((token) => void (location.hash = `token=${token}`), last.token);
        await page.waitForFunction(() => location.hash === "");
        await page.waitForFunction(
          (token) => sessionStorage.getItem("stream-token") === token,
          last.token,
        );
        await eventually("the page to play", () => isLive(page, relay));
        // The connection by the one before is gone with it.
        relay.revoke(next.tokenId);
        await page.waitForTimeout(QUIET_MS);
        assertEquals([await asks(page), await isLive(page, relay)], [false, true]);
      });
      // Never reloaded: what it has asked for first, it has asked for once.
      assertEquals(addresses.filter((address) => address === relay.http + path).length, 1);
      assertEquals(page.errors.filter((error) => !/the server responded with/.test(error)), []);
    },
  );
}
