/**
 * What a page is let in by: the token that its address brought, or that somebody typed. It stays with the
 * tab, and in no address.
 *
 * @module
 */
import { type Admission, admissions, type Refusal } from "./admission.ts";
import { isToken, TokenForm } from "./token_form.ts";

/** Where the tab keeps it. */
const KEY = "stream-token";

/** Lets a page in. */
export class Entry {
  #token: string | undefined;
  /** What somebody is being asked for. */
  #admitting: Promise<boolean> | undefined;
  #form: TokenForm | undefined;
  /** Is over once the relay takes a token, after it has refused one. */
  #barred: PromiseWithResolvers<void> | undefined;
  #onChange: () => void = () => {};

  /**
   * Takes the token out of the page's fragment (`#token=`), which no server sees, else what the tab has;
   * also when the fragment is changed by hand.
   */
  constructor() {
    const given = takeFragment();
    if (given !== undefined) this.#keep(given);
    else this.#token = stored() ?? undefined;
    addEventListener("hashchange", () => {
      const token = takeFragment();
      if (token !== undefined) this.#change(token);
    });
    addEventListener("pageshow", ({ persisted }) => {
      // Another page of the tab may have had a new one, or forgotten it.
      const token = persisted ? stored() : undefined;
      if (token !== undefined && (token ?? undefined) !== this.#token) this.#change(token ?? "");
    });
  }

  /** The token that a connection may send: at once, or when somebody who is asked has given a right one. */
  token(): string | undefined | Promise<string | undefined> {
    return this.#barred === undefined ? this.#token : this.#barred.promise.then(() => this.#token);
  }

  /** Whether there is a token. */
  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  /** Is over when the page may ask the relay: not while somebody is asked for a token. */
  get ready(): Promise<void> | undefined {
    return this.#barred?.promise;
  }

  /** As the browser's own, with the token. */
  fetch(url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("authorization", `Bearer ${this.#token}`);
    return fetch(url, { ...init, headers });
  }

  /** Calls `listener` when there is another token though nobody was asked. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /**
   * Asks the relay whether this page may see what is at `url` of its API, unless its `refusal` is there
   * already. Where it may not, somebody is asked for a token until it may. Returns whether that was so.
   */
  admit(url: URL, refusal?: Refusal): Promise<boolean> {
    this.#admitting ??= this.#admit(url, refusal).finally(() => this.#admitting = undefined);
    return this.#admitting;
  }

  /** Forgets the token. */
  forget(): void {
    this.#keep("");
  }

  async #admit(url: URL, refusal: Refusal | undefined): Promise<boolean> {
    let answer: Admission = refusal ?? await this.#ask(url);
    let hasAsked = false;
    try {
      while (typeof answer === "object") {
        hasAsked = true;
        this.#barred ??= Promise.withResolvers<void>();
        this.#form = new TokenForm(answer, this.#token);
        const token = await this.#form.token;
        this.#form = undefined;
        this.#keep(token);
        answer = await this.#ask(url);
      }
      return hasAsked;
    } finally {
      this.#barred?.resolve();
      this.#barred = undefined;
    }
  }

  /** Asks with the token that there is when the answer comes. */
  async #ask(url: URL): Promise<Admission> {
    for (;;) {
      const token = this.#token;
      const answer = await admissions.ask(url, token);
      if (token === this.#token) return answer;
    }
  }

  #change(token: string): void {
    if (this.#form !== undefined && token !== "") return this.#form.give(token);
    this.#keep(token);
    if (this.#admitting === undefined) this.#onChange();
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

/**
 * The token in the fragment, of which neither the history nor a copied address then has anything; empty
 * where it is none. Not as a form writes it, where `+` stands for a space: secrets have it.
 */
function takeFragment(): string | undefined {
  const written = /(?:^#|&)token=([^&]*)/.exec(location.hash)?.[1];
  if (written === undefined) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    const token = decodeURIComponent(written);
    return isToken(token) ? token : "";
  } catch {
    // A malformed escape.
    return "";
  }
}

/** What the tab has; `null` where it has none, and nothing where the browser does not tell. */
function stored(): string | null | undefined {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return undefined;
  }
}
