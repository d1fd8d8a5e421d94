/**
 * The control of a stream's frame rate.
 *
 * @module
 */
import { part } from "./elements.ts";
import { target } from "./figures.ts";
import { type Ask, askRelay } from "./relay_answer.ts";
import { readStatus, type Status } from "./status.ts";

/** What came of asking for another frame rate: the stream's new status, or a sentence why not. */
export type RateAnswer =
  | { readonly status: Status | undefined; readonly error?: undefined }
  | { readonly error: string };

/** Asks the relay for another frame rate of the stream at `url` of its API; `NaN` goes as `null`. */
export async function askForRate(
  url: URL,
  fps: number | "source",
  ask: Ask = (url, init) => fetch(url, init),
): Promise<RateAnswer> {
  const answer = await askRelay(ask, url, { method: "PATCH", body: JSON.stringify({ fps }) });
  return answer.error === undefined ? { status: readStatus(answer.value) } : answer;
}

/** A number, a button for it, and one for the source's own rate. */
export class RateControl {
  readonly #url: URL;
  readonly #ask: Ask;
  readonly #onChanged: (status: Status) => void;
  readonly #summary: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #source: HTMLButtonElement;
  readonly #answer: HTMLElement;
  #shown = "";

  constructor(root: HTMLElement, { url, ask, onChanged }: {
    /** Of the stream in the API. */
    readonly url: URL;
    /** Asks as the page may. */
    readonly ask: Ask;
    readonly onChanged: (status: Status) => void;
  }) {
    this.#url = url;
    this.#ask = ask;
    this.#onChanged = onChanged;
    this.#summary = part(root, ".rate-target", HTMLElement);
    this.#input = part(root, "input", HTMLInputElement);
    this.#source = part(root, ".rate-source", HTMLButtonElement);
    this.#answer = part(root, ".rate-answer", HTMLElement);
    part(root, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change(this.#input.valueAsNumber);
    });
    this.#source.addEventListener("click", () => this.#change("source"));
    this.#input.addEventListener("input", () => this.#say("", false));
  }

  /** Shows the rate that the relay has; what somebody types stays. */
  show(fps: Status["fps"]): void {
    const text = target(fps);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#summary.textContent = fps === "source" ? "as the source" : `${text} fps`;
    this.#source.setAttribute("aria-pressed", String(fps === "source"));
    if (document.activeElement !== this.#input) {
      this.#input.value = typeof fps === "number" ? text : "";
    }
  }

  async #change(fps: number | "source"): Promise<void> {
    const answer = await askForRate(this.#url, fps, this.#ask);
    if (answer.error !== undefined) {
      this.#say(answer.error, true);
      return;
    }
    const { status } = answer;
    const rate = status?.fps === "source" ? "the source’s rate" : `${target(status?.fps)} fps`;
    this.#say(`Now at ${rate}.`, false);
    if (status !== undefined) this.#onChanged(status);
  }

  #say(sentence: string, isError: boolean): void {
    this.#answer.textContent = sentence;
    this.#answer.classList.toggle("is-error", isError);
    this.#input.setAttribute("aria-invalid", String(isError));
  }
}
