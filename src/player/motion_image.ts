/**
 * Motion JPEG in an image, where WebSockets are stopped on the way.
 *
 * @module
 */
import { backoffMs } from "../net/backoff.ts";
import type { TokenSource } from "./connection.ts";
import { MotionParts } from "./motion_parts.ts";

/** Longest time between two tries, in milliseconds. */
const MAX_DELAY_MS = 10_000;

/**
 * Shows motion JPEG until it is closed. A browser asks for an image without a token, and addresses are
 * logged: with a token, the pictures are fetched, and put into the image one by one.
 */
export class MotionImage {
  readonly #image: HTMLImageElement;
  readonly #url: string;
  readonly #over = new AbortController();
  /** The address of the picture that the image loads, and the newest one that waits for that. */
  #loading: string | undefined;
  #waiting: Blob | undefined;

  /** Shows what is at `url` in `image`, and calls `onShown` for the first picture. */
  constructor(image: HTMLImageElement, { url, token, onShown }: {
    readonly url: string;
    readonly token: TokenSource;
    readonly onShown: () => void;
  }) {
    this.#image = image;
    this.#url = url;
    const { signal } = this.#over;
    image.addEventListener("load", onShown, { once: true, signal });
    for (const type of ["load", "error"]) {
      image.addEventListener(type, () => this.#loaded(), { signal });
    }
    this.#run(token).catch(() => {});
  }

  /** Shows it no longer. */
  close(): void {
    this.#over.abort();
    this.#waiting = undefined;
    this.#loaded();
    this.#image.removeAttribute("src");
  }

  async #run(token: TokenSource): Promise<void> {
    const { signal } = this.#over;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const given = await token();
      if (signal.aborted) return;
      if (given === undefined) {
        // Pages of any site may show it, which may not read it.
        this.#image.src = this.#url;
        return;
      }
      // The connection beside it finds out why nothing comes.
      if (await this.#fetch(given).catch(() => false)) attempt = 0;
      await pause(backoffMs(attempt, Math.random(), MAX_DELAY_MS), signal);
    }
  }

  /** Returns whether a picture has come. */
  async #fetch(token: string): Promise<boolean> {
    const { signal } = this.#over;
    const { ok, body } = await fetch(this.#url, {
      cache: "no-store",
      referrerPolicy: "no-referrer",
      headers: { authorization: `Bearer ${token}` },
      signal,
    });
    const reader = body?.getReader();
    if (!ok || reader === undefined) {
      await reader?.cancel();
      return false;
    }
    const parts = new MotionParts();
    let hasCome = false;
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return hasCome;
        const newest = parts.push(value).at(-1);
        if (newest === undefined) continue;
        hasCome = true;
        this.#show(new Blob([newest], { type: "image/jpeg" }));
      }
    } catch {
      // It has ended in the middle, or is none.
      await reader.cancel().catch(() => {});
      return hasCome;
    }
  }

  /** Shows a picture once the one before it has been shown, and a newer one instead. */
  #show(picture: Blob): void {
    if (this.#loading === undefined) this.#load(picture);
    else this.#waiting = picture;
  }

  #load(picture: Blob): void {
    this.#loading = URL.createObjectURL(picture);
    this.#image.src = this.#loading;
  }

  #loaded(): void {
    if (this.#loading === undefined) return;
    URL.revokeObjectURL(this.#loading);
    this.#loading = undefined;
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next !== undefined) this.#load(next);
  }
}

/** Waits, but no longer than until `signal`. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
