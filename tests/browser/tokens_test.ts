/** Pages whose token ends while they are open: signed tokens of a few seconds, or revoked ones. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { needs } from "../ffmpeg.ts";
import { eventually } from "../waiting.ts";
import { startRelay } from "../server/fixture.ts";
import { Browser, NO_CHROMIUM, type OpenPage } from "./browser.ts";
import { SignedRelay, STREAM } from "./signed.ts";
import { goOff, TIMERS } from "./timers.ts";

/** How long a first token holds, in seconds; doubled where the page was not there in time. */
const SECONDS = 4;
/** Longer than any page waits between two requests, in milliseconds. */
const QUIET_MS = 3500;
/** A page waits for no try longer than this, in milliseconds. */
const LONGEST_MS = 60_000;
/** How long a request takes to be seen that has been made, in milliseconds; and its answer. */
const SEEN_MS = 300;

/** WebSockets that never open, as behind a proxy that knows none. */
const NO_WEBSOCKETS = `
  globalThis.WebSocket = class {
    static OPEN = 1;
    OPEN = 1;
    readyState = 0;
    constructor() {
      setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
    }
    close() {}
  };
`;
/** A page that is not secure, or a browser that is old. */
const NO_WEBCODECS = `
  for (const name of ["VideoDecoder", "VideoFrame", "EncodedVideoChunk", "ImageDecoder"]) {
    delete globalThis[name];
  }
`;

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

/** Holds that the page asks the relay for nothing, now or when what it waits for has gone off. */
async function asksNothing(page: OpenPage, addresses: readonly string[]): Promise<void> {
  const before = addresses.length;
  // What is under way may begin to wait when its answer is there, and so may what has gone off.
  for (let round = 0; round < 2; round++) {
    await page.waitForTimeout(SEEN_MS);
    await goOff(page, LONGEST_MS);
  }
  // The page's own request is behind all that it has made before.
  await page.evaluate(() => fetch(`${location.origin}/?mark`).then((answer) => answer.text()));
  await eventually("the page's own request", () => addresses.at(-1)!.endsWith("/?mark"));
  await page.waitForTimeout(SEEN_MS);
  assertEquals(addresses.slice(before).filter((address) => !address.endsWith("/?mark")), []);
}

