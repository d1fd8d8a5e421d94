// @ts-check
/// <reference lib="dom" />
/**
 * The control of a stream's frame rate.
 *
 * @module
 */
import { part } from "./elements.js";
import { target } from "./figures.js";
import { readStatus } from "./status.js";

/** @typedef {import("./status.js").Status} Status */

const TIMEOUT_MS = 5000;
/** Longest part of an error that is shown, in characters. */
const MAX_SENTENCE = 300;

/**
 * What came of asking for another frame rate: the stream's new status, or a sentence why not.
 *
 * @typedef {{ status: Status | undefined, error?: undefined } | { error: string }} RateAnswer
 */

/**
 * Asks the relay for another frame rate.
 *
 * @param {URL} url of the stream in the API
 * @param {number | "source"} fps a number that is none is asked for as `null`
 * @param {(url: URL, init: RequestInit) => Promise<Response>} [ask]
 * @returns {Promise<RateAnswer>}
 */
export async function askForRate(url, fps, ask = (url, init) => fetch(url, init)) {
  try {
    const response = await ask(url, {
      method: "PATCH",
      body: JSON.stringify({ fps }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return response.ok ? { status: readStatus(parse(text)) } : { error: sentence(response, text) };
  } catch {
    // It cannot be reached, or takes too long.
    return { error: "The relay does not answer." };
  }
}

/**
 * @param {Response} response
 * @param {string} text
 * @returns {string}
 */
function sentence({ status }, text) {
  const answer = /** @type {{ error?: unknown } | null | undefined} */ (parse(text));
  const said = typeof answer?.error === "string" ? answer.error : text;
  return said.trim().slice(0, MAX_SENTENCE) || `The relay refuses (${status}).`;
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A number, a button for it, and one for the source's own rate. */
export class RateControl {
  /** @readonly */ #url;
  /** @readonly @type {(status: Status) => void} */ #onChanged;
  /** @readonly */ #summary;
  /** @readonly */ #input;
  /** @readonly */ #source;
  /** @readonly */ #answer;
  #shown = "";

  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {URL} options.url of the stream in the API
   * @param {(status: Status) => void} options.onChanged
   */
  constructor(root, { url, onChanged }) {
    this.#url = url;
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

  /**
   * Shows the rate that the relay has; what somebody types stays.
   *
   * @param {Status["fps"]} fps
   */
  show(fps) {
    const text = target(fps);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#summary.textContent = fps === "source" ? "as the source" : `${text} fps`;
    this.#source.setAttribute("aria-pressed", String(fps === "source"));
    if (document.activeElement !== this.#input) {
      this.#input.value = typeof fps === "number" ? text : "";
    }
  }

  /** @param {number | "source"} fps */
  async #change(fps) {
    const answer = await askForRate(this.#url, fps);
    if (answer.error !== undefined) {
      this.#say(answer.error, true);
      return;
    }
    const { status } = answer;
    const rate = status?.fps === "source" ? "the source’s rate" : `${target(status?.fps)} fps`;
    this.#say(`Now at ${rate}.`, false);
    if (status !== undefined) this.#onChanged(status);
  }

  /**
   * @param {string} sentence
   * @param {boolean} isError
   */
  #say(sentence, isError) {
    this.#answer.textContent = sentence;
    this.#answer.classList.toggle("is-error", isError);
    this.#input.setAttribute("aria-invalid", String(isError));
  }
}
