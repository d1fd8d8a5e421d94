/**
 * Somebody else decides: a service that is asked over HTTP.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Access, AccessQuestion, Ruling } from "./access.ts";
import { type Comer, WaitingLine } from "./waiting_line.ts";

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 1000;
/** Most questions under way, each with a connection of its own. */
const MAX_UNDER_WAY = 128;
/** Most questions of strangers that wait for a place, each for as long as an answer may take. */
const MAX_NEW = 4096;
/** Most that wait of those who were let in and are asked about again, each for five times as long. */
const MAX_KNOWN = 10_000;
/** Most answers that are kept. */
const MAX_KEPT = 10_000;
/** Longest answer that is read, in characters. */
const MAX_ANSWER = 4096;
/** Longest time that an answer holds: a year, in seconds. */
const MAX_EXPIRES_S = 31_536_000;

const NO_ANSWER: Ruling = {
  decision: "forbidden",
  why: "whoever decides (--auth-url) has not answered in time",
};

/**
 * Asks by `POST` with `{action, stream, address, token, userAgent}` as JSON. An answer of 2xx allows it,
 * for `{"expires": seconds}` if it says so, and any other refuses it.
 */
export class AskedElsewhere implements Access {
  readonly #url: string;
  readonly #nowMs: () => number;
  readonly #answerMs: number;
  /** By the hash of a question. */
  readonly #kept = new Map<string, Ruling & { readonly untilMs: number }>();
  readonly #underWay = new Map<string, Promise<Ruling>>();
  readonly #line: WaitingLine;

  constructor(
    url: string,
    { nowMs = Date.now, answerMs = ANSWER_MS }: {
      readonly nowMs?: () => number;
      readonly answerMs?: number;
    } = {},
  ) {
    this.#url = url;
    this.#nowMs = nowMs;
    this.#answerMs = answerMs;
    this.#line = new WaitingLine(MAX_UNDER_WAY, {
      new: { most: MAX_NEW, waitMs: answerMs },
      known: { most: MAX_KNOWN, waitMs: 5 * answerMs },
    });
  }

  async authorize(question: AccessQuestion): Promise<Ruling> {
    if (question.action !== "connect") return await this.#ask(question);
    // The hello says which of them it is to be.
    const watch = await this.#ask({ ...question, action: "watch" });
    if (watch.decision === "allowed") return watch;
    return await this.#ask({ ...question, action: "publish" });
  }

  async #ask({ action, stream, address, token, userAgent }: AccessQuestion): Promise<Ruling> {
    const body = JSON.stringify({
      action,
      stream: stream ?? null,
      address,
      token: token ?? null,
      userAgent: userAgent ?? null,
    });
    const hash = createHash("sha256").update(body).digest("base64");
    const kept = this.#kept.get(hash);
    if (kept !== undefined && this.#nowMs() < kept.untilMs) return kept;
    const asked = this.#underWay.get(hash);
    if (asked !== undefined) return await asked;
    this.#kept.delete(hash);
    const answer = this.#inTurn(
      kept === undefined ? "new" : "known",
      () => this.#post(body, token !== undefined),
    );
    this.#underWay.set(hash, answer);
    try {
      const ruling = await answer;
      if (ruling.untilMs !== undefined) this.#keep(hash, { ...ruling, untilMs: ruling.untilMs });
      return ruling;
    } finally {
      this.#underWay.delete(hash);
    }
  }

  async #inTurn(comer: Comer, post: () => Promise<Ruling>): Promise<Ruling> {
    if (!await this.#line.enter(comer)) return NO_ANSWER;
    try {
      return await post();
    } finally {
      this.#line.leave();
    }
  }

  /** Nothing that goes wrong is thrown: it refuses. */
  async #post(body: string, hasToken: boolean): Promise<Ruling> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        // What is asked, with the token, goes nowhere else.
        redirect: "manual",
        signal: AbortSignal.timeout(this.#answerMs),
      });
      const { ok, status } = response;
      const text = await firstText(response);
      if (ok) return this.#allowed(text);
      if (status !== 401) return { decision: "forbidden", why: "whoever decides refuses it" };
      return hasToken
        ? { decision: "unknown", fault: "wrong", why: "whoever decides does not know the token" }
        : { decision: "unknown", fault: "none", why: "whoever decides asks for a token" };
    } catch {
      return NO_ANSWER;
    }
  }

  #allowed(text: string): Ruling {
    const expiresS = expiresIn(text);
    if (expiresS === undefined) return { decision: "allowed" };
    return { decision: "allowed", untilMs: this.#nowMs() + expiresS * 1000 };
  }

  #keep(hash: string, ruling: Ruling & { readonly untilMs: number }): void {
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(hash, ruling);
  }
}

/** What stands in `{"expires": seconds}`; anything else holds until it is asked again. */
function expiresIn(text: string): number | undefined {
  try {
    const { expires } = JSON.parse(text) as { expires?: unknown };
    return typeof expires === "number" && expires >= 0
      ? Math.min(expires, MAX_EXPIRES_S)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The text of an answer; nothing of one that is too long. */
async function firstText({ body }: Response): Promise<string> {
  if (body === null) return "";
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.length > MAX_ANSWER) return "";
  }
  return text;
}
