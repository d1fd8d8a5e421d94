/** The player's page: what it says, its keys, its buttons, and that nothing of a name gets into it. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { decode } from "fast-png";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { type RunningRelay, startRelay } from "../program.ts";
import { Client } from "../server/fixture.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { encodePng } from "../../src/picture/png.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { Browser, NO_CHROMIUM, type OpenPage, untilLive, untilSaid } from "./browser.ts";
import { Publishing } from "./publishing.ts";
import { fromPublisher } from "../wire/messages.ts";
import { eventually } from "../waiting.ts";

const SIZE = { width: 320, height: 180 };
/** A name that is not this computer: a page from there is not secure. */
const INSECURE_HOST = "relay.test";

/** The player's page under an address at which the relay has another one. */
async function openPlayer(
  browser: Browser,
  relay: RunningRelay,
  path: string,
): Promise<OpenPage> {
  const script = `history.replaceState(null, "", ${JSON.stringify(path)});`;
  return await browser.open({ url: `${relay.http}/live`, script });
}

/** Takes note of what the page says in passing: it is gone before a busy machine looks. */
const NOTE_TOASTS = `
  globalThis.toasts = [];
  new MutationObserver(() => {
    const toast = document.getElementById("toast")?.textContent ?? "";
    if (toast !== "" && toast !== toasts.at(-1)) toasts.push(toast);
  }).observe(document, { childList: true, subtree: true });
`;

/** Waits until the page has said something in passing. */
async function untilToast(page: OpenPage, pattern: RegExp): Promise<void> {
  await page.waitForFunction(({ source }) => {
    const { toasts } = globalThis as unknown as { toasts: readonly string[] };
    return toasts.some((toast) => new RegExp(source).test(toast));
  }, { source: pattern.source });
}

async function untilGone(relay: RunningRelay, name: string): Promise<void> {
  await eventually(`the stream ${name} to go`, async () => {
    const { body, status } = await fetch(`${relay.http}/api/streams/${name}`);
    await body?.cancel();
    return status === 404;
  });
}

async function video(format: "vp8" | "hevc"): Promise<Uint8Array> {
  const library = { vp8: "libvpx", hevc: "libx265" }[format];
  const muxer = format === "vp8" ? "ivf" : format;
  const source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30", "-frames:v", "5"];
  return await ffmpeg([...source, "-c:v", library, "-pix_fmt", "yuv420p", "-f", muxer, "-"]);
}

