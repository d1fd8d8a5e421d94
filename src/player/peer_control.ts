/**
 * Who is at a stream, for somebody who may end them.
 *
 * @module
 */
import { part } from "./elements.ts";
import { askToEnd } from "./end_form.ts";
import { type Ask, askRelay } from "./relay_answer.ts";

/** How often viewers are listed anew while the list is open, in milliseconds. */
const LIST_MS = 2000;
/** Most viewers that are shown. */
const MAX_SHOWN = 50;

/** A viewer as the list shows it. */
interface Row {
  readonly item: HTMLElement;
  readonly text: HTMLElement;
}

/** A button for the publisher and one for each viewer, where this page may end them. */
export class PeerControl {
  readonly #name: string;
  readonly #url: URL;
  readonly #ask: Ask;
  readonly #root: HTMLDetailsElement;
  readonly #publisher: HTMLButtonElement;
  readonly #list: HTMLElement;
  readonly #more: HTMLElement;
  readonly #answer: HTMLElement;
  readonly #rows = new Map<number, Row>();
  #mayEnd: boolean | undefined;
  #isAsking = false;
  #listedMs = -Infinity;

  constructor(root: HTMLDetailsElement, { name, url, ask }: {
    /** The stream's name. */
    readonly name: string;
    /** Of the stream in the API. */
    readonly url: URL;
    /** Asks as the page may. */
    readonly ask: Ask;
  }) {
    this.#name = name;
    this.#url = url;
    this.#ask = ask;
    this.#root = root;
    this.#publisher = part(root, ".peers-publisher", HTMLButtonElement);
    this.#list = part(root, ".peers-viewers", HTMLElement);
    this.#more = part(root, ".peers-more", HTMLElement);
    this.#answer = part(root, ".peers-answer", HTMLElement);
    this.#publisher.addEventListener(
      "click",
      () => this.#end(`the publisher of ${name}`, "publisher"),
    );
    root.addEventListener("toggle", () => {
      this.#say("", false);
      this.#refresh();
    });
  }

  /** Finds out whether this page may end anybody; nothing is shown before, nor where it may not. */
  async look(): Promise<void> {
    if (this.#isAsking || this.#mayEnd !== undefined) return;
    this.#isAsking = true;
    const answer = await askRelay(this.#ask, this.#at("access?action=admin"));
    this.#isAsking = false;
    if (answer.error !== undefined) return;
    this.#mayEnd = (answer.value as { allowed?: unknown } | undefined)?.allowed === true;
    this.#root.hidden = !this.#mayEnd;
  }

  /** The page has other rights: it has to look again. */
  renew(): void {
    this.#mayEnd = undefined;
    this.#root.hidden = true;
    this.#root.open = false;
  }

  /** Shows who is there by now. */
  show({ isPublishing }: { readonly isPublishing: boolean }): void {
    this.#publisher.disabled = !isPublishing;
    if (performance.now() - this.#listedMs > LIST_MS) this.#refresh();
  }

  #at(path: string): URL {
    return new URL(`${this.#url.href}/${path}`);
  }

  async #refresh(): Promise<void> {
    if (!this.#root.open || this.#isAsking || this.#mayEnd !== true) return;
    this.#isAsking = true;
    this.#listedMs = performance.now();
    const answer = await askRelay(this.#ask, this.#at("viewers"));
    this.#isAsking = false;
    // A stream that is gone has no viewers.
    const viewers = answer.error === undefined ? readViewers(answer.value) : [];
    const shown = viewers.slice(0, MAX_SHOWN);
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, { item }] of this.#rows) if (!ids.has(id)) this.#remove(id, item);
    for (const { id, words } of shown) {
      const { text } = this.#rows.get(id) ?? this.#add(id);
      if (text.textContent !== words) text.textContent = words;
    }
    const more = viewers.length - shown.length;
    this.#more.textContent = viewers.length === 0
      ? "No viewers."
      : more > 0
      ? `and ${more} more`
      : "";
  }

  #add(id: number): Row {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const end = document.createElement("button");
    end.className = "button";
    end.type = "button";
    end.textContent = "End…";
    end.ariaLabel = `End viewer ${id} of ${this.#name}`;
    end.addEventListener(
      "click",
      () => this.#end(`viewer ${id} of ${this.#name}`, `viewers/${id}`),
    );
    item.append(text, end);
    this.#list.append(item);
    const row = { item, text };
    this.#rows.set(id, row);
    return row;
  }

  #remove(id: number, item: HTMLElement): void {
    const hasFocus = item.contains(document.activeElement);
    this.#rows.delete(id);
    item.remove();
    // Whoever is at the keyboard stays at the list.
    if (hasFocus) part(this.#root, "summary", HTMLElement).focus();
  }

  async #end(what: string, path: string): Promise<void> {
    const reason = await askToEnd(what);
    if (reason === undefined) return;
    const query = reason.trim() === "" ? "" : `?${new URLSearchParams({ reason })}`;
    const answer = await askRelay(this.#ask, this.#at(path + query), { method: "DELETE" });
    if (answer.error === undefined) this.#say(`Ended ${what}.`, false);
    else this.#say(answer.error, true);
    this.#refresh();
  }

  #say(sentence: string, isError: boolean): void {
    this.#answer.textContent = sentence;
    this.#answer.classList.toggle("is-error", isError);
  }
}

/** Viewers in an answer of the API, as far as it can be understood. */
function readViewers(answer: unknown): { readonly id: number; readonly words: string }[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((viewer) => {
    const { id, latencyMs, sent, dropped } = viewer ?? {};
    if (typeof id !== "number") return [];
    const lost = Object.values(dropped ?? {}).reduce<number>(
      (sum, frames) => sum + (typeof frames === "number" ? frames : 0),
      0,
    );
    const words = [
      `Viewer ${id}`,
      ...typeof latencyMs === "number" ? [`${Math.round(latencyMs)} ms`] : [],
      ...typeof sent?.frames === "number" ? [`${sent.frames} sent`] : [],
      ...lost > 0 ? [`${lost} dropped`] : [],
    ];
    return [{ id, words: words.join(", ") }];
  });
}
