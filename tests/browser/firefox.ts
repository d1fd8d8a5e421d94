/**
 * Firefox, where there is one: driven by WebDriver BiDi, for Playwright drives only a Firefox of its own.
 *
 * @module
 */
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { PATIENCE_MS } from "../waiting.ts";

/** Debian's, unless the environment names another. */
const EXECUTABLE = Deno.env.get("FIREFOX") ?? "/usr/bin/firefox-esr";
/** Why tests with Firefox are skipped, or `undefined` where they run. */
export const NO_FIREFOX: string | undefined = await Deno.stat(EXECUTABLE).then(
  () => undefined,
  () => "Firefox is not installed",
);

/** A page that is closed when it is disposed of. */
export type FoxPage = Page & AsyncDisposable & {
  /** What the page complained about: console errors and exceptions that nobody caught. */
  readonly errors: readonly string[];
};

/** A Firefox with a profile of its own. */
export class Firefox implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Starts a browser, with preferences beside those that tests have. */
  static async start(preferences: Readonly<Record<string, unknown>> = {}): Promise<Firefox> {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: EXECUTABLE,
      headless: true,
      defaultViewport: { width: 1000, height: 640 },
      timeout: PATIENCE_MS,
      protocolTimeout: PATIENCE_MS,
      extraPrefsFirefox: { ...preferences },
    });
    return new Firefox(browser);
  }

  /** Opens a new page. */
  async open(url: string): Promise<FoxPage> {
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
    return Object.assign(page, { errors, [Symbol.asyncDispose]: () => page.close() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