Deno.test(needs(NO_CHROMIUM ?? NO_FFMPEG, "the player says in a sentence"), async (t) => {
  await using relay = await startRelay(["--max-viewers", "1", "--host-name", INSECURE_HOST]);
  await using browser = await Browser.start({
    args: [`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  });

  await t.step("that a name is none", async () => {
    await using page = await openPlayer(browser, relay, "/two%20words");
    assertMatch(await untilSaid(page, /cannot be/), /^“two words” cannot be the name of a stream/);
    assertEquals(page.errors, []);
  });

  await t.step("that a name with markup is none, and shows it as text", async () => {
    const name = `<img src=x onerror="document.title='injected'"><b>`;
    await using page = await openPlayer(browser, relay, `/${encodeURIComponent(name)}`);
    assert((await untilSaid(page, /cannot be/)).startsWith(`“${name}”`));
    assertEquals(await page.textContent("#name"), name);
    assertEquals(await page.title(), `${name} · stream`);
    assertEquals(await page.locator("img[src=x], b").count(), 0);
    assertEquals(page.errors, []);
  });

  await t.step("that the relay is full, and tries again when asked", async () => {
    await using one = await browser.open({ url: `${relay.http}/live` });
    await untilSaid(one, /is publishing/);
    await using page = await browser.open({ url: `${relay.http}/live` });
    assertMatch(await untilSaid(page, /full/), /its limit of viewers/);
    await one.close();
    // A stream without anybody is none.
    await untilGone(relay, "live");
    await page.click("#retry");
    await untilSaid(page, /is publishing/);
    assertEquals(page.errors, []);
  });

  await t.step("that the stream has ended", async () => {
    const publishing = Publishing.pattern(relay.url("short"), { ...SIZE, format: "png" });
    await using page = await browser.open({ url: `${relay.http}/short` });
    await untilLive(page);
    await publishing[Symbol.asyncDispose]();
    await untilSaid(page, /^The stream has ended/);
    assertEquals(await page.textContent("#badge"), "Ended");
  });

  await t.step("that the browser cannot decode H.265", async () => {
    await using _ = Publishing.still(relay.url("hevc"), await video("hevc"), { format: "hevc" });
    await using page = await browser.open({ url: `${relay.http}/hevc` });
    assertMatch(await untilSaid(page, /cannot/), /^This browser cannot decode H\.265 \(h.+\)\.$/);
    assertEquals(page.errors, []);
  });

  await t.step("that VP8 needs a secure page", async () => {
    await using _ = Publishing.still(relay.url("vp8"), await video("vp8"), { format: "ivf" });
    const port = new URL(relay.http).port;
    await using page = await browser.open({ url: `http://${INSECURE_HOST}:${port}/vp8` });
    assertMatch(await untilSaid(page, /needs/), /^VP8 needs a secure page: open it over https/);
    assertEquals(page.errors, []);
  });

  await t.step("that frames of which nothing is known cannot be shown", async () => {
    const frames = Publishing.still(relay.url("bytes"), new Uint8Array(64), {
      format: "raw",
      frameBytes: 32,
    });
    await using _ = frames;
    await using page = await browser.open({ url: `${relay.http}/bytes` });
    await untilSaid(page, /cannot read this picture/);
    assertEquals(page.errors, []);
  });

  await t.step("that WebSockets do not get through, and shows motion JPEG", async () => {
    const jpeg = await ffmpeg([
      "-f",
      "lavfi",
      "-i",
      "color=red:size=64x48",
      ..."-frames:v 2 -f mjpeg -".split(" "),
    ]);
    await using _ = Publishing.still(relay.url("blocked"), jpeg, { format: "mjpeg" });
    await relay.until("blocked", ({ received }) => received.frames > 0);
    // The relay has room for one viewer, and motion JPEG does not come again where it was full.
    await eventually("the pages before to be gone", async () => {
      const streams = await (await fetch(`${relay.http}/api/streams`)).json();
      return streams.every(({ viewers }: { viewers: number }) => viewers === 0);
    });
    await using page = await browser.open({
      url: `${relay.http}/blocked`,
      script: NOTE_TOASTS + `
        globalThis.WebSocket = class {
          static OPEN = 1;
          OPEN = 1;
          readyState = 0;
          constructor() {
            setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
          }
          close() {}
        };
      `,
    });
    await page.waitForFunction(() => {
      const image = document.querySelector("stream-player")!.shadowRoot!.querySelector("img")!;
      return !image.hidden && image.naturalWidth === 64;
    });
    assertEquals(await page.textContent("#badge"), "Blocked");
    await untilToast(page, /motion JPEG/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
    assertEquals(decode(await Deno.readFile(await download.path())).width, 64);
  });
});

Deno.test(needs(NO_CHROMIUM, "the player's keys and buttons"), async (t) => {
  await using relay = await startRelay();
  await using _publishing = Publishing.pattern(relay.url("keys"), { ...SIZE, format: "png" });
  await using browser = await Browser.start();
  await using page = await browser.open({ url: `${relay.http}/keys`, script: NOTE_TOASTS });
  await untilLive(page);
  const pressed = (id: string) => page.getAttribute(`#${id}`, "aria-pressed");

  await t.step("i shows the numbers, and hides them", async () => {
    await page.keyboard.press("i");
    await page.waitForFunction(() => /\d fps/.test(document.getElementById("n-fps")!.textContent));
    assertEquals([await pressed("info"), await page.isVisible("#numbers")], ["true", true]);
    assertEquals(await page.textContent("#n-format"), "PNG");
    assertEquals(await page.textContent("#n-size"), "320 × 180");
    await page.waitForFunction(() => /\d ms/.test(document.getElementById("n-relay")!.textContent));
    await page.keyboard.press("Escape");
    assertEquals([await pressed("info"), await page.isVisible("#numbers")], ["false", false]);
  });

  await t.step("space pauses, and goes on", async () => {
    await page.keyboard.press(" ");
    assertEquals(await page.textContent("#badge"), "Paused");
    assertEquals(await page.getAttribute("#pause", "aria-label"), "Go on");
    await page.keyboard.press(" ");
    assertEquals(await page.textContent("#badge"), "Live");
  });

  await t.step("s saves the picture under a name with the time", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
    await untilToast(page, /^Saved keys-/);
    assertMatch(download.suggestedFilename(), /^keys-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.png$/);
    const picture = decode(await Deno.readFile(await download.path()));
    assertEquals([picture.width, picture.height], [320, 180]);
  });

  await t.step("c copies the link", async () => {
    await page.keyboard.press("c");
    await untilToast(page, /^Link copied$/);
    assertEquals(await page.evaluate(() => navigator.clipboard.readText()), `${relay.http}/keys`);
  });

  await t.step("1 shows each pixel as one", async () => {
    await page.keyboard.press("1");
    const { width } = (await page.locator("stream-player canvas").boundingBox())!;
    assertEquals([width, await pressed("exact")], [320, "true"]);
    await page.keyboard.press("1");
    assertEquals((await page.locator("stream-player canvas").boundingBox())!.width, 1000);
  });

  await t.step("f fills the screen", async () => {
    await page.keyboard.press("f");
    await page.waitForFunction(() => document.fullscreenElement !== null);
    await page.keyboard.press("f");
    await page.waitForFunction(() => document.fullscreenElement === null);
  });

  await t.step("? shows the keys", async () => {
    await page.keyboard.press("?");
    assert(await page.isVisible("#keys"));
    await page.keyboard.press("Escape");
    assert(!await page.isVisible("#keys"));
  });

  await t.step("a button with the focus takes the space bar, and is seen", async () => {
    await page.focus("#info");
    await page.keyboard.press(" ");
    assertEquals(await pressed("info"), "true");
    assertNotEquals(await page.textContent("#badge"), "Paused");
    await page.keyboard.press(" ");
    await untilLive(page);
  });

  await t.step("every button has a name, and messages are told to screen readers", async () => {
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("button, a, canvas, img, dialog")]
        .filter((element) =>
          !element.ariaLabel && !element.textContent.trim() && !element.getAttribute("alt") &&
          !element.hasAttribute("aria-labelledby")
        ).map(({ id }) => id)
    );
    assertEquals(nameless, []);
    for (const id of ["message", "toast"]) {
      assertEquals(await page.getAttribute(`#${id}`, "aria-live"), "polite");
    }
    assertEquals(await page.getAttribute("html", "lang"), "en");
  });
  assertEquals(page.errors, []);
});

