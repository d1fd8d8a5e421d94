/**
 * Whether a relay lets a page watch: a plain request finds out, since a WebSocket that is refused does
 * not say why.
 *
 * @module
 */
import { readText } from "../net/answer.ts";

/** How long the relay may take to answer, in milliseconds. */
const TIMEOUT_MS = 5000;
/** For how long an answer stands for all that ask with the same token, in milliseconds. */
const REMEMBERED_MS = 2000;
/** Longest part of the relay's sentence that is shown, in characters. */
const MAX_SENTENCE = 300;
/** How long to wait where the relay does not say it, and at most, in milliseconds. */
const WAIT_MS = 10_000;
const MAX_WAIT_MS = 3_600_000;

/** Why the relay does not let a page in. */
export interface Refusal {
  /** The relay's own words. */
  readonly sentence: string;
  /** How long nothing more is taken from here, in milliseconds; 0 where another token may come at once. */
  readonly waitMs: number;
  /** Whether it is about what is asked for, and not about the token. */
  readonly isElsewhere: boolean;
}

/** The answer: it does, it does not, or nobody answers. */
export type Admission = "admitted" | "away" | Refusal;

/** Asks a relay; the browser's own `fetch`, unless a test has another. */
type Ask = (url: URL, init: RequestInit) => Promise<Response>;

/** Where the relay tells whether the stream at `url` may be watched, whether it is there or not. */
export function accessOf(url: string | URL): URL {
  const { href } = new URL(url);
  const path = href.replace(/^ws/, "http").replace(/[?#].*$/s, "");
  const at = path.lastIndexOf("/") + 1;
  return new URL(`api/streams/${path.slice(at)}/access`, path.slice(0, at));
}

/**
 * Asks once for all that want to know the same at the same time: thirty pictures of one page with a token
 * that has expired would else be thirty wrong tokens, after which the relay takes nothing from there.
 */
export class Admissions {
  readonly #ask: Ask;
  readonly #nowMs: () => number;
  readonly #underWay = new Map<string, Promise<Admission>>();
  #last: { readonly key: string; readonly refusal: Refusal; readonly untilMs: number } | undefined;

  /** `nowMs`: milliseconds from wherever. */
  constructor(
    ask: Ask = (url, init) => fetch(url, init),
    nowMs: () => number = () => performance.now(),
  ) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** Asks at `url`, an address of the relay's API, with `token`. */
  async ask(url: URL, token: string | undefined): Promise<Admission> {
    const key = `${url.href.replace(/\/api\/.*$/, "")} ${token ?? ""}`;
    const last = this.#last;
    if (last?.key === key && this.#nowMs() < last.untilMs) return last.refusal;
    const first = this.#underWay.get(key);
    if (first !== undefined) {
      const answer = await first;
      const isForAll = typeof answer === "string" ? answer === "away" : !answer.isElsewhere;
      return isForAll ? answer : await this.#look(url, token);
    }
    const asking = this.#look(url, token);
    this.#underWay.set(key, asking);
    const answer = await asking;
    this.#underWay.delete(key);
    if (typeof answer === "object" && !answer.isElsewhere) {
      const rememberedMs = answer.waitMs === 0
        ? REMEMBERED_MS
        : Math.min(REMEMBERED_MS, answer.waitMs);
      this.#last = { key, refusal: answer, untilMs: this.#nowMs() + rememberedMs };
    }
    return answer;
  }

  async #look(url: URL, token: string | undefined): Promise<Admission> {
    try {
      const response = await this.#ask(url, {
        cache: "no-store",
        credentials: "same-origin",
        referrerPolicy: "no-referrer",
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await readText(response) ?? "";
      return refusalOf(response, text) ?? (response.status < 500 ? "admitted" : "away");
    } catch {
      // It cannot be reached, or not by pages of this site.
      return "away";
    }
  }
}

/** Why the relay does not let a page in, by its answer; nothing where it does. */
export function refusalOf(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
): Refusal | undefined {
  if (status !== 401 && status !== 403 && status !== 429) return undefined;
  const sentence = text.split("\n")[0]!.slice(0, MAX_SENTENCE) || "The relay asks for a token.";
  const waitMs = status === 429 ? waitOf(headers.get("retry-after")) : 0;
  return { sentence, waitMs, isElsewhere: status === 403 };
}

/** Seconds or a date (RFC 9110 section 10.2.3); the relay says seconds. */
function waitOf(retryAfter: string | null): number {
  if (!/^\d{1,9}$/.test(retryAfter ?? "")) return WAIT_MS;
  return Math.min(MAX_WAIT_MS, Math.max(1, Number(retryAfter)) * 1000);
}

/** Those of this page. */
export const admissions: Admissions = new Admissions();