/** Holds that the page asks the relay for nothing while it waits for somebody. */
async function staysQuiet(page: OpenPage, addresses: readonly string[]): Promise<void> {
  await asksNothing(page, addresses);
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
      await using page = await browser.open({ script: TIMERS });
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

Deno.test(
  needs(
    NO_CHROMIUM,
    "A page shows motion JPEG by its token, and asks for another when that has ended",
  ),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open({ script: TIMERS + NO_WEBSOCKETS });
    const addresses = addressesOf(page);
    const { token, tokenId } = await relay.token();
    const shown = () =>
      page.waitForFunction(() => {
        const { shadowRoot } = document.querySelector("stream-player")!;
        const image = shadowRoot!.querySelector("img")!;
        return !image.hidden && image.naturalWidth === 64 && image.src.startsWith("blob:");
      });
    await page.goto(`${relay.http}/${STREAM}#token=${token}`);
    await shown();
    const loaded = await page.evaluate(() =>
      new Promise<number>((resolve) => {
        const image = document.querySelector("stream-player")!.shadowRoot!.querySelector("img")!;
        let count = 0;
        image.addEventListener("load", () => ++count === 5 && resolve(count));
      })
    );
    assertEquals(loaded, 5);
    relay.revoke(tokenId);
    await untilAsked(page, /the token was revoked/);
    await staysQuiet(page, addresses);
    const next = await relay.token();
    await give(page, next.token);
    await shown();
    const motion = addresses.filter((address) => address.endsWith(`/${STREAM}.mjpeg`));
    assert(motion.length >= 2, motion.join());
    const told = addresses.filter((address) =>
      [token, next.token].some((each) => address.replace(/#.*/, "").includes(each))
    );
    assertEquals(told, []);
    assertEquals(page.errors.filter((error) => !/the server responded with/.test(error)), []);
  },
);

Deno.test(
  needs(NO_CHROMIUM, "Pages without WebCodecs show pictures by a token"),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open({ script: NO_WEBCODECS });
    for (const path of [`/${STREAM}`, "/"]) {
      await page.goto(`${relay.http}${path}#token=${(await relay.token()).token}`);
      await eventually(`${path} to play`, () => isLive(page, relay));
      assertEquals(await page.evaluate(() => typeof globalThis.VideoFrame), "undefined");
    }
    assertEquals(page.errors, []);
  },
);

Deno.test(
  needs(NO_CHROMIUM, "A token is in no address, link, title, Referer, line of log or number"),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open();
    const seen: string[] = [];
    page.on("request", async (request) => {
      const headers = await request.allHeaders().catch(() => ({} as Record<string, string>));
      // A header of its own is where it belongs.
      delete headers.authorization;
      seen.push(request.url().replace(/#.*/, ""), JSON.stringify(headers));
    });
    page.on("websocket", (socket) => seen.push(socket.url()));
    page.on("console", (message) => seen.push(message.text()));
    page.on("pageerror", (error) => seen.push(String(error)));
    const first = await relay.token();
    const second = await relay.token(60, { watch: [STREAM], metrics: ["*"] });
    const secrets = [first.token, second.token, "not-a-right-one"];
    const look = async () => {
      seen.push(
        ...await page.evaluate(() => [
          location.href,
          document.title,
          document.documentElement.outerHTML,
          ...performance.getEntries().slice(1).map(({ name }) => name),
        ]),
      );
    };
    const entries = () => page.evaluate(() => history.length);

    await page.goto(`${relay.http}/${STREAM}#token=${first.token}`);
    await eventually("the page to play", () => isLive(page, relay));
    await look();
    const before = await entries();
    await page.keyboard.press("c");
    seen.push(await page.evaluate(() => navigator.clipboard.readText()));
    // To the list by the page's own link, and on to the stream by that of its card.
    await page.locator("header a").click();
    await eventually("the list to play", () => isLive(page, relay));
    await look();
    await page.locator(".card .name").click();
    await eventually("the page to play", () => isLive(page, relay));
    relay.revoke(first.tokenId);
    await page.locator("#entry").waitFor();
    await give(page, "not-a-right-one");
    await untilAsked(page, /the token is wrong/);
    await look();
    await give(page, second.token);
    await eventually("the page to play", () => isLive(page, relay));
    await look();
    assertEquals(await entries(), before + 2);
    // Nor does the way back lead to it.
    for (let back = 0; back < 2; back++) {
      await page.goBack();
      await eventually("the page before to play", () => isLive(page, relay));
      await look();
    }
    const metrics = await fetch(`${relay.http}/metrics`, {
      headers: { authorization: `Bearer ${second.token}` },
    });
    assertEquals(metrics.status, 200);
    seen.push(await metrics.text(), ...relay.logged);
    assert(seen.length > 50, String(seen.length));
    assert(seen.some((each) => /cam\/access/.test(each)));
    const signatures = secrets.map((secret) => secret.split(".").at(-1)!);
    for (const signature of signatures) {
      assertEquals(seen.filter((each) => each.includes(signature)), []);
    }
  },
);

Deno.test(
  needs(
    NO_CHROMIUM,
    "A page from which too much has come says how long to wait, and then tries again",
  ),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open();
    const addresses = addressesOf(page);
    let isLimited = true;
    // This machine's own addresses are never limited.
    await page.route("**/access", async (route) => {
      if (!isLimited) return await route.fallback();
      isLimited = false;
      const body = "Cannot do this: too many wrong tokens have come from this address\n";
      await route.fulfill({ status: 429, headers: { "retry-after": "3" }, body });
    });
    const { token } = await relay.token();
    await page.goto(`${relay.http}/${STREAM}#token=${token}`);
    await untilAsked(page, /too many wrong tokens/);
    assertMatch(await page.locator("#entry small").innerText(), /You can try again in [123] s\./);
    assertEquals(await page.locator("#entry button").isDisabled(), true);
    const before = addresses.length;
    await page.locator("#entry button:enabled").waitFor();
    assertEquals(addresses.slice(before), []);
    assertEquals(await page.locator("#entry small").isVisible(), false);
    // The token that was not looked at is still there.
    await page.locator("#entry button").click();
    await eventually("the page to play", () => isLive(page, relay));
  },
);

for (const path of [`/${STREAM}`, "/"]) {
  Deno.test(
    needs(NO_CHROMIUM, `The page ${path} asks for another token when it wakes, or is come back to`),
    async (t) => {
      await using relay = await SignedRelay.start();
      await using browser = await Browser.start();
      await using page = await browser.open({ script: TIMERS });
      const addresses = addressesOf(page);
      const cdp = await page.context().newCDPSession(page);

      await t.step("after a sleep", async () => {
        const { token, tokenId } = await relay.token();
        await page.goto(`${relay.http}${path}#token=${token}`);
        await eventually("the page to play", () => isLive(page, relay));
        await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
        relay.revoke(tokenId);
        await eventually("the relay to end it", async () => await relay.viewers() === 0);
        await cdp.send("Page.setWebLifecycleState", { state: "active" });
        await untilAsked(page, /the token was revoked/);
        await staysQuiet(page, addresses);
        const next = await relay.token();
        await give(page, next.token);
        await eventually("the page to play", () => isLive(page, relay));
      });

      await t.step("after nobody has looked at it", async () => {
        const { token, tokenId } = await relay.token();
        const sockets = () => addresses.filter((address) => address.startsWith("ws:")).length;
        const others = sockets();
        await page.evaluate((token) => void (location.hash = `token=${token}`), token);
        await page.waitForFunction(() => location.hash === "");
        // Until then it plays by the one before.
        await eventually("another connection", () => sockets() > others);
        await eventually("the page to play", () => isLive(page, relay));
        const setHidden = (isHidden: boolean) =>
          page.evaluate((isHidden) => {
            Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
          }, isHidden);
        await setHidden(true);
        // A tile leaves with whoever looked at it.
        if (path === "/") {
          await eventually("it to leave", async () => await relay.viewers() === 0);
        }
        const before = sockets();
        relay.revoke(tokenId);
        await setHidden(false);
        await untilAsked(page, /the token was revoked/);
        assertEquals(sockets(), before);
        await staysQuiet(page, addresses);
        await give(page, (await relay.token()).token);
        await eventually("the page to play", () => isLive(page, relay));
      });

      await t.step("by the way back, with a token of another page of the tab", async () => {
        const { token, tokenId } = await relay.token();
        await page.evaluate((token) => void (location.hash = `token=${token}`), token);
        await page.waitForFunction(() => location.hash === "");
        await eventually("the page to play", () => isLive(page, relay));
        await page.goto(`${relay.http}/health`);
        relay.revoke(tokenId);
        await page.goBack();
        await untilAsked(page, /the token was revoked/);
        const next = await relay.token();
        await give(page, next.token);
        await eventually("the page to play", () => isLive(page, relay));
      });

      await t.step("as it was kept for the way back", async () => {
        const { token } = await relay.token();
        // Playwright has browsers keep no pages: what the page is told when it comes back from there.
        await page.evaluate((token) => {
          sessionStorage.setItem("stream-token", token);
          dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        }, "by-another-page");
        await untilAsked(page, /the token is wrong/);
        await page.evaluate((token) => void (location.hash = `token=${token}`), token);
        await eventually("the page to play", () => isLive(page, relay));
      });
    },
  );
}

interface Player extends HTMLElement {
  token: () => string | undefined;
  retry(): void;
}

Deno.test(
  needs(
    NO_CHROMIUM,
    "stream-player in a page of another site asks for another token, and says when it has none",
  ),
  async (t) => {
    const html = "<!DOCTYPE html><link rel=icon href=data:,><title>Another site</title>";
    await using site = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(html, { headers: { "content-type": "text/html" } }),
    );
    const origin = `http://127.0.0.1:${site.addr.port}`;
    await using relay = await SignedRelay.start({ allowOrigins: [origin] });
    await using browser = await Browser.start();
    await using page = await browser.open({ url: origin, script: TIMERS });
    const addresses = addressesOf(page);
    const errors = () =>
      page.evaluate(() => (globalThis as unknown as { errors: string[] }).errors.splice(0));
    const setToken = (token: string) =>
      page.evaluate((token) => void Object.assign(globalThis, { token }), token);
    const retry = () =>
      page.evaluate(() => document.querySelector<Player>("stream-player")!.retry());
    const untilError = () =>
      page.waitForFunction(() => (globalThis as unknown as { errors: string[] }).errors.length > 0);

    await t.step("a wrong one, which is sent no more", async () => {
      await setToken("wrong");
      await page.evaluate(async ([module, src]) => {
        const { defineStreamPlayer } = await import(module!);
        defineStreamPlayer();
        const errors: string[] = [];
        Object.assign(globalThis, { errors });
        const player = document.createElement("stream-player") as Player;
        player.token = () => (globalThis as unknown as { token: string }).token;
        player.addEventListener("error", (event) => {
          errors.push((event as unknown as CustomEvent<{ sentence: string }>).detail.sentence);
        });
        player.setAttribute("src", src!);
        document.body.append(player);
      }, [`${relay.http}/assets/player/element.ts`, `${relay.http}/${STREAM}`]);
      await untilError();
      assertEquals(await errors(), ["This page may not watch: the token is wrong."]);
      await asksNothing(page, addresses);
    });

    const first = await relay.token();
    await t.step("a right one", async () => {
      await setToken(first.token);
      await retry();
      await eventually("it to play", () => isLive(page, relay));
    });

    const second = await relay.token();
    await t.step("another, once the first is revoked", async () => {
      const sockets = () => addresses.filter((address) => address.startsWith("ws:"));
      const before = sockets().length;
      await setToken(second.token);
      relay.revoke(first.tokenId);
      await eventually("it to come again", () => sockets().length === before + 1);
      await eventually("it to play by the other", () => isLive(page, relay));
      assertEquals(await errors(), []);
    });

    await t.step("none", async () => {
      relay.revoke(second.tokenId);
      await untilError();
      assertEquals(await errors(), ["This page may not watch: the token was revoked."]);
      await asksNothing(page, addresses);
    });
    const told = addresses.filter((address) => address.includes(first.token.split(".")[2]!));
    assertEquals(told, []);
  },
);

