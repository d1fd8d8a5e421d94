/**
 * Asks the relay for its streams, again and again.
 *
 * @module
 */
import { readText } from "../net/answer.ts";
import { ATTENDED_MAX_DELAY_MS, backoffMs } from "../net/backoff.ts";
import { type Refusal, refusalOf } from "./admission.ts";
import { notPermitted } from "./sentences.ts";
import { readStatuses, type Status } from "./status.ts";

/** How often the relay is asked while the page is seen, and while it is not, in milliseconds. */
const INTERVAL_MS = 1000;
const HIDDEN_INTERVAL_MS = 5000;
/** How long an answer may take. */
const TIMEOUT_MS = 5000;

const AGAIN = "The page will continue as soon as the relay is back.";

/** What it needs of the browser; a test brings its own. */
export interface Surroundings {
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  /** Is over when the relay may be asked; nothing where that is now. */
  readonly ready: () => Promise<void> | undefined;
  /** Whether nobody sees the page. */
  readonly isHidden: () => boolean;
  /** Whether this computer has a network. */
  readonly isOnline: () => boolean;
  readonly random: () => number;
}

const BROWSER: Surroundings = {
  fetch: (url, init) => fetch(url, init),
  ready: () => undefined,
  isHidden: () => document.hidden,
  isOnline: () => navigator.onLine,
  random: Math.random,
};

/** What the one who polls is told. */
export interface PollEvents {
  readonly onAnswer: (statuses: Status[]) => void;
  /** The relay does not answer, and why; or it does not let the page in. */
  readonly onAway: (sentence: string, refusal: Refusal | undefined) => void;
}

/** The only timer of the page: once a second, and less often while nobody answers or looks. */
export class Poll {
  readonly #url: URL;
  readonly #onAnswer: (statuses: Status[]) => void;
  readonly #onAway: PollEvents["onAway"];
  readonly #surroundings: Surroundings;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isStopped = true;
  #failures = 0;

  /** Asks for the list at `url`. */
  constructor(
    url: URL,
    { onAnswer, onAway }: PollEvents,
    surroundings: Partial<Surroundings> = {},
  ) {
    this.#url = url;
    this.#onAnswer = onAnswer;
    this.#onAway = onAway;
    this.#surroundings = { ...BROWSER, ...surroundings };
  }

  /** Begins to ask. */
  start(): void {
    this.#isStopped = false;
    this.hurry();
  }

  /** Asks no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks at once, unless an answer is on its way. */
  hurry(): void {
    if (this.#isAsking || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const ready = this.#surroundings.ready();
    if (ready !== undefined) await ready;
    const begunMs = performance.now();
    try {
      const statuses = await this.#read();
      this.#failures = 0;
      if (!this.#isStopped) this.#onAnswer(statuses);
    } catch (error) {
      this.#failures++;
      const refusal = error instanceof Refused ? error.refusal : undefined;
      if (!this.#isStopped) this.#onAway(this.#sentence(error), refusal);
    }
    this.#isAsking = false;
    if (this.#isStopped) return;
    const { isHidden, random } = this.#surroundings;
    const intervalMs = isHidden() ? HIDDEN_INTERVAL_MS : INTERVAL_MS;
    const delayMs = this.#failures > 0
      ? backoffMs(this.#failures, random(), ATTENDED_MAX_DELAY_MS)
      : Math.max(0, intervalMs - (performance.now() - begunMs));
    this.#timer = setTimeout(() => this.#ask(), delayMs);
  }

  async #read(): Promise<Status[]> {
    const { fetch } = this.#surroundings;
    const response = await fetch(this.#url, {
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) {
      const refusal = refusalOf(response, await readText(response) ?? "");
      if (refusal !== undefined) throw new Refused(refusal);
      throw new StrangeAnswer(`it answers with the status ${response.status}`);
    }
    const text = await readText(response);
    if (text === undefined) throw new StrangeAnswer("its answer is too long");
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (error) {
      if (error instanceof SyntaxError) throw new StrangeAnswer("its answer is not JSON");
      throw error;
    }
    const statuses = readStatuses(answer);
    if (statuses === undefined) throw new StrangeAnswer("its answer is not a list of streams");
    return statuses;
  }

  #sentence(error: unknown): string {
    if (!this.#surroundings.isOnline()) {
      return "This device is offline. The page will continue when it is online again.";
    }
    if (error instanceof Refused) return notPermitted(error.refusal.sentence);
    if (error instanceof StrangeAnswer) {
      return `The relay cannot be understood: ${error.message}. ${AGAIN}`;
    }
    return `The relay does not answer. ${AGAIN}`;
  }
}

/** Something answers that is not the relay's API. */
class StrangeAnswer extends Error {}

/** The relay does not let the page in. */
class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.sentence);
    this.refusal = refusal;
  }
}