Deno.test(
  needs(NO_CHROMIUM, "the player's numbers tell the delay of the source from that of the network"),
  async () => {
    await using relay = await startRelay(["--fps", "source"]);
    await using publisher = await Client.hello(relay.url(), {
      role: "publish",
      session: "late",
      onFull: "drop",
    });
    await publisher.control("credit");
    publisher.send(encodeControl({ type: "config", epoch: 0, ...bareConfig("png") }));
    const picture = encodePng({
      data: new Uint8Array(16 * 9 * 3),
      width: 16,
      height: 9,
      channels: 3,
    });
    let sequence = 0;
    const sending = setInterval(() => {
      publisher.send(
        fromPublisher(++sequence, picture, { captureUs: (Date.now() - 5000) * 1000 }),
      );
    }, 50);
    try {
      await using browser = await Browser.start();
      // A page that answers late is not far away.
      await using page = await browser.open({
        url: `${relay.http}/live`,
        script: `
        const { send } = WebSocket.prototype;
        WebSocket.prototype.send = function (message) {
          if (!String(message).includes('"ack"')) return send.call(this, message);
          setTimeout(() => this.readyState === WebSocket.OPEN && send.call(this, message), 300);
        };
      `,
      });
      await untilLive(page);
      await page.keyboard.press("i");
      const shown = await page.waitForFunction(() => {
        const [publisher, network] = ["publisher", "network"].map((part) =>
          parseInt(document.getElementById(`n-${part}`)!.textContent)
        );
        return publisher! >= 4990 && network! < 250 && [publisher, network];
      });
      assertEquals((await shown.jsonValue() as number[]).length, 2);
      assertEquals(page.errors, []);
    } finally {
      clearInterval(sending);
    }
  },
);
