/**
 * Chromium, where there is one: one browser for all tests of a file, a new page for each.
 *
 * @module
 */
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { PATIENCE_MS } from "../waiting.ts";

/** Debian's, unless the environment names another. */
const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Why tests with a browser are skipped, or `undefined` where they run. */
export const NO_CHROMIUM: string | undefined = await Deno.stat(EXECUTABLE).then(
  () => undefined,
  () => "Chromium is not installed",
);

/** Why a page complained: console errors and exceptions that nobody caught. */
export interface Complaints {
  /** All but what the browser itself says of connections that do not come about. */
  readonly errors: readonly string[];
}

/** A browser with a profile of its own. */
export class Browser implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #profile: string;

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
  }

  /** Starts a browser. */
  static async start(options: { readonly args?: readonly string[] } = {}): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "stream-browser-" });
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: EXECUTABLE,
      args: [...ARGS, ...options.args ?? []],
      viewport: { width: 1000, height: 640 },
      permissions: ["clipboard-read", "clipboard-write"],
      acceptDownloads: true,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Browser(context, profile);
  }

  /** Opens a new page, on `url` if one is given, in which `script` runs before the page's own. */
  async open({ url, script }: { url?: string; script?: string } = {}): Promise<OpenPage> {
    const page = await this.#context.newPage();
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      // Chromium itself says this of requests and WebSockets that fail.
      const isNetwork = /net::ERR_|WebSocket connection to|WebSocket is already/.test(
        message.text(),
      );
      if (!isNetwork) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.stack ?? error.message));
    if (script !== undefined) await page.addInitScript({ content: script });
    if (url !== undefined) await page.goto(url);
    return Object.assign(page, {
      errors,
      [Symbol.asyncDispose]: () => page.close(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    await Deno.remove(this.#profile, { recursive: true });
  }
}

/** A page that is closed when it is disposed of. */
export type OpenPage = Page & Complaints & AsyncDisposable;

/** Waits until the player shows the stream as it is now. */
export async function untilLive(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getElementById("badge")?.textContent === "Live");
}

/** Waits until the player says something, and returns it. */
export async function untilSaid(page: Page, pattern: RegExp): Promise<string> {
  const seen = await page.waitForFunction(
    ({ source }) => {
      const text = document.getElementById("sentence")?.textContent ?? "";
      return new RegExp(source).test(text) && text;
    },
    { source: pattern.source },
  );
  return await seen.jsonValue() as string;
}
