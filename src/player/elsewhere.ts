/**
 * The dialog that says how other programs watch a stream, or publish it.
 *
 * @module
 */
import { STREAM_FORMATS } from "../core/stream_format.ts";
import { copyOnClick } from "./copy_button.ts";
import { element, part } from "./elements.ts";
import type { Entry } from "./entry.ts";
import { preparations, publishRecipes, type Recipe, watchRecipes } from "./recipes.ts";
import { askRelay } from "./relay_answer.ts";
import { readStatuses, type Status } from "./status.ts";

const SIDES = ["watch", "publish"] as const;
type Side = (typeof SIDES)[number];

/** The dialog of one stream. */
export class Elsewhere {
  readonly #dialog = element("elsewhere", HTMLDialogElement);
  readonly #template = element("recipe", HTMLTemplateElement);
  readonly #base: URL;
  readonly #name: string;
  readonly #entry: Entry;
  /** What is shown, so that nothing changes under somebody's hands without need. */
  readonly #shown = new Map<Side, string>();
  #asked = 0;

  constructor(
    { base, name, entry }: { readonly base: URL; readonly name: string; readonly entry: Entry },
  ) {
    this.#base = base;
    this.#name = name;
    this.#entry = entry;
    for (const side of SIDES) {
      const tab = this.#tab(side);
      tab.addEventListener("click", () => this.#choose(side));
      tab.addEventListener("keydown", (event) => this.#onKey(event));
    }
    element("elsewhere-close").addEventListener("click", () => this.#dialog.close());
  }

  /** Shows one side of it. */
  open(side: Side): void {
    this.#choose(side);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#tab(side).focus();
    this.refresh();
  }

  /** Asks the relay what the stream is by now, while it is shown. */
  async refresh(): Promise<void> {
    if (!this.#dialog.open) return;
    const asked = ++this.#asked;
    // Without an answer there are texts as for a stream of which nothing is known.
    if (this.#shown.size === 0) this.#show(undefined, false);
    const [status, isOpen] = await Promise.all([this.#status(), this.#mayPublish()]);
    // Another question may have been asked, and answered, in the meantime.
    if (asked === this.#asked) this.#show(status, !isOpen);
  }

  async #status(): Promise<Status | undefined> {
    // The list of all: a stream of which there is nothing yet is not a mistake.
    const { value } = { value: undefined, ...await this.#ask("api/streams") };
    return readStatuses(value)?.find(({ name }) => name === this.#name);
  }

  /** Whether this page might publish; where nothing answers, it is not asked for a token either. */
  async #mayPublish(): Promise<boolean> {
    const path = `api/streams/${encodeURIComponent(this.#name)}/access?action=publish`;
    const { value } = { value: undefined, ...await this.#ask(path) };
    return (value as { allowed?: unknown } | null | undefined)?.allowed !== false;
  }

  #ask(path: string): ReturnType<typeof askRelay> {
    return askRelay(this.#entry.fetch.bind(this.#entry), new URL(path, this.#base));
  }

  #show(status: Status | undefined, needsTokenToPublish: boolean): void {
    const { hasToken } = this.#entry;
    const subject = {
      base: this.#base,
      name: this.#name,
      format: STREAM_FORMATS.find((format) => format === status?.format),
      codec: status?.codec ?? null,
      pixelFormat: status?.pixelFormat ?? null,
    };
    const watched = { ...subject, needsToken: hasToken };
    const published = { ...subject, needsToken: hasToken || needsTokenToPublish };
    this.#fill("watch", watchRecipes(watched), [
      ...subject.format === undefined
        ? ["No frame has come yet. Whether the endings fit is known when one has."]
        : [],
      ...preparations(watched),
    ]);
    this.#fill("publish", publishRecipes(published), [
      ...status?.isPublishing
        ? [
          `${this.#name} has a publisher: another one is refused until it leaves. ` +
          "With ?takeover at the end of the address, it takes its place.",
        ]
        : [],
      ...preparations(published),
    ]);
  }

  #fill(side: Side, recipes: readonly Recipe[], notes: readonly string[]): void {
    const shown = JSON.stringify([recipes, notes]);
    if (this.#shown.get(side) === shown) return;
    this.#shown.set(side, shown);
    const lines = notes.map((note) => {
      const line = document.createElement("p");
      line.className = "note";
      line.textContent = note;
      return line;
    });
    this.#panel(side).replaceChildren(...lines, ...recipes.map((recipe) => this.#recipe(recipe)));
  }

  #recipe({ tool, what, kind, text, copied }: Recipe): DocumentFragment {
    const root = this.#template.content.cloneNode(true) as DocumentFragment;
    const code = part(root, "code", HTMLElement);
    const button = part(root, "button", HTMLButtonElement);
    part(root, ".recipe", HTMLElement).dataset.tool = tool;
    part(root, "h3", HTMLElement).textContent = tool;
    part(root, ".what", HTMLElement).textContent = what;
    code.dataset.kind = kind;
    code.textContent = text;
    if (copied !== undefined) part(button, "span", HTMLElement).textContent = "Copy the address";
    part(button, ".visually-hidden", HTMLElement).textContent = ` for ${tool}`;
    copyOnClick(button, code, copied);
    return root;
  }

  #choose(chosen: Side): void {
    for (const side of SIDES) {
      const tab = this.#tab(side);
      tab.ariaSelected = String(side === chosen);
      tab.tabIndex = side === chosen ? 0 : -1;
      this.#panel(side).hidden = side !== chosen;
    }
  }

  /** The keys of tabs, as in the ARIA Authoring Practices Guide. */
  #onKey(event: KeyboardEvent): void {
    const isWatch = this.#tab("watch") === event.target;
    const side = ({
      ArrowLeft: isWatch ? "publish" : "watch",
      ArrowRight: isWatch ? "publish" : "watch",
      Home: "watch",
      End: "publish",
    } as const)[event.key];
    if (side === undefined) return;
    event.preventDefault();
    this.#choose(side);
    this.#tab(side).focus();
  }

  #tab(side: Side): HTMLButtonElement {
    return element(`elsewhere-${side}-tab`, HTMLButtonElement);
  }

  #panel(side: Side): HTMLElement {
    return element(`elsewhere-${side}`);
  }
}
