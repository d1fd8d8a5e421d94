/** Pages of a relay that asks for a token: taken from their fragment, or typed, and shown nowhere. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Access } from "../../src/access/access.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { encodePng } from "../../src/picture/png.ts";
import { serve } from "../../src/server/serve.ts";
import { needs } from "../ffmpeg.ts";
import { Client, DEFAULTS } from "../server/fixture.ts";
import { Browser, NO_CHROMIUM, type OpenPage, untilLive } from "./browser.ts";

/** As a password may be: with signs that no subprotocol has, and that addresses and forms escape. */
const TOKEN = "s3cret/of+viewers=(100%),#&{}";

/** A relay with a stream, into which only `tokens` lead. */
async function guarded(tokens: Set<string>) {
  const access: Access = {
    authorize: ({ token }) => token !== undefined && tokens.has(token) ? "allowed" : "unknown",
  };
  const relay = await serve({ ...DEFAULTS, workers: 1, port: 0 }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  tokens.add("publisher");
  const socket = relay.address.replace("http:", "ws:");
  const publisher = await Client.open(`${socket}/cam?role=publish&token=publisher`);
  const data = new Uint8Array(64 * 48 * 3).fill(90);
  const frame = encodePng({ data, width: 64, height: 48, channels: 3 });
  const timer = setInterval(() => publisher.send(frame.slice()), 100);
  return {
    address: relay.address,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await publisher[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** Every address that a page asks for, its WebSockets' too. */
function addressesOf(page: OpenPage): string[] {
  const all: string[] = [];
  page.on("request", (request) => all.push(request.url()));
  page.on("websocket", (socket) => all.push(socket.url()));
  return all;
}

async function type(page: OpenPage, token: string): Promise<void> {
  await page.locator("#entry input").fill(token);
  await page.locator("#entry button").click();
}

Deno.test(
  needs(
    NO_CHROMIUM,
    "A page takes its token from the fragment, and keeps it in the tab and out of every address",
  ),
  async () => {
    await using relay = await guarded(new Set([TOKEN]));
    await using browser = await Browser.start();
    await using page = await browser.open();
    const addresses = addressesOf(page);
    await page.goto(`${relay.address}/cam#token=${encodeURIComponent(TOKEN)}`);
    await untilLive(page);
    assertEquals(await page.evaluate(() => location.href), `${relay.address}/cam`);
    // The tab has it for the other page, and after a reload.
    await page.goto(`${relay.address}/`);
    await page.waitForFunction(() => document.querySelector(".card .name")?.textContent === "cam");
    await page.goto(`${relay.address}/cam`);
    await untilLive(page);
    assert(addresses.length > 10);
    const shown = addresses.filter((address) => address.replace(/#.*/, "").includes("s3cret"));
    assertEquals(shown, []);
    assertEquals(page.errors, []);
  },
);

for (const path of ["/cam", "/"]) {
  Deno.test(
    needs(NO_CHROMIUM, `The page ${path} asks for a token until it has a right one`),
    async () => {
      await using relay = await guarded(new Set([TOKEN]));
      await using browser = await Browser.start();
      await using page = await browser.open({ url: `${relay.address}${path}` });
      const addresses = addressesOf(page);
      await page.locator("#entry").waitFor();
      assert(/credentials|token/.test(await page.locator("#entry p").innerText()));
      await type(page, "wrong");
      await page.locator("#entry").waitFor();
      await type(page, TOKEN);
      if (path === "/") {
        await page.waitForFunction(() =>
          document.querySelector(".card .name")?.textContent === "cam"
        );
      } else await untilLive(page);
      assertEquals(await page.locator("#entry").count(), 0);
      assertEquals(addresses.filter((address) => address.includes("s3cret")), []);
    },
  );
}

Deno.test(
  needs(NO_CHROMIUM, "A page of a relay that is open to all asks for nothing"),
  async () => {
    await using relay = await serve({ ...DEFAULTS, workers: 1 }, {
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
    });
    await using browser = await Browser.start();
    await using page = await browser.open({ url: `${relay.address}/cam` });
    await page.waitForFunction(() => document.getElementById("badge")?.textContent === "Waiting");
    assertEquals(await page.locator("#entry").count(), 0);
  },
);
