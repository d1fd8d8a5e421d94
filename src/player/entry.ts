/**
 * What a page is let in by: the token that its address brought, or that somebody typed. It stays with the
 * tab, and in no address.
 *
 * @module
 */
import { readText } from "../net/answer.ts";

/** Where the tab keeps it. */
const KEY = "stream-token";
/** How long the relay may take to say whether a token is right, in milliseconds. */
const TIMEOUT_MS = 5000;
/** Longest part of the relay's sentence that is shown, in characters. */
const MAX_SENTENCE = 300;

/** Lets a page in. */
export class Entry {
  #token: string | undefined;
  /** What somebody is being asked for. */
  #asking: Promise<boolean> | undefined;

  /** Takes the token out of the page's fragment (`#token=`), which no server sees, else what the tab has. */
  constructor() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (given === null) this.#token = stored();
    else {
      this.#keep(given);
      // Neither the history nor a copied address has it.
      history.replaceState(history.state, "", location.pathname + location.search);
    }
  }

  /** The token, unless there is none. */
  get token(): string | undefined {
    return this.#token;
  }

  /** As the browser's own, with the token. */
  fetch(url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("authorization", `Bearer ${this.#token}`);
    return fetch(url, { ...init, headers });
  }

  /**
   * Asks the relay whether this page may see what is at `url` of its API, since a WebSocket that is
   * refused does not say why. Where it may not, somebody is asked for a token until it may. Returns
   * whether that was so.
   */
  admit(url: URL): Promise<boolean> {
    this.#asking ??= this.#admit(url).finally(() => this.#asking = undefined);
    return this.#asking;
  }

  async #admit(url: URL): Promise<boolean> {
    let hasAsked = false;
    for (;;) {
      const why = await this.#refusal(url);
      if (why === undefined) return hasAsked;
      hasAsked = true;
      this.#keep(await typed(why));
    }
  }

  /** Why the relay does not let the page in; nothing where it does, or does not answer. */
  async #refusal(url: URL): Promise<string | undefined> {
    try {
      const response = await this.fetch(url, {
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await readText(response) ?? "";
      if (![401, 403, 429].includes(response.status)) return undefined;
      return text.split("\n")[0]!.slice(0, MAX_SENTENCE) || "The relay asks for a token.";
    } catch {
      // Who waits for the relay is told so elsewhere.
      return undefined;
    }
  }

  #keep(token: string): void {
    this.#token = token === "" ? undefined : token;
    try {
      if (token === "") sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, token);
    } catch {
      // A browser that keeps nothing: it is asked for again with the next page.
    }
  }
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Has somebody type a token, and says why. */
function typed(why: string): Promise<string> {
  const dialog = document.createElement("dialog");
  const form = document.createElement("form");
  const sentence = document.createElement("p");
  const field = document.createElement("input");
  const button = document.createElement("button");
  dialog.id = "entry";
  dialog.ariaLabel = "Token";
  sentence.textContent = why;
  field.type = "password";
  field.name = "token";
  field.autocomplete = "off";
  field.required = true;
  field.ariaLabel = "Token";
  field.placeholder = "Token";
  button.textContent = "Go on";
  form.append(sentence, field, button);
  dialog.append(form);
  document.body.append(dialog);
  // There is nothing behind it to go back to.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = field.value.trim();
      // Whatever else it is, a token has no other characters (RFC 6750 section 2.1).
      if (!/^[\x21-\x7e]+$/.test(token)) return;
      dialog.remove();
      resolve(token);
    });
  });
}
