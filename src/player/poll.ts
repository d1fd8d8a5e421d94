// @ts-check
/// <reference lib="dom" />
/**
 * Asks the relay for its streams, again and again.
 *
 * @module
 */
import { backoffMs } from "./backoff.js";
import { readStatuses } from "./status.js";

/** @typedef {import("./status.js").Status} Status */

/** How often the relay is asked while the page is seen, and while it is not, in milliseconds. */
const INTERVAL_MS = 1000;
const HIDDEN_INTERVAL_MS = 5000;
/** How long an answer may take. */
const TIMEOUT_MS = 5000;

const AGAIN = "The page goes on as soon as it is there again.";

/**
 * What it needs of the browser; a test brings its own.
 *
 * @typedef {object} Surroundings
 * @property {(url: URL, init: RequestInit) => Promise<Response>} fetch
 * @property {() => boolean} isHidden whether nobody sees the page
 * @property {() => boolean} isOnline whether this computer has a network
 * @property {() => number} random
 */

/** @type {Surroundings} */
const BROWSER = {
  fetch: (url, init) => fetch(url, init),
  isHidden: () => document.hidden,
  isOnline: () => navigator.onLine,
  random: Math.random,
};

/** The only timer of the page: once a second, and less often while nobody answers or looks. */
export class Poll {
  /** @readonly */ #url;
  /** @readonly @type {(statuses: Status[]) => void} */ #onAnswer;
  /** @readonly @type {(sentence: string) => void} */ #onAway;
  /** @readonly */ #surroundings;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #isAsking = false;
  #isStopped = true;
  #failures = 0;

  /**
   * @param {URL} url of the list
   * @param {object} events
   * @param {(statuses: Status[]) => void} events.onAnswer
   * @param {(sentence: string) => void} events.onAway the relay does not answer, and why
   * @param {Surroundings} [surroundings]
   */
  constructor(url, { onAnswer, onAway }, surroundings = BROWSER) {
    this.#url = url;
    this.#onAnswer = onAnswer;
    this.#onAway = onAway;
    this.#surroundings = surroundings;
  }

  /** Begins to ask. */
  start() {
    this.#isStopped = false;
    this.hurry();
  }

  /** Asks no more. */
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks at once, unless an answer is on its way. */
  hurry() {
    if (this.#isAsking || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#ask();
  }

  async #ask() {
    this.#isAsking = true;
    const begunMs = performance.now();
    try {
      const statuses = await this.#read();
      this.#failures = 0;
      if (!this.#isStopped) this.#onAnswer(statuses);
    } catch (error) {
      this.#failures++;
      if (!this.#isStopped) this.#onAway(this.#sentence(error));
    }
    this.#isAsking = false;
    if (this.#isStopped) return;
    const { isHidden, random } = this.#surroundings;
    const intervalMs = isHidden() ? HIDDEN_INTERVAL_MS : INTERVAL_MS;
    const delayMs = this.#failures > 0
      ? backoffMs(this.#failures, random())
      : Math.max(0, intervalMs - (performance.now() - begunMs));
    this.#timer = setTimeout(() => this.#ask(), delayMs);
  }

  /** @returns {Promise<Status[]>} */
  async #read() {
    const { fetch } = this.#surroundings;
    const response = await fetch(this.#url, {
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new StrangeAnswer(`it answers with the status ${response.status}`);
    }
    /** @type {unknown} */
    let answer;
    try {
      answer = await response.json();
    } catch (error) {
      if (error instanceof SyntaxError) throw new StrangeAnswer("its answer is not JSON");
      throw error;
    }
    const statuses = readStatuses(answer);
    if (statuses === undefined) throw new StrangeAnswer("its answer is no list of streams");
    return statuses;
  }

  /**
   * @param {unknown} error
   * @returns {string}
   */
  #sentence(error) {
    if (!this.#surroundings.isOnline()) {
      return "This device is offline. The page goes on with the network.";
    }
    if (error instanceof StrangeAnswer) {
      return `The relay is not to be understood: ${error.message}. ${AGAIN}`;
    }
    return `The relay does not answer. ${AGAIN}`;
  }
}

/** Something answers that is not the relay's API. */
class StrangeAnswer extends Error {}