Deno.test(
  needs(
    NO_CHROMIUM,
    "A page of many streams sends a token that has ended a few times, and not for each",
  ),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open({ script: TIMERS });
    await page.setViewportSize({ width: 1400, height: 3000 });
    const addresses = addressesOf(page);
    const others = Array.from({ length: 11 }, (_, index) => `other-${index}`);
    await using _publishing = await relay.publishTo(others);
    const { token, tokenId } = await relay.token(undefined, { watch: ["*"] });
    await page.goto(`${relay.http}/#token=${token}`);
    const allPlay = () =>
      page.waitForFunction(() => {
        const canvases = [...document.querySelectorAll<HTMLCanvasElement>(".card canvas")];
        return canvases.filter(({ width }) => width === 64).length === 12 &&
          document.getElementById("total-viewers")?.textContent.startsWith("12");
      });
    await allPlay();
    const sockets = () => addresses.filter((address) => address.startsWith("ws:")).length;
    const before = sockets();
    relay.revoke(tokenId);
    await untilAsked(page, /the token was revoked/);
    await staysQuiet(page, addresses);
    // The list, and one for all tiles, have found it out; on a busy machine a few tiles come before that.
    const ended = sockets();
    assert(ended < before + 6, `${ended} connections, and ${before} before`);
    const asked = addresses.slice(addresses.findLastIndex((each) => each.startsWith("ws:")) + 1);
    const access = asked.filter((address) => address.endsWith("/access"));
    assert(access.length <= 2, access.join());
    await give(page, (await relay.token(undefined, { watch: ["*"] })).token);
    // What was shown before is shown until then.
    await eventually("every tile to come again", () => sockets() >= ended + 12);
    await allPlay();
    await page.waitForFunction(() => !document.body.classList.contains("is-away"));
    assertEquals(sockets(), ended + 12);
  },
);

Deno.test(
  needs(NO_CHROMIUM, "The page of all streams forgets its token when it is told to"),
  async () => {
    await using relay = await SignedRelay.start();
    await using browser = await Browser.start();
    await using page = await browser.open({ url: relay.http });
    await page.locator("#entry").waitFor();
    assertEquals(await page.locator("#forget").isVisible(), false);
    await give(page, (await relay.token()).token);
    await eventually("the page to play", () => isLive(page, relay));
    await page.locator("#forget").click();
    await untilAsked(page, /none came/);
    assertEquals(await page.evaluate(() => sessionStorage.length), 0);
    // Nor is it asked for where everybody may watch.
    await using open = await startRelay({ workers: 1 });
    await page.goto(open.address);
    await page.waitForFunction(() => !document.getElementById("empty")!.hidden);
    assertEquals(await page.locator("#forget").isVisible(), false);
  },
);
