/**
 * The control of a stream's frame rate.
 *
 * @module
 */
import { readText } from "../net/answer.ts";
import { part } from "./elements.ts";
import { target } from "./figures.ts";
import { readStatus, type Status } from "./status.ts";

const TIMEOUT_MS = 5000;
/** Longest part of an error that is shown, in characters. */
const MAX_SENTENCE = 300;

/** Asks the relay. */
type Ask = (url: URL, init: RequestInit) => Promise<Response>;

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
  try {
    const response = await ask(url, {
      method: "PATCH",
      body: JSON.stringify({ fps }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await readText(response) ?? "";
    return response.ok ? { status: readStatus(parse(text)) } : { error: sentence(response, text) };
  } catch {
    // It cannot be reached, or takes too long.
    return { error: "The relay does not answer." };
  }
}

function sentence({ status }: Response, text: string): string {
  const answer = parse(text) as { error?: unknown } | null | undefined;
  const said = typeof answer?.error === "string" ? answer.error : text;
  return said.trim().slice(0, MAX_SENTENCE) || `The relay refused (${status}).`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
