/** Pages on which somebody who may ends a publisher or a viewer, and the pages of those who are ended. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { sharedSecrets } from "../../src/access/secrets.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { encodePng } from "../../src/picture/png.ts";
import { serve } from "../../src/server/serve.ts";
import type { ListedViewer } from "../../src/wire/control_message.ts";
import { needs } from "../ffmpeg.ts";
import { Client, DEFAULTS } from "../server/fixture.ts";
import { eventually } from "../waiting.ts";
import { Browser, NO_CHROMIUM, type OpenPage, untilLive, untilSaid } from "./browser.ts";

const TOLD = "somebody who may has ended it";

/** A relay with a stream, on which `may-see` may watch and `may-all` may do everything. */
async function governed() {
  const relay = await serve(DEFAULTS, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access: sharedSecrets({ publish: "may-send", watch: "may-see", admin: "may-all" }),
  });
  const socket = `${relay.address.replace("http:", "ws:")}/cam`;
  const publisher = await Client.open(`${socket}?role=publish&token=may-send`);
  const data = new Uint8Array(64 * 48 * 3).fill(90);
  const frame = encodePng({ data, width: 64, height: 48, channels: 3 });
  const timer = setInterval(() => publisher.isOpen && publisher.send(frame.slice()), 100);
  const headers = { authorization: "Bearer may-all" };
  const api = `${relay.address}/api/streams/cam`;
  return {
    address: relay.address,
    publisher,
    watch: () => Client.open(`${socket}?role=watch&token=may-see`),
    ids: async () => {
      const viewers: ListedViewer[] = await (await fetch(`${api}/viewers`, { headers })).json();
      return viewers.map(({ id }) => id);
    },
    end: async (id: number, reason: string) => {
      const query = new URLSearchParams({ reason });
      const init = { method: "DELETE", headers };
      const response = await fetch(`${api}/viewers/${id}?${query}`, init);
      await response.body?.cancel();
      assertEquals(response.status, 200);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await publisher[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** How many WebSockets a page has opened. */
function countSockets(page: OpenPage): () => number {
  let count = 0;
  page.on("websocket", () => count++);
  return () => count;
}

Deno.test(
  needs(
    NO_CHROMIUM,
    "The page of all streams ends viewers and a publisher for an admin, by keyboard",
  ),
  async () => {
    await using relay = await governed();
    await using viewer = await relay.watch();
    await viewer.frame();
    const [id] = await relay.ids();
    await using browser = await Browser.start();
    await using page = await browser.open({ url: `${relay.address}/#token=may-all` });
    const peers = page.locator(".card .peers");
    await peers.waitFor();
    await peers.locator("summary").focus();
    await page.keyboard.press("Enter");
    const ends = page.getByRole("button", { name: `End viewer ${id} of cam` });
    await ends.waitFor();
    assertMatch(await peers.locator("li").first().innerText(), RegExp(`^Viewer ${id}\\b`));

    // It is asked first, and Escape ends nobody.
    await ends.focus();
    await page.keyboard.press("Enter");
    assertEquals(await page.locator("dialog.end p").innerText(), `End viewer ${id} of cam?`);
    await page.keyboard.press("Escape");
    await page.locator("dialog.end").waitFor({ state: "detached" });
    assertEquals(
      await page.evaluate(() => document.activeElement?.ariaLabel),
      `End viewer ${id} of cam`,
    );
    assertEquals([viewer.isOpen, (await relay.ids()).includes(id!)], [true, true]);

    await page.keyboard.press("Enter");
    await page.keyboard.type("too <b>loud</b>");
    await page.keyboard.press("Enter");
    assertEquals(await viewer.closed, { code: 4009, reason: `${TOLD}: too <b>loud</b>` });
    await ends.waitFor({ state: "detached" });
    assertEquals(await peers.locator(".peers-answer").innerText(), `Ended viewer ${id} of cam.`);
    // The keyboard is still there.
    await page.waitForFunction(() => document.activeElement?.tagName === "SUMMARY");

    await page.getByRole("button", { name: "End the publisher…" }).click();
    await page.getByRole("button", { name: "End", exact: true }).click();
    assertEquals(await relay.publisher.closed, { code: 4009, reason: TOLD });
    await peers.getByText("Ended the publisher of cam.").waitFor();
    assertEquals(page.errors, []);
  },
);

Deno.test(
  needs(NO_CHROMIUM, "The page of all streams shows no button to those who may end nobody"),
  async () => {
    await using relay = await governed();
    await using browser = await Browser.start();
    await using page = await browser.open();
    const statuses: number[] = [];
    let polls = 0;
    page.on("response", (response) => {
      if (response.url().endsWith("/cam/access?action=admin")) statuses.push(response.status());
      if (response.url().endsWith("/api/streams") && statuses.length > 0) polls++;
    });
    await page.goto(`${relay.address}/#token=may-see`);
    await eventually("the page to know, and to go on", () => polls > 1);
    // It is no refusal, of which browsers would complain.
    assertEquals(statuses, [200]);
    await page.locator(".card .rate").waitFor();
    assertEquals(await page.locator(".card .peers").isVisible(), false);
    assertEquals(page.errors, []);
  },
);

Deno.test(
  needs(NO_CHROMIUM, "A player that is ended says why, and connects again only when it is told to"),
  async () => {
    await using relay = await governed();
    await using browser = await Browser.start();
    await using page = await browser.open();
    const sockets = countSockets(page);
    await page.goto(`${relay.address}/cam#token=may-see`);
    await untilLive(page);
    const [id] = await relay.ids();
    await relay.end(id!, "too <b>loud</b>");
    assertEquals(
      await untilSaid(page, /has ended/),
      "Somebody who may has ended it: too <b>loud</b>. The page does not connect again by itself.",
    );
    assertEquals([await page.textContent("#badge"), sockets()], ["Refused", 1]);
    await page.getByRole("button", { name: "Try again" }).click();
    await untilLive(page);
    assertEquals(sockets(), 2);
    assertEquals(page.errors, []);
  },
);

Deno.test(
  needs(
    NO_CHROMIUM,
    "A small picture that is ended does not come back by itself, however long it waits",
  ),
  async () => {
    await using relay = await governed();
    await using browser = await Browser.start();
    const script = `
      globalThis.laterMs = 0;
      const now = performance.now.bind(performance);
      performance.now = () => now() + laterMs;
    `;
    await using page = await browser.open({ script });
    const sockets = countSockets(page);
    await page.goto(`${relay.address}/#token=may-see`);
    const id = await eventually("the small picture", async () => (await relay.ids())[0]);
    await relay.end(id, "no more");
    await page.getByText("has ended it: no more").waitFor();
    let polls = 0;
    page.on("response", (response) => response.url().endsWith("/api/streams") && polls++);
    await page.evaluate("laterMs = 60_000");
    await eventually("the list to be read again", () => polls > 2);
    assertEquals([sockets(), await relay.ids()], [1, []]);
    assertEquals(page.errors, []);
  },
);
